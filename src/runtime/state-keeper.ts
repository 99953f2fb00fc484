/** Reads and writes the state file of a node. What goes wrong with it is a warning, and the node goes on. */
import type { Clock } from '../api.ts'
import { STATE_FILE_MS } from '../core/config.ts'
import type { ChordError } from '../core/errors.ts'
import { type Files, readState, type SavedState, writeState } from './statefile.ts'

export interface StateKeeperOptions {
  /** Absent: nothing is kept. */
  path: string | undefined
  files: Files
  clock: Clock
  /** What is to be kept now. */
  state(): SavedState
  warn(error: ChordError): void
}

export class StateKeeper {
  readonly #o: StateKeeperOptions
  #timer: Disposable | undefined
  #hasState = false
  /** One write at a time: they share a file that is renamed. */
  #writing: Promise<void> = Promise.resolve()

  constructor(o: StateKeeperOptions) {
    this.#o = o
  }

  async read(): Promise<SavedState> {
    const { path, files } = this.#o
    try {
      if (path !== undefined) return await readState(files, path)
    } catch (error) {
      this.#o.warn(error as ChordError)
    }
    return { incarnation: 0n, peers: [] }
  }

  save(incarnation: bigint, peers: readonly string[]): Promise<void> {
    const { path, files } = this.#o
    if (path === undefined) return Promise.resolve()
    this.#writing = this.#writing
      .then(() => writeState(files, path, { incarnation, peers }))
      .catch((error: ChordError) => this.#o.warn(error))
    return this.#writing
  }

  /** Now, and then again and again. */
  keepSaving(): void {
    if (this.#o.path === undefined) return
    this.#hasState = true
    void this.#saveNow()
    this.#timer = this.#o.clock.setTimer(STATE_FILE_MS, () => this.keepSaving())
  }

  async close(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    if (this.#hasState) await this.#saveNow()
  }

  #saveNow(): Promise<void> {
    const { incarnation, peers } = this.#o.state()
    return this.save(incarnation, peers)
  }
}
