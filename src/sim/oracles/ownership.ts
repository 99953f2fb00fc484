/**
 * Who owns what, of all members that own something, live or leaving. Every range ends at its owner, so ranges overlap exactly
 * where one reaches back over the next owner before it, and keys are nobody's exactly between an owner and the beginning of
 * the range after it: both are looked up at the neighbours of a change.
 */
import type { Id } from '../../core/id.ts'
import type { Range } from '../../core/messages.ts'
import type { Seen } from './view.ts'

/** With more owners than this, the share of keys that several own is added up instead of swept exactly. */
const SWEEP_MAX = 2000

export class Ownership {
  readonly #owners: Seen[] = []
  /** Owners whose range reaches over the one before. */
  readonly overlaps = new Set<Seen>()
  /** Owners before whose range something is nobody's, if no range from further on reaches there. */
  readonly gaps = new Set<Seen>()

  get size(): number {
    return this.#owners.length
  }

  /** After the range of `seen` has changed from nothing, to nothing, or otherwise. */
  update(seen: Seen): void {
    const at = this.#indexAtOrAfter(seen.id)
    const listed = this.#owners[at] === seen || this.#owners[at + 1] === seen
    const index = this.#owners[at] === seen ? at : at + 1
    const owns = seen.range !== undefined && !seen.stopped
    if (owns && !listed) this.#owners.splice(at, 0, seen)
    if (!owns && listed) this.#owners.splice(index, 1)
    if (!owns) this.#forget(seen)
    this.#look(this.#indexAtOrAfter(seen.id))
    this.#look(this.#indexAtOrAfter(seen.id) + 1)
    this.#look(this.#indexAtOrAfter(seen.id) + 2)
  }

  /** Those whose ids lie in the range of `owner`, nearest first. */
  within(owner: Seen): Seen[] {
    const found: Seen[] = []
    const { after, upTo } = owner.range as Range
    const at = this.#indexOf(owner)
    for (let i = 1; i < this.#owners.length; i++) {
      const other = this.#at(at - i)
      if (!other.id.equals(upTo) && !other.id.isBetween(after, upTo)) break
      found.push(other)
    }
    return found
  }

  /** Shares of the ring, from 0 to 1: keys that nobody owns, and what is owned more than once (each time too many counts). */
  shares(): { readonly nobodys: number; readonly doubled: number } {
    if (this.#owners.length === 0) return { nobodys: 0, doubled: 0 }
    if (this.overlaps.size > 0 && this.#owners.length <= SWEEP_MAX) return this.#sweep()
    let nobodys = 0
    for (const owner of this.gaps) nobodys += share(this.#before(owner).id, (owner.range as Range).after)
    let doubled = 0
    for (const owner of this.overlaps) doubled += share((owner.range as Range).after, this.#before(owner).id)
    return { nobodys, doubled }
  }

  /** Backwards from an owner on: how far down the ring is covered by what lies ahead. */
  #sweep(): { nobodys: number; doubled: number } {
    let sum = 0
    let union = 0
    const starts: { from: number; to: number }[] = []
    for (const owner of this.#owners) {
      const { after, upTo } = owner.range as Range
      const length = after.equals(upTo) ? 1 : share(after, upTo)
      sum += length
      const to = position(upTo)
      if (to - length >= 0) starts.push({ from: to - length, to })
      else starts.push({ from: 0, to }, { from: 1 + to - length, to: 1 })
    }
    starts.sort((a, b) => a.from - b.from || a.to - b.to)
    let end = 0
    for (const { from, to } of starts) {
      if (to <= end) continue
      union += to - Math.max(from, end)
      end = to
    }
    return { nobodys: Math.max(0, 1 - union), doubled: Math.max(0, sum - union) }
  }

  #look(index: number): void {
    if (this.#owners.length === 0) return
    const owner = this.#at(index)
    const before = this.#before(owner)
    const { after, upTo } = owner.range as Range
    const overlaps = before !== owner && (before.id.equals(upTo) || before.id.isBetween(after, upTo))
    if (overlaps) this.overlaps.add(owner)
    else this.overlaps.delete(owner)
    if (!overlaps && !before.id.equals(after)) this.gaps.add(owner)
    else this.gaps.delete(owner)
  }

  #forget(seen: Seen): void {
    this.overlaps.delete(seen)
    this.gaps.delete(seen)
  }

  #before(owner: Seen): Seen {
    return this.#at(this.#indexOf(owner) - 1)
  }

  #at(index: number): Seen {
    const { length } = this.#owners
    return this.#owners[((index % length) + length) % length] as Seen
  }

  #indexOf(owner: Seen): number {
    return this.#owners.indexOf(owner, this.#indexAtOrAfter(owner.id))
  }

  #indexAtOrAfter(id: Id): number {
    let low = 0
    let high = this.#owners.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#owners[middle] as Seen).id.compare(id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Of the ring, between two points: exact in the first 53 bits that differ from zero. */
export function share(after: Id, upTo: Id): number {
  return position(after.distanceTo(upTo))
}

function position({ w0, w1, w2, w3, w4 }: Id): number {
  const word = 0x1_0000_0000
  const low = ((w3 >>> 0) + (w4 >>> 0) / word) / word
  return ((w0 >>> 0) + ((w1 >>> 0) + ((w2 >>> 0) + low) / word) / word) / word
}
