/**
 * Ranges of a registry on their way from one owner to the next. The giver owns a range until it hears that the heir has taken
 * it, and the heir from when it took it: in between only the heir knows what is so. That is why the giver keeps its moves, also
 * those that are over, and the heir what it has received, and of which moves it has taken what.
 */
import type { Peer, RangeChange } from '../api.ts'
import type { Id } from '../core/id.ts'
import type { Entry, Mark } from './registry-entries.ts'

export type Ranges = RangeChange['lost']

/** Given, or about to be. */
export interface Move extends Mark {
  readonly lost: Ranges
  readonly to: Peer
}

/** Moves that are over and can be asked for; givers that are remembered; ranges of one move. */
const GONE_MAX = 256
const RECEIVED_MAX = 256
const TAKEN_MAX = 16

/** What this process gives. */
export class Moves {
  /** Of each member the one that has not ended. */
  readonly #current = new Map<string, Move>()
  #gone: Move[] = []
  #numbers = 0

  /** What the member was about to give before is void. */
  begin(giver: Id, lost: Ranges, to: Peer | undefined): Move | undefined {
    this.#current.delete(String(giver))
    if (to === undefined) return undefined
    const move = { giver, number: ++this.#numbers, lost, to }
    this.#current.set(String(giver), move)
    return move
  }

  isCurrent(move: Move): boolean {
    return this.#current.get(String(move.giver)) === move
  }

  /** It comes to nothing. */
  drop(move: Move): void {
    if (this.isCurrent(move)) this.#current.delete(String(move.giver))
  }

  /** On its way: somebody else may own it already. */
  of(id: Id): Move | undefined {
    for (const move of this.#current.values()) if (isIn(id, move.lost)) return move
    return undefined
  }

  /** Where it went when we last lost it. */
  goneOf(id: Id): Move | undefined {
    return this.#gone.findLast(({ lost }) => isIn(id, lost))
  }

  commit({ member, lost, gained }: RangeChange): void {
    if (gained.length > 0) this.#gone = this.#gone.filter((move) => !doMeet(move.lost, gained))
    const move = this.#current.get(String(member.id))
    if (move === undefined || !doMeet(move.lost, lost)) return
    this.#current.delete(String(member.id))
    this.#gone.push(move)
    if (this.#gone.length > GONE_MAX) this.#gone.shift()
  }
}

/** Of one member that gives: what it has sent of its latest move. */
export interface Received {
  readonly number: number
  /** Not ours before the range is. */
  readonly entries: Map<string, Entry>
  /** What we have owned since. */
  readonly taken: Ranges[number][]
}

/** What others give to this process. */
export class Receipts {
  readonly #byGiver = new Map<string, Received>()

  /** Undefined if a later move has begun. */
  of(mark: Mark, from: Peer): Received | undefined {
    const name = nameOf(mark.giver, from)
    const known = this.#byGiver.get(name)
    if (known !== undefined && known.number >= mark.number) return known.number === mark.number ? known : undefined
    const received: Received = { number: mark.number, entries: new Map(), taken: [] }
    this.#byGiver.delete(name)
    if (this.#byGiver.size >= RECEIVED_MAX) this.#byGiver.delete(this.#byGiver.keys().next().value as string)
    this.#byGiver.set(name, received)
    return received
  }

  /** Whether the range of `id` has come to us by this move. */
  hasTaken(mark: Mark, from: Peer, id: Id): boolean {
    const received = this.#byGiver.get(nameOf(mark.giver, from))
    return received?.number === mark.number && isIn(id, received.taken)
  }

  get waiting(): number {
    let sum = 0
    for (const { entries } of this.#byGiver.values()) sum += entries.size
    return sum
  }

  /** Those that are ours from now on: from whoever had the range or, if that one sent nothing, the latest from anybody. */
  take({ gained, from }: RangeChange): Map<string, Entry> {
    const found = new Map<string, Entry>()
    if (gained.length === 0) return found
    const best = from === undefined ? undefined : this.#byGiver.get(nameOf(from.id, from))
    const sources = best === undefined ? [...this.#byGiver.values()].reverse() : [best]
    for (const { entries } of sources) {
      for (const [name, entry] of entries) if (!found.has(name) && isIn(entry.id, gained)) found.set(name, entry)
    }
    for (const { entries, taken } of this.#byGiver.values()) {
      for (const [name, { id }] of entries) if (isIn(id, gained)) entries.delete(name)
      taken.push(...gained)
      if (taken.length > TAKEN_MAX) taken.shift()
    }
    return found
  }
}

export function isIn(id: Id, ranges: Ranges): boolean {
  return ranges.some((range) => id.isBetweenOrEnd(range.after, range.upTo))
}

/** Arcs that have something in common: one of them ends in the other. */
function doMeet(a: Ranges, b: Ranges): boolean {
  return a.some(({ upTo }) => isIn(upTo, b)) || b.some(({ upTo }) => isIn(upTo, a))
}

function nameOf(giver: Id, { address, incarnation }: Peer): string {
  return `${giver} ${address} ${incarnation}`
}
