/** One `chordite node` process as `up` sees it: what it last said about itself, and how it ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Metrics } from '../index.ts'
import type { PlainMember } from './plain.ts'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))

/** A line of `chordite node --json`. */
export interface NodeLine {
  event: string
  [field: string]: unknown
}

export class ChildNode {
  readonly index: number
  state = 'starting'
  address = ''
  members: (PlainMember & { share: number })[] = []
  metrics: Metrics | undefined
  /** Resolves when it is a member; rejects if it ends before. */
  readonly ready: Promise<void>
  /** Resolves with a description of how it ended, undefined if it left as it should. */
  readonly ended: Promise<string | undefined>
  readonly #process: ChildProcess
  #lastError = ''

  constructor(index: number, flags: readonly string[], onLine: (child: ChildNode, line: NodeLine) => void) {
    this.index = index
    // A process group of its own, so that Ctrl-C reaches only `up`, which then tells its children once. The channel
    // carries no messages: it ends when `up` does, however it does, and the child leaves.
    this.#process = spawn(process.execPath, [MAIN, 'node', '--json', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    })
    createInterface({ input: this.#process.stderr! }).on('line', (text) => {
      // Why it ends is told when it has ended, everything else at once.
      if (text.startsWith('chordite: ')) this.#lastError = text.slice('chordite: '.length)
      else onLine(this, { event: 'stderr', text })
    })
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message))
      this.#process.once('close', (code, signal) => resolve(this.#describeEnd(code, signal)))
    })
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: this.#process.stdout! }).on('line', (text) => {
        const line = JSON.parse(text) as NodeLine
        this.#take(line)
        if (line.event === 'ready') resolve()
        onLine(this, line)
      })
      this.ended.then((how) => reject(new Error(`node ${index}: ${how ?? 'stopped'}`)))
    })
    this.ready.catch(() => {})
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  kill(signal: NodeJS.Signals): void {
    if (this.alive) this.#process.kill(signal)
  }

  #take(line: NodeLine): void {
    if (line.event === 'ready') {
      this.address = line.address as string
      this.members = line.members as ChildNode['members']
      this.state = 'member'
    } else if (line.event === 'state') {
      this.state = line.current as string
    } else if (line.event === 'status') {
      this.state = line.state as string
      this.members = line.members as ChildNode['members']
      this.metrics = line.metrics as Metrics
    }
  }

  #describeEnd(code: number | null, signal: NodeJS.Signals | null): string | undefined {
    this.state = code === 0 ? 'left' : 'dead'
    if (code === 0) return undefined
    return this.#lastError || (signal ? `killed by ${signal}` : `exit code ${code}`)
  }
}
