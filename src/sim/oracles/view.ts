/**
 * The ring as nobody in it can see it: who lives, in order of ids. Live members are linked to the next and the previous, so
 * that a list of the right entries is checked by walking along.
 *
 * A member is live here from the moment its core counts as joined until it dies or begins to leave: a leave counts as a
 * failure from its first moment, since all that it may still do is to hand over and say goodbye.
 */
import type { Id } from '../../core/id.ts'
import { type Peer, samePeer } from '../../core/messages.ts'
import type { CoreStatus } from '../../core/output.ts'
import type { Core, Handover } from '../../core/state.ts'
import type { SimMember } from '../observer.ts'
import { HANDOVER, LIST, PREDECESSOR, RANGE, STATUS } from './oracle.ts'

/** `lost`: its list came to its end before it had a range, so it has to join anew. */
export type Gone = 'crashed' | 'leaving' | 'lost'

const NOBODY: readonly Peer[] = []
/** Peers that came out of a decoder are objects of their own; so many are kept. */
const ALIASES_MAX = 100_000

export class Seen {
  readonly member: SimMember
  readonly core: Core
  readonly self: Peer
  readonly id: Id
  readonly address: string
  live = false
  stopped = false
  /** Its neighbours among the live, itself if it is the only one. */
  next: Seen = this
  previous: Seen = this
  /** When its process ended. Until then a leaver answers, and is followed by those who do not know. */
  stoppedMs = Number.POSITIVE_INFINITY
  /** As they were when we last looked. */
  successors: readonly Peer[] = NOBODY
  /** The list before its last input. */
  successorsBefore: readonly Peer[] = NOBODY
  predecessor: Peer | undefined = undefined
  range: Core['range'] = undefined
  status: CoreStatus = 'new'
  handover: Handover | undefined = undefined
  sole = false

  constructor(member: SimMember) {
    this.member = member
    this.core = member.node.core
    this.self = this.core.self
    this.id = this.self.id
    this.address = this.self.address
  }

  /** Looks again, and says what has changed. */
  refresh(): number {
    const { core } = this
    let what = 0
    this.successorsBefore = this.successors
    if (core.successors !== this.successors) {
      this.successors = core.successors
      what |= LIST
    }
    if (core.sole !== this.sole) {
      this.sole = core.sole
      what |= LIST
    }
    if (core.predecessor !== this.predecessor) {
      this.predecessor = core.predecessor
      what |= PREDECESSOR
    }
    if (core.range !== this.range) {
      this.range = core.range
      what |= RANGE
    }
    if (core.status !== this.status) {
      this.status = core.status
      what |= STATUS
    }
    if (core.handover !== this.handover) {
      this.handover = core.handover
      what |= HANDOVER
    }
    return what
  }

  get shouldLive(): boolean {
    return !this.stopped && this.core.joined && this.core.departure === undefined && this.status !== 'left'
  }

  toString(): string {
    return short(this.id)
  }
}

export class View {
  /** All that have not stopped. */
  readonly all = new Set<Seen>()
  /** The live, by id. */
  readonly order: Seen[] = []
  readonly #byMember = new Map<SimMember, Seen>()
  readonly #byPeer = new Map<Peer, Seen | undefined>()
  readonly #byKey = new Map<string, Seen>()
  #aliases = 0
  /** How many there have been, dead or alive. */
  lives = 0

  get size(): number {
    return this.order.length
  }

  add(member: SimMember): Seen {
    const seen = new Seen(member)
    this.lives++
    this.all.add(seen)
    this.#byMember.set(member, seen)
    const key = keyOf(seen.self)
    // A process that gives up joining and makes a ring is the same peer to all who name it.
    if (this.#byKey.has(key)) this.#byPeer.clear()
    this.#byPeer.set(seen.self, seen)
    this.#byKey.set(key, seen)
    return seen
  }

  of(member: SimMember): Seen {
    return this.#byMember.get(member) ?? this.add(member)
  }

  /** Whoever is, or was, that peer. */
  find(peer: Peer): Seen | undefined {
    const known = this.#byPeer.get(peer)
    if (known !== undefined) return known
    const found = this.#byKey.get(keyOf(peer))
    if (found === undefined) return undefined
    if (++this.#aliases > ALIASES_MAX) {
      this.#aliases = 0
      this.#byPeer.clear()
    }
    this.#byPeer.set(peer, found)
    return found
  }

  isLive(peer: Peer): boolean {
    return this.find(peer)?.live ?? false
  }

  /** Returns false if a live one has that id already: then only the first counts. */
  enter(seen: Seen): boolean {
    const at = this.#indexAtOrAfter(seen.id)
    const following = this.order[at]
    if (following?.id.equals(seen.id)) return false
    this.order.splice(at, 0, seen)
    seen.live = true
    const next = this.order[at + 1] ?? (this.order[0] as Seen)
    const previous = next === seen ? seen : next.previous
    link(previous, seen)
    link(seen, next)
    return true
  }

  leave(seen: Seen): void {
    this.order.splice(this.#indexAtOrAfter(seen.id), 1)
    seen.live = false
    link(seen.previous, seen.next)
    seen.next = seen.previous = seen
  }

  stop(seen: Seen, nowMs: number): void {
    seen.stopped = true
    seen.stoppedMs = nowMs
    this.all.delete(seen)
    this.#byMember.delete(seen.member)
  }

  /** The first live member clockwise from there, not at it. */
  after(id: Id): Seen | undefined {
    const at = this.#indexAtOrAfter(id)
    const found = this.order[at] ?? this.order[0]
    return found?.id.equals(id) ? found.next : found
  }

  /** The first live member at or after a key: its owner, once all is well. */
  ownerOf(key: Id): Seen | undefined {
    return this.order[this.#indexAtOrAfter(key)] ?? this.order[0]
  }

  #indexAtOrAfter(id: Id): number {
    let low = 0
    let high = this.order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.order[middle] as Seen).id.compare(id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function link(a: Seen, b: Seen): void {
  a.next = b
  b.previous = a
}

function keyOf(peer: Peer): string {
  return `${peer.id}/${peer.incarnation}/${peer.address}`
}

export function isOneOf(peer: Peer, list: readonly Peer[]): boolean {
  for (const entry of list) if (entry === peer || samePeer(entry, peer)) return true
  return false
}

/** Ids of scenarios are small, ids of life are not; some differ in their last digits only. */
export function short(id: Id): string {
  const text = String(id).replace(/^0+(?=.)/, '')
  return text.length > 12 ? `${String(id).slice(0, 6)}.${text.slice(-3)}` : text
}

export function showList(list: readonly Peer[], view: View): string {
  if (list.length === 0) return '[]'
  return `[${list.map((peer) => short(peer.id) + mark(view.find(peer))).join(' ')}]`
}

function mark(seen: Seen | undefined): string {
  if (seen === undefined) return '?'
  if (seen.live) return ''
  return seen.stopped ? '†' : '~'
}
