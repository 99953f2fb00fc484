/** Runs one of the programs beside this file, which use the built package, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Outcome {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
  errors: string
}

export function programPath(name: string): string {
  return fileURLToPath(new URL(`./programs/${name}.mjs`, import.meta.url))
}

/** Waits until it ends; kills it, and so fails the test by its signal, if that takes longer than 20 s. */
export function runProgram(name: string, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, ['--expose-gc', programPath(name), ...args], { timeout: 20_000 })
  let output = ''
  let errors = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  child.stderr.on('data', (text) => {
    errors += text
  })
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output, errors })))
}

/** The first line that a program prints, parsed. */
export function firstLine<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (text) => resolve(JSON.parse(String(text))))
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it said anything`)))
  })
}
