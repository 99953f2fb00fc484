/**
 * Peers met before, whether or not they are in a table: those who a lost or isolated node asks its way back, and through
 * whom rings that know nothing of each other are found.
 */
import type { Id } from './id.ts'
import type { Peer } from './messages.ts'

/** In a chain: whoever was heard of goes to its end, with every answer, so that must not cost much. */
interface Link {
  peer: Peer
  before: Link
  after: Link
}

export class RememberedPeers {
  readonly #limit: number
  readonly #byId = new Map<string, Link>()
  /** Before the first and after the last, so that every link has two neighbors. Least recently alive first. */
  readonly #ends: Link

  constructor(limit: number) {
    this.#limit = limit
    const ends = {} as Link
    ends.before = ends.after = ends
    this.#ends = ends
  }

  /** Seen alive just now, or at least heard of. A lower incarnation never replaces a higher one. */
  add(peer: Peer, alive: boolean): void {
    const known = this.#byId.get(peer.id.toString())
    if (known === undefined) return this.#append(peer)
    if (known.peer.incarnation > peer.incarnation) return
    if (!alive && known.peer.incarnation === peer.incarnation) return
    known.peer = peer
    this.#moveToEnd(known)
  }

  /**
   * The one that we have not heard of for longest, which goes to the end of the queue. Peers of our own ring are heard of
   * all the time, so that a stranger's turn comes soon.
   */
  nextInTurn(): Peer | undefined {
    const next = this.#ends.after
    if (next === this.#ends) return undefined
    this.#moveToEnd(next)
    return next.peer
  }

  of(id: Id): Peer | undefined {
    return this.#byId.get(id.toString())?.peer
  }

  /** It said that it leaves for good. */
  forget(peer: Peer): void {
    const known = this.#byId.get(peer.id.toString())
    if (known?.peer.incarnation === peer.incarnation) this.#remove(known)
  }

  /** Least recently alive first. */
  dump(): readonly Peer[] {
    return this.list().reverse()
  }

  restore(peers: readonly Peer[]): void {
    this.#byId.clear()
    this.#ends.before = this.#ends.after = this.#ends
    for (const peer of peers) this.#append(peer)
  }

  /** Most recently alive first. */
  list(): Peer[] {
    const peers: Peer[] = []
    for (let link = this.#ends.before; link !== this.#ends; link = link.before) peers.push(link.peer)
    return peers
  }

  #append(peer: Peer): void {
    const link = { peer, before: this.#ends, after: this.#ends }
    this.#byId.set(peer.id.toString(), link)
    this.#insertLast(link)
    if (this.#byId.size > this.#limit) this.#remove(this.#ends.after)
  }

  #moveToEnd(link: Link): void {
    if (link.after === this.#ends) return
    unlink(link)
    this.#insertLast(link)
  }

  #insertLast(link: Link): void {
    link.before = this.#ends.before
    link.after = this.#ends
    link.before.after = link
    this.#ends.before = link
  }

  #remove(link: Link): void {
    this.#byId.delete(link.peer.id.toString())
    unlink(link)
  }
}

function unlink({ before, after }: Link): void {
  before.after = after
  after.before = before
}
