/** Runs the built command line as a user does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export async function chordite(args: readonly string[], input?: string): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const ended: Ended = { code: null, stdout: '', stderr: '' }
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
  child.stdin?.end(input)
  await once(child, 'close')
  ended.code = child.exitCode
  return ended
}

export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

/** What a failed test leaves running must not outlive its file. */
const started = new Set<ChildProcess>()
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
})

/** A command that keeps running, and the JSON lines that it prints. */
export class Running {
  readonly process: ChildProcess
  readonly events: Record<string, unknown>[] = []
  readonly #wake: (() => void)[] = []

  constructor(args: readonly string[]) {
    this.process = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    started.add(this.process)
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line))
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  /** The first event, seen or to come, that `wanted` accepts. */
  async event(wanted: (event: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.events.find(wanted)
      if (found) return found
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.process, 'close')
    this.process.kill(signal)
    await closed
    return this.process.exitCode
  }
}
