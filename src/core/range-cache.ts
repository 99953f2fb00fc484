/**
 * Ranges that others own, as they said: an answer tells whose range the key is in, and further keys in it can go straight to that
 * owner. It may own them no more by then; so whoever is asked checks, and what is found here only saves hops.
 *
 * A range ends at its owner's id. So there is one entry for an id, entries do not overlap, and a newer one takes what it covers: those
 * whose id lies inside of it are gone, the one behind it begins where it ends.
 */
import { ArcTable, NO_ARC } from './arc-table.ts'
import type { Id } from './id.ts'
import type { Peer, Range } from './messages.ts'

/** As its owner said it; it may begin later since, by what another one said. An `Owner` that was found without a hop. */
export interface KnownRange {
  readonly owner: Peer
  readonly range: Range
  readonly epoch: bigint
  readonly hops: 0
  /** When last said. */
  learntMs: number
}

/** Each range takes up to two arcs. */
export const CACHED_RANGES_MAX = 32_767
/** A table that changes soon again is not worth preparing: that costs as much as a few hundred searches. */
const SEARCHES_UNPREPARED = 256

export class RangeCache {
  /** Another number whenever anything has changed. */
  version = 0
  readonly #limit: number
  /** In the order of ids. */
  #ranges: KnownRange[] = []
  /** By id, the one learnt first at the front. */
  readonly #byAge = new Map<string, KnownRange>()
  #searches = 0
  #prepared: ArcTable | undefined

  /** `limit`: ranges at most; 0 learns nothing. */
  constructor(limit: number) {
    this.#limit = Math.min(limit, CACHED_RANGES_MAX)
  }

  get size(): number {
    return this.#ranges.length
  }

  /** In the order of their ends. */
  get all(): readonly KnownRange[] {
    return this.#ranges
  }

  /** What an owner says of itself; false if it has said something newer before. */
  learn(owner: Peer, range: Range, epoch: bigint, nowMs: number): boolean {
    if (this.#limit === 0 || !range.upTo.equals(owner.id)) return false
    const known = this.#byAge.get(String(owner.id))
    if (known !== undefined && isOlder(owner, epoch, known)) return false
    if (known !== undefined && isSame(owner, range, epoch, known)) return this.#renew(known, nowMs)
    this.#makeRoom(owner.id, range.after)
    this.#remove(owner.id)
    if (this.#ranges.length >= this.#limit) this.#remove(this.#oldest().owner.id)
    const learnt: KnownRange = { owner, range, epoch, hops: 0, learntMs: nowMs }
    this.#ranges.splice(this.#position(owner.id), 0, learnt)
    this.#byAge.set(String(owner.id), learnt)
    this.#changed()
    return true
  }

  /** The range that the key is in, if it is known. */
  find(key: Id): KnownRange | undefined {
    if (this.#prepared === undefined && ++this.#searches > SEARCHES_UNPREPARED) this.#prepared = arcsOf(this.#ranges)
    if (this.#prepared !== undefined) {
      const arc = this.#prepared.find(key)
      return arc === NO_ARC ? undefined : this.#ranges[arc]
    }
    const known = this.#atOrBehind(key)
    return known !== undefined && key.isBetweenOrEnd(known.range.after, known.range.upTo) ? known : undefined
  }

  /** The range that the key is in has turned out not to be its owner's. */
  forgetKey(key: Id): void {
    const range = this.find(key)
    if (range === undefined) return
    this.#remove(range.owner.id)
    this.#changed()
  }

  /** Nobody is there any more, or it does not answer. */
  forgetAddress(address: string): void {
    this.#drop((range) => range.owner.address === address)
  }

  /** What was learnt before. */
  expire(beforeMs: number): void {
    this.#drop((range) => range.learntMs < beforeMs)
  }

  /** Nothing that was prepared changes. */
  #renew(known: KnownRange, nowMs: number): true {
    const name = String(known.owner.id)
    known.learntMs = nowMs
    this.#byAge.delete(name)
    this.#byAge.set(name, known)
    return true
  }

  #drop(isDue: (range: KnownRange) => boolean): void {
    const kept = this.#ranges.filter((range) => !isDue(range))
    if (kept.length === this.#ranges.length) return
    for (const range of this.#ranges) if (isDue(range)) this.#byAge.delete(String(range.owner.id))
    this.#ranges = kept
    this.#changed()
  }

  /** Takes (after, id] from the others. */
  #makeRoom(id: Id, after: Id): void {
    for (let range = this.#behind(after); range !== undefined; range = this.#behind(after)) {
      if (range.owner.id.equals(id) || !range.owner.id.isBetween(after, id)) break
      this.#remove(range.owner.id)
    }
    const next = this.#behind(id)
    if (next === undefined || next.owner.id.equals(id) || !id.isBetween(next.range.after, next.owner.id)) return
    const trimmed: KnownRange = { ...next, range: { after: id, upTo: next.owner.id } }
    this.#ranges[this.#position(next.owner.id)] = trimmed
    // In its old place: it was not learnt now.
    this.#byAge.set(String(next.owner.id), trimmed)
  }

  #remove(id: Id): void {
    if (!this.#byAge.delete(String(id))) return
    this.#ranges.splice(this.#position(id), 1)
  }

  #oldest(): KnownRange {
    return this.#byAge.values().next().value as KnownRange
  }

  /** The first whose owner's id is the key or follows it on the ring. */
  #atOrBehind(key: Id): KnownRange | undefined {
    return this.#ranges[this.#position(key)] ?? this.#ranges[0]
  }

  /** The first whose owner's id follows the id on the ring. */
  #behind(id: Id): KnownRange | undefined {
    const at = this.#position(id)
    return this.#ranges[this.#ranges[at]?.owner.id.equals(id) === true ? at + 1 : at] ?? this.#ranges[0]
  }

  /** How many have an id below it. */
  #position(id: Id): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ranges[middle]!.owner.id.compare(id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #changed(): void {
    this.version++
    this.#searches = 0
    this.#prepared = undefined
  }
}

/** Ranges in the order of their ends, which do not overlap, as arcs with their indexes for numbers; gaps between them have NO_ARC. */
export function arcsOf(known: readonly KnownRange[]): ArcTable {
  const ends: Id[] = []
  const values: number[] = []
  const gap = (end: Id) => {
    ends.push(end)
    values.push(NO_ARC)
  }
  const first = known[0]?.range
  let end = known.at(-1)?.range.upTo
  for (const [index, { range }] of known.entries()) {
    // Unless it begins where the one before it ends, or behind zero, or is the whole ring.
    if (!range.after.equals(end!) && range.after.compare(range.upTo) < 0) gap(range.after)
    ends.push(range.upTo)
    values.push(index)
    end = range.upTo
  }
  if (first !== undefined && first.after.compare(first.upTo) > 0 && !first.after.equals(end!)) gap(first.after)
  return new ArcTable(ends, values)
}

function isSame(owner: Peer, { after }: Range, epoch: bigint, known: KnownRange): boolean {
  return epoch === known.epoch && owner.incarnation === known.owner.incarnation && after.equals(known.range.after)
}

function isOlder(owner: Peer, epoch: bigint, known: KnownRange): boolean {
  if (owner.incarnation !== known.owner.incarnation) return owner.incarnation < known.owner.incarnation
  return epoch < known.epoch
}
