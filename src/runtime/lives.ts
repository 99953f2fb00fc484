/**
 * Which life of its this node is. Whoever starts over, with new members that know nothing of what those before said, does so as
 * another life: what others still have of the one before is then no news of this one. Kept in the state file, if there is one.
 */
import type { Clock } from '../api.ts'
import type { ChordError } from '../core/errors.ts'
import { incarnationAbove, incarnationAt } from '../core/incarnation.ts'
import { parseAddress } from './address.ts'
import { StateKeeper } from './state-keeper.ts'
import type { Files } from './statefile.ts'

export interface LivesOptions {
  /** Of the state file. Absent: nothing is kept. */
  path: string | undefined
  files: Files
  clock: Clock
  /** Addresses worth remembering now. */
  peers(): string[]
  warn(error: ChordError): void
}

export class Lives {
  readonly #o: LivesOptions
  readonly #keeper: StateKeeper
  #incarnation = 0n

  constructor(o: LivesOptions) {
    this.#o = o
    const { path, files, clock, warn } = o
    this.#keeper = new StateKeeper({ path, files, clock, warn, state: () => this.#state() })
  }

  get incarnation(): bigint {
    return this.#incarnation
  }

  /** Addresses of an earlier run of this process. */
  async read(): Promise<{ incarnation: bigint; peers: readonly string[] }> {
    const { incarnation, peers } = await this.#keeper.read()
    return { incarnation, peers: peers.filter((peer) => parseAddress(peer).ok) }
  }

  /** The first life of this run, later than the one that was saved. */
  async begin(saved: { incarnation: bigint; peers: readonly string[] }): Promise<void> {
    this.#incarnation = incarnationAt(saved.incarnation, this.#o.clock.nowMs())
    await this.#keeper.save(this.#incarnation, saved.peers)
  }

  /** The next one, later than `known`, which the ring remembers of us. */
  next(known = this.#incarnation): void {
    this.#incarnation = incarnationAbove(known, this.#incarnation)
    void this.#keeper.save(this.#incarnation, this.#o.peers())
  }

  keepSaving(): void {
    this.#keeper.keepSaving()
  }

  close(): Promise<void> {
    return this.#keeper.close()
  }

  #state() {
    return { incarnation: this.#incarnation, peers: this.#o.peers() }
  }
}
