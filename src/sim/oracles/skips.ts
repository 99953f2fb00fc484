/**
 * Whom the lists pass over. A member is a **principal** (Zave 2017, section 5) if no list that anybody has, or that is on its
 * way to somebody who may adopt it, goes over its place without naming it. So every list counts, from when it is made until
 * the last who could still adopt it has done so or cannot any more:
 *
 *     own successor lists    of all members, also of those about to leave: others may still ask for them
 *     `neighbors`            in flight; adopted behind the one who answers
 *     `closestKnown`         in flight, if it says to a joiner whom to join in front of
 *     `left`                 in flight (its one entry is a hint only, but costs nothing to count)
 *     a join check           the list that a joiner keeps while it asks whether the first of it lives
 *
 * Who is SOLE follows itself, so its list passes over everybody else; and so does its answer to a joiner, who will follow it
 * alone.
 *
 * A list that names an earlier life of a process does not name the present one: when the dead entry goes, it is passed over.
 *
 * Lists are known by the array that holds them, since a core answers with the very array that it has. One that is looked at
 * again costs a map look-up; a new one, a walk along the live members between its ends.
 */
import { type Message, type Peer, samePeer } from '../../core/messages.ts'
import type { Flight } from '../observer.ts'
import type { World } from './oracle.ts'
import type { Seen, View } from './view.ts'

interface Held {
  readonly head: Peer
  readonly list: readonly Peer[]
  /** So far it is in order; whoever adopts it goes no further. */
  readonly length: number
  /** When the first to hold it said it. */
  readonly sinceMs: number
  references: number
}

/** How often a member is passed over; 0 for a principal. */
export class Skips {
  readonly #view: View
  readonly #world: World
  readonly #held = new Map<readonly Peer[], Held>()
  /** Over until the end of the event: who got it may have adopted it. */
  readonly #ending: (readonly Peer[])[] = []
  readonly #counts = new Map<Seen, number>()
  readonly #principals = new Map<string, number>()
  /** Principals of before that have been passed over in this event. */
  readonly lost: Seen[] = []
  /** What was adopted in this event was first said then. */
  sourceMs = Number.POSITIVE_INFINITY

  constructor(view: View, world: World) {
    this.#view = view
    this.#world = world
  }

  /** Processes that have a principal. Virtual nodes of one process fail together: they count once. */
  get processes(): number {
    return this.#principals.size
  }

  isPrincipal(seen: Seen): boolean {
    return this.#counts.get(seen) === 0
  }

  sent(flight: Flight): void {
    const list = adoptable(flight.message)
    if (list === undefined) return
    // Of the others' look-ups only the first entry counts, and it is asked before it is followed.
    if (flight.message.type === 'closestKnown' && !wantsIn(this.#view.find(flight.to))) return
    if (list.length === 0 && flight.message.type === 'closestKnown')
      this.hold(flight.from, list, undefined, [flight.from])
    else this.hold(flight.from, list)
  }

  landed(flight: Flight): void {
    const list = adoptable(flight.message)
    if (list === undefined || !this.#held.has(list)) return
    this.sourceMs = Math.min(this.sourceMs, flight.atMs)
    this.release(list)
  }

  /** `key`: the array by which it is known; `list`: what it says, where that is something else. */
  hold(head: Peer, key: readonly Peer[], sinceMs = this.#world.nowMs, list = key): void {
    if (list.length === 0) return
    const known = this.#held.get(key)
    if (known !== undefined) {
      known.references++
      return
    }
    const held = { head, list, length: orderedLength(head, list), sinceMs, references: 1 }
    this.#held.set(key, held)
    this.#forSkipped(held, (seen) => this.#count(seen, 1))
  }

  /** It counts until `settle`. */
  release(list: readonly Peer[]): void {
    this.#ending.push(list)
  }

  /** A list that was kept for a while is adopted or dropped now. */
  releaseKept(list: readonly Peer[]): void {
    this.sourceMs = Math.min(this.sourceMs, this.#held.get(list)?.sinceMs ?? this.sourceMs)
    this.release(list)
  }

  /** The event is over. */
  settle(): void {
    this.lost.length = 0
    this.sourceMs = Number.POSITIVE_INFINITY
    if (this.#ending.length === 0) return
    for (const list of this.#ending) {
      const held = this.#held.get(list)
      if (held === undefined || --held.references > 0) continue
      this.#held.delete(list)
      this.#forSkipped(held, (seen) => this.#count(seen, -1))
    }
    this.#ending.length = 0
  }

  joined(seen: Seen): void {
    let skips = 0
    for (const held of this.#held.values()) if (passesOver(held, seen)) skips++
    this.#counts.set(seen, skips)
    if (skips === 0) this.#principal(seen.address, 1)
  }

  gone(seen: Seen): void {
    if (this.#counts.get(seen) === 0) this.#principal(seen.address, -1)
    this.#counts.delete(seen)
  }

  /** The lists that pass over it. */
  over(seen: Seen): Iterable<{ readonly head: Peer; readonly list: readonly Peer[] }> {
    return [...this.#held.values()].filter((held) => passesOver(held, seen))
  }

  #count(seen: Seen, by: number): void {
    const before = this.#counts.get(seen) as number
    this.#counts.set(seen, before + by)
    if (before === 0) {
      this.#principal(seen.address, -1)
      this.lost.push(seen)
    } else if (before + by === 0) this.#principal(seen.address, 1)
  }

  #principal(address: string, by: number): void {
    const count = (this.#principals.get(address) ?? 0) + by
    if (count === 0) this.#principals.delete(address)
    else this.#principals.set(address, count)
  }

  #forSkipped({ head, list, length }: Held, visit: (seen: Seen) => void): void {
    const view = this.#view
    let at = view.after(head.id)
    let left = view.size
    for (let i = 0; i < length && at !== undefined; i++) {
      const entry = list[i] as Peer
      const named = view.find(entry)
      while (at !== named && left > 0 && at.id.isBetween(head.id, entry.id)) {
        visit(at)
        at = at.next
        left--
      }
      if (left === 0) return
      if (at !== named && !(at.id.equals(entry.id) && i < length - 1)) continue
      if (at !== named) visit(at)
      at = at.next
      left--
    }
  }
}

function passesOver({ head, list, length }: Held, seen: Seen): boolean {
  const last = list[length - 1]
  if (last === undefined || !seen.id.isBetween(head.id, last.id)) return false
  for (let i = 0; i < length; i++) {
    const entry = list[i] as Peer
    if (entry.id.equals(seen.id)) return !samePeer(entry, seen.self)
  }
  return true
}

function orderedLength(head: Peer, list: readonly Peer[]): number {
  let previous = head.id
  for (let i = 0; i < list.length; i++) {
    const { id } = list[i] as Peer
    if (!id.isBetween(previous, head.id)) return i === 0 && id.equals(head.id) ? 1 : i
    previous = id
  }
  return list.length
}

function wantsIn(seen: Seen | undefined): boolean {
  return seen === undefined || !seen.live || seen.status === 'isolated'
}

function adoptable(message: Message): readonly Peer[] | undefined {
  switch (message.type) {
    case 'neighbors':
    case 'left':
      return message.successors
    case 'closestKnown':
      return message.done ? message.successors : undefined
    default:
      return undefined
  }
}
