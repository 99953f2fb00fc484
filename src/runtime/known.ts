/** Whose ranges are known without asking: our own, and those that answers told of, which may be out of date. */
import type { Owner } from '../api.ts'
import { ARCS_MAX, ArcTable, NO_ARC } from '../core/arc-table.ts'
import type { Id } from '../core/id.ts'

export interface Known {
  /** For each key an index of `owners`, or NO_ARC. */
  readonly table: ArcTable
  readonly owners: readonly Owner[]
}

/** What is remembered of answers. */
export interface Remembered {
  /** Another after each change. */
  readonly version: number
  find(key: Id): Owner | undefined
  /** Disjoint, in order of the ends of their ranges. */
  owners(): readonly Owner[]
}

export class KnownRanges {
  readonly #own: () => readonly Owner[]
  readonly #remembered: Remembered
  #ownLast: readonly Owner[] = []
  #version = -1
  #known: Known = { table: new ArcTable([], []), owners: [] }
  /** Keys that were looked for since what is known has changed. */
  #keys = 0

  /** `own` gives the same array as long as nothing changes. */
  constructor(own: () => readonly Owner[], remembered: Remembered) {
    this.#own = own
    this.#remembered = remembered
  }

  own(): readonly Owner[] {
    return this.#own()
  }

  /** Disjoint, in order of the ends of their ranges. */
  remembered(): readonly Owner[] {
    return this.#remembered.owners()
  }

  find(key: Id): Owner | undefined {
    return this.#own().find(({ range }) => key.isBetweenOrEnd(range.after, range.upTo)) ?? this.#remembered.find(key)
  }

  /** Undefined: what is known has changed since it was last prepared, and doing that again costs more than so many keys are worth. */
  prepared(keys: number): Known | undefined {
    if (this.#isPrepared()) return this.#known
    this.#keys += keys
    return this.#keys < this.#known.owners.length ? undefined : this.all()
  }

  /** As `prepared`, or as it was. */
  roughly(keys: number): Known {
    return this.prepared(keys) ?? this.#known
  }

  all(): Known {
    if (this.#isPrepared()) return this.#known
    this.#ownLast = this.#own()
    this.#version = this.#remembered.version
    this.#known = knownOf(this.#ownLast, this.#remembered.owners())
    this.#keys = 0
    return this.#known
  }

  #isPrepared(): boolean {
    return this.#own() === this.#ownLast && this.#version === this.#remembered.version
  }
}

/** Where both know an owner, our own ranges count. */
function knownOf(mine: readonly Owner[], others: readonly Owner[]): Known {
  const own = [...mine].sort((a, b) => a.range.upTo.compare(b.range.upTo))
  const remote = others.slice(0, (ARCS_MAX >>> 1) - own.length)
  const ends = [...own, ...remote].flatMap(({ range }) => [range.after, range.upTo]).sort((a, b) => a.compare(b))
  const distinct = ends.filter((end, i) => i === 0 || !end.equals(ends[i - 1]!))
  const ours = follower(own)
  const theirs = follower(remote)
  const values = distinct.map((end) => {
    const mine = ours(end)
    const other = theirs(end)
    if (mine !== NO_ARC || other === NO_ARC) return mine
    return own.length + other
  })
  return { table: new ArcTable(distinct, values), owners: [...own, ...remote] }
}

/** Which of the ranges, disjoint and in order, a point lies in; for points that ascend. The first range may begin below zero. */
function follower(ranges: readonly Owner[]): (point: Id) => number {
  let at = 0
  return (point) => {
    while (at < ranges.length && ranges[at]!.range.upTo.compare(point) < 0) at++
    const index = at < ranges.length ? at : 0
    const range = ranges[index]?.range
    return range !== undefined && point.isBetweenOrEnd(range.after, range.upTo) ? index : NO_ARC
  }
}
