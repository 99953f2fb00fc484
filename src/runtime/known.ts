/** Whose ranges are known without asking: our own, and those that answers told of, which may be out of date. */
import type { Owner } from '../api.ts'
import { ARCS_MAX, ArcTable, NO_ARC } from '../core/arc-table.ts'
import type { Id } from '../core/id.ts'

export interface Known {
  /** For each key an index of `owners`, or NO_ARC. */
  readonly table: ArcTable
  readonly owners: readonly Owner[]
  /** Those of other processes: disjoint, in order. */
  readonly remote: readonly Owner[]
}

/** What is remembered of answers. */
export interface Remembered {
  /** Another after each change. */
  readonly version: number
  find(key: Id): Owner | undefined
  /** Disjoint, in order of the ends of their ranges. */
  owners(): readonly Owner[]
}

export const NOTHING_REMEMBERED: Remembered = { version: 0, find: () => undefined, owners: () => [] }

export class KnownRanges {
  readonly #own: () => readonly Owner[]
  readonly #remembered: Remembered
  #ownLast: readonly Owner[] = []
  #version = -1
  #known: Known = { table: new ArcTable([], []), owners: [], remote: [] }

  /** `own` gives the same array as long as nothing changes. */
  constructor(own: () => readonly Owner[], remembered: Remembered) {
    this.#own = own
    this.#remembered = remembered
  }

  own(): readonly Owner[] {
    return this.#own()
  }

  find(key: Id): Owner | undefined {
    return this.#own().find(({ range }) => key.isBetweenOrEnd(range.after, range.upTo)) ?? this.#remembered.find(key)
  }

  all(): Known {
    const own = this.#own()
    if (own !== this.#ownLast || this.#version !== this.#remembered.version) {
      this.#ownLast = own
      this.#version = this.#remembered.version
      this.#known = knownOf(own, this.#remembered.owners())
    }
    return this.#known
  }
}

/** Where both know an owner, our own ranges count. */
function knownOf(own: readonly Owner[], all: readonly Owner[]): Known {
  const remote = all.slice(0, (ARCS_MAX >>> 1) - own.length)
  const owners = [...own, ...remote]
  const ends = owners.flatMap(({ range }) => [range.after, range.upTo]).sort((a, b) => a.compare(b))
  const distinct = ends.filter((end, i) => i === 0 || !end.equals(ends[i - 1]!))
  // The ends ascend as the remote ranges do, of which the first may begin below zero: so the one that an arc lies in moves on only.
  let at = 0
  const values = distinct.map((end) => {
    const ours = own.findIndex(({ range }) => end.isBetweenOrEnd(range.after, range.upTo))
    if (ours >= 0) return ours
    while (at < remote.length && remote[at]!.range.upTo.compare(end) < 0) at++
    const candidate = remote[at % Math.max(1, remote.length)]
    if (candidate === undefined || !end.isBetweenOrEnd(candidate.range.after, candidate.range.upTo)) return NO_ARC
    return own.length + (at % remote.length)
  })
  return { table: new ArcTable(distinct, values), owners, remote }
}
