/** The successor list: who follows us on the ring, in order, over enough distinct processes to survive failures. */
import { assert } from './errors.ts'
import { type Peer, samePeer } from './messages.ts'

/**
 * Takes entries while each lies strictly between the one before it and `self`, and stops at the first that does not:
 * what follows it was ordered for somebody else's place on the ring. Ends after `distinct` other processes, since virtual nodes of one
 * process fail together.
 */
export function cut(self: Peer, list: Iterable<Peer>, distinct: number): Peer[] {
  assert(distinct >= 1, 'a successor list must have room for a process')
  const out: Peer[] = []
  const processes = new Set<string>()
  let previous = self.id
  for (const peer of list) {
    if (!peer.id.isBetween(previous, self.id)) break
    out.push(peer)
    previous = peer.id
    if (peer.address !== self.address) processes.add(peer.address)
    if (processes.size >= distinct || out.length >= 4 * distinct) break
  }
  return out
}

/** Neither as many entries nor as many other processes as `cut` would take. */
export function isShort(self: Peer, list: readonly Peer[], distinct: number): boolean {
  const addresses = new Set(list.map((peer) => peer.address))
  addresses.delete(self.address)
  return addresses.size < distinct && list.length < 4 * distinct
}

export function without(list: readonly Peer[], peer: Peer): Peer[] {
  return list.filter((entry) => !samePeer(entry, peer))
}

export function sameList(a: readonly Peer[], b: readonly Peer[]): boolean {
  return a.length === b.length && a.every((peer, index) => samePeer(peer, b[index]))
}

/** Holds after every step: ordered, without self, without repetition. */
export function assertWellFormed(self: Peer, list: readonly Peer[]): void {
  let previous = self.id
  for (const peer of list) {
    assert(peer.id.isBetween(previous, self.id), `successor list of ${self.id} is out of order at ${peer.id}`)
    previous = peer.id
  }
}
