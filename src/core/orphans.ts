/**
 * A ring on which nobody owns anything: its only owner died before it had granted anybody a range. Each of those that are
 * left waits for its successor. One of them has to take it all, and they agree by an election on a ring (Chang and Roberts
 * 1979): a claim travels along the successors, past everybody who owns nothing either and has a smaller id. Whose claim
 * comes back is the largest, and nobody owns anything. The largest, because ids grow along the ring: nearly all claims
 * end at the next node. With the smallest each would go on through all that wait, and thousands may.
 *
 * An owner on the way ends a claim: it will grant what is missing. So does a node that we pass over as suspect.
 */
import { type Peer, samePeer } from './messages.ts'
import { ownEverything, settle } from './responsibility.ts'
import type { Core } from './state.ts'

/** In each round of stabilization in which nothing around us has changed for long, and still nothing is ours. */
export function claim(core: Core, nowMs: number): void {
  if (waits(core) && nowMs - core.changedMs >= core.config.stabilizeMaxMs) passOn(core, core.self)
}

/** `peer` owns nothing, and neither does anybody between it and us. */
export function onClaim(core: Core, peer: Peer, nowMs: number): void {
  if (!waits(core)) return
  if (samePeer(peer, core.self)) {
    ownEverything(core, 'takeover')
    return settle(core, nowMs)
  }
  if (peer.id.compare(core.self.id) > 0) passOn(core, peer)
}

function waits(core: Core): boolean {
  return core.range === undefined && core.status === 'joining' && core.joined && core.departure === undefined
}

function passOn(core: Core, peer: Peer): void {
  const first = core.successors[0]
  if (first === undefined || core.detector.isSuspect(first)) return
  // It has come around without meeting its sender: who is not on the ring must not claim it.
  if (peer.id.isBetween(core.self.id, first.id)) return
  core.tell(first, { type: 'claim', peer })
}
