/** Where a routed frame goes next, decided over all virtual nodes of a process at once. */
import type { ChordNode } from './chord-node.ts'
import type { Id } from './id.ts'
import type { Peer } from './messages.ts'
import { nextHop } from './table.ts'

/** How often a frame whose sender thought that it had arrived is passed on, before its originator has to decide anew. */
export const FINAL_STEPS_MAX = 8

export type Decision =
  | { readonly kind: 'deliver'; readonly member: ChordNode }
  | { readonly kind: 'forward'; readonly to: Peer; readonly final: boolean; readonly finalSteps: number }
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'isolated' }

/** Ranges that somebody remembers. */
export interface Shortcuts {
  /** Who owned the key when last heard of, if it can be reached; never one of ours. */
  next(key: Id): Peer | undefined
}

const UNSETTLED: Decision = { kind: 'unsettled' }
const ISOLATED: Decision = { kind: 'isolated' }

/**
 * `final`: the sender believes that we own the key; `finalSteps` times that has been wrong already. `attempt` n passes
 * over the n best next hops, for another try by another way.
 */
export function route(
  members: readonly ChordNode[],
  key: Id,
  final: boolean,
  finalSteps: number,
  attempt: number,
): Decision {
  for (const member of members) if (member.owns(key)) return { kind: 'deliver', member }
  return final ? passOn(members, key, finalSteps) : towards(members, key, attempt)
}

/**
 * As `route`, past the members of our own process: a frame never goes through the socket to come back to us. At the first attempt
 * whoever is remembered to own the key comes before a step towards it.
 */
export function decide(
  members: readonly ChordNode[],
  key: Id,
  final: boolean,
  finalSteps: number,
  attempt: number,
  shortcuts?: Shortcuts,
): Decision {
  let decision = route(members, key, final, finalSteps, attempt)
  const address = members[0]?.self.address
  for (let again = 0; decision.kind === 'forward' && decision.to.address === address; again++) {
    if (again === FINAL_STEPS_MAX) return { kind: 'unsettled' }
    decision = route(members, key, decision.final, decision.finalSteps, attempt + again + 1)
  }
  if (shortcuts === undefined || attempt > 0 || decision.kind !== 'forward' || decision.final) return decision
  const owner = shortcuts.next(key)
  return owner === undefined ? decision : { kind: 'forward', to: owner, final: true, finalSteps: 0 }
}

/** It was meant for our first member at or after the key. Its neighbours know better. */
function passOn(members: readonly ChordNode[], key: Id, finalSteps: number): Decision {
  if (finalSteps >= FINAL_STEPS_MAX) return UNSETTLED
  let meant: ChordNode | undefined
  for (const member of members) {
    if (meant === undefined || key.distanceTo(member.self.id).compare(key.distanceTo(meant.self.id)) < 0) meant = member
  }
  if (meant === undefined) return UNSETTLED
  const { core } = meant
  // Without a range of its own (its grant is on the way, or it leaves) its successor still serves, or serves already.
  const to = core.range === undefined ? core.firstLive : core.predecessor
  if (to === undefined || core.detector.isSuspect(to)) return UNSETTLED
  return { kind: 'forward', to, final: true, finalSteps: finalSteps + 1 }
}

/** The best that any of our members knows: an owner before a step towards one, and of steps the longest. */
function towards(members: readonly ChordNode[], key: Id, attempt: number): Decision {
  let best: { to: Peer; final: boolean } | undefined
  let left: Id | undefined
  for (const member of members) {
    const hop = nextHop(member.core, key, attempt)
    if (hop === undefined) continue
    const distance = hop.final ? key.distanceTo(hop.to.id) : hop.to.id.distanceTo(key)
    const better =
      best === undefined || left === undefined || (hop.final === best.final ? distance.compare(left) < 0 : hop.final)
    if (!better) continue
    best = hop
    left = distance
  }
  if (best !== undefined) return { kind: 'forward', to: best.to, final: best.final, finalSteps: 0 }
  return members.some((member) => member.status === 'isolated') ? ISOLATED : UNSETTLED
}
