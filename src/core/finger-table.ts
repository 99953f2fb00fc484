/** Finger i is the owner of self + 2^i (paper, section 4.3): shortcuts that halve the distance, never needed for correctness. */
import { assert } from './errors.ts'
import { ID_BITS, type Id } from './id.ts'
import { type Peer, samePeer } from './messages.ts'

/** `count` fingers that follow each other. */
export interface FingerRun {
  readonly finger: Peer | undefined
  readonly count: number
}

export class FingerTable {
  readonly #self: Id
  readonly #fingers: (Peer | undefined)[] = new Array(ID_BITS).fill(undefined)
  /** How often a finger has come to point to another. */
  changes = 0

  constructor(self: Id) {
    this.#self = self
  }

  start(bit: number): Id {
    return this.#self.addPowerOfTwo(bit)
  }

  /**
   * `owner` owns everything in (after, owner]: sets every finger from `fromBit` on that points there, since one answer is good for all
   * that it covers. Returns the first bit from `fromBit` on that it does not cover.
   */
  cover(after: Id, owner: Peer, fromBit: number): number {
    let bit = fromBit
    const finger = owner.id.equals(this.#self) ? undefined : owner
    while (bit < ID_BITS && this.start(bit).isBetweenOrEnd(after, owner.id)) {
      if (!samePeer(this.#fingers[bit], finger)) this.changes++
      this.#fingers[bit] = finger
      bit++
    }
    return bit
  }

  remove(peer: Peer): boolean {
    let found = false
    for (let bit = 0; bit < ID_BITS; bit++) {
      if (samePeer(this.#fingers[bit], peer)) {
        this.#fingers[bit] = undefined
        found = true
      }
    }
    return found
  }

  /** Neighbouring fingers are mostly the same. */
  dump(): readonly FingerRun[] {
    const runs: { finger: Peer | undefined; count: number }[] = []
    for (const finger of this.#fingers) {
      const last = runs[runs.length - 1]
      if (last !== undefined && samePeer(last.finger, finger)) last.count++
      else runs.push({ finger, count: 1 })
    }
    return runs
  }

  restore(runs: readonly FingerRun[]): void {
    let bit = 0
    for (const { finger, count } of runs) {
      this.#fingers.fill(finger, bit, bit + count)
      bit += count
    }
    assert(bit === ID_BITS, 'as many fingers as bits')
  }

  /** Each once, nearest first. */
  distinct(): Peer[] {
    const out: Peer[] = []
    for (const finger of this.#fingers) {
      if (finger !== undefined && !samePeer(finger, out[out.length - 1])) out.push(finger)
    }
    return out
  }
}
