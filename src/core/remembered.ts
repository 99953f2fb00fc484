/**
 * Peers met before, whether or not they are in a table: those who a lost or isolated node asks its way back, and through
 * whom rings that know nothing of each other are found.
 */
import type { Id } from './id.ts'
import type { Peer } from './messages.ts'

export class RememberedPeers {
  readonly #limit: number
  /** By id, least recently alive first. */
  readonly #peers = new Map<string, Peer>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Seen alive just now, or at least heard of. A lower incarnation never replaces a higher one. */
  add(peer: Peer, alive: boolean): void {
    const key = String(peer.id)
    const known = this.#peers.get(key)
    if (known !== undefined && known.incarnation > peer.incarnation) return
    if (known !== undefined && !alive && known.incarnation === peer.incarnation) return
    this.#peers.delete(key)
    this.#peers.set(key, peer)
    if (this.#peers.size > this.#limit) {
      const oldest = this.#peers.keys().next().value
      if (oldest !== undefined) this.#peers.delete(oldest)
    }
  }

  /**
   * The one that we have not heard of for longest, which goes to the end of the queue. Peers of our own ring are heard of
   * all the time, so that a stranger's turn comes soon.
   */
  nextInTurn(): Peer | undefined {
    const next = this.#peers.values().next().value
    if (next === undefined) return undefined
    this.#peers.delete(String(next.id))
    this.#peers.set(String(next.id), next)
    return next
  }

  of(id: Id): Peer | undefined {
    return this.#peers.get(String(id))
  }

  /** It said that it leaves for good. */
  forget(peer: Peer): void {
    const known = this.#peers.get(String(peer.id))
    if (known?.incarnation === peer.incarnation) this.#peers.delete(String(peer.id))
  }

  /** Least recently alive first. */
  dump(): readonly Peer[] {
    return [...this.#peers.values()]
  }

  restore(peers: readonly Peer[]): void {
    this.#peers.clear()
    for (const peer of peers) this.#peers.set(String(peer.id), peer)
  }

  /** Most recently alive first. */
  list(): Peer[] {
    return [...this.#peers.values()].reverse()
  }
}
