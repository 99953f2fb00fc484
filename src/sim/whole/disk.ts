/** The files of a simulated host. They outlive its processes, and may be lost, be of long ago, or not be written. */
import type { Clock } from '../../api.ts'
import type { Files } from '../../runtime/statefile.ts'
import type { Stream } from '../random.ts'

/** What is left of the files when a process starts again: all, those of its first days, nothing. */
export type Memory = (typeof MEMORIES)[number]
export const MEMORIES = ['kept', 'stale', 'lost'] as const

/** Bounds of what one operation takes. */
const MIN_MS = 0.05
const MAX_MS = 4

export class Disk {
  /** Writing fails, as on a full disk. */
  isFull = false
  readonly #files = new Map<string, string>()
  /** As first written. */
  readonly #first = new Map<string, string>()

  /** As a process sees it: an operation takes a while, and what has not ended when the process dies never happens. */
  opened(clock: Clock, random: Stream): Files {
    const after = <T>(operation: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        clock.setTimer(random.between(MIN_MS, MAX_MS), () => {
          try {
            resolve(operation())
          } catch (error) {
            reject(error)
          }
        })
      })
    return {
      read: (path) => after(() => this.#files.get(path)),
      write: (path, text) => after(() => this.#write(path, text)),
      rename: (from, to) => after(() => this.#rename(from, to)),
    }
  }

  /** What the next process finds. */
  forget(memory: Memory): void {
    if (memory === 'kept') return
    this.#files.clear()
    if (memory === 'stale') for (const [path, text] of this.#first) this.#files.set(path, text)
    else this.#first.clear()
  }

  #write(path: string, text: string): void {
    if (this.isFull) throw new Error('ENOSPC: no space left on the simulated disk')
    this.#files.set(path, text)
  }

  #rename(from: string, to: string): void {
    const text = this.#files.get(from)
    if (text === undefined) throw new Error(`ENOENT: there is no ${from} on the simulated disk`)
    this.#files.delete(from)
    this.#files.set(to, text)
    if (!this.#first.has(to)) this.#first.set(to, text)
  }
}
