/**
 * Which keys are ours. A range changes by grant, hand-over of a leaver, or takeover from the dead, never because a
 * predecessor appeared or vanished: of two neighbours at most one believes that it owns a key, unless one wrongly
 * believes the other dead.
 *
 *        boundary          predecessor        self
 *   ─────────o═══════════════════o══════════════o──      range = (boundary, self]
 *            └──── granted to ───┘└── kept ─────┘         until range.after is the predecessor
 */
import { keyOf } from './failure-detector.ts'
import { type Boundary, type Peer, type Question, type Range, samePeer } from './messages.ts'
import type { Core, PendingQuestion } from './state.ts'

type Grant = Question & { type: 'grant' }
type HandOver = Question & { type: 'handOver' }

/** So many known to live between the beginning of our range and our predecessor are no coincidence. */
const CROWD = 3

/** The whole ring is ours: we made it. */
export function ownEverything(core: Core, cause: 'create' | 'takeover'): void {
  const whole = { after: core.self.id, upTo: core.self.id }
  core.boundary = { peer: core.self, dead: false }
  core.heir = false
  const gained = core.range === undefined ? whole : { after: core.self.id, upTo: core.range.after }
  core.setRange(whole, { gained, cause })
}

/** Brings the range nearer to (predecessor, self], where that may be done. Called after every change of either. */
export function settle(core: Core, nowMs: number): void {
  const predecessor = core.predecessor
  if (core.handover !== undefined || core.departure !== undefined) return
  if (predecessor === undefined) return reclaim(core)
  if (core.detector.isSuspect(predecessor)) return
  if (core.range === undefined) {
    if (core.heir) grow(core, predecessor, nowMs)
  } else if (core.range.after.equals(predecessor.id)) {
    // It is at our border. If it owns nothing, whoever owned what lies before it is dead: pass the inheritance on.
    core.boundary = { peer: predecessor, dead: false }
    if (!core.predecessorHasRange) passInheritance(core, predecessor, nowMs)
  } else if (predecessor.id.isBetween(core.range.after, core.self.id)) {
    offer(core, heirOf(core, core.range, predecessor, nowMs))
  } else if (core.boundary.dead) {
    grow(core, predecessor, nowMs)
  } else {
    probeBoundary(core, nowMs)
  }
}

/** Somebody should lie between our predecessor and our range. Only if that one is dead does the gap fall to us. */
export function probeBoundary(core: Core, nowMs: number): void {
  const { peer } = core.boundary
  if (peer === undefined || peer.id.equals(core.self.id) || core.isAsking('probe', peer)) return
  core.ask(peer, { type: 'ping' }, { kind: 'probe' }, nowMs)
}

/**
 * Mostly our predecessor. Where a crowd has joined within our range, the one in the middle: it grants its half on while we do
 * ours, so that thousands wait for a dozen grants and not for thousands. We may not know all that lie between us and it:
 * those get their parts from us as they turn up.
 */
function heirOf(core: Core, { after }: Range, predecessor: Peer, nowMs: number): Peer {
  const { detector, waiting } = core
  if (waiting.size < CROWD) return predecessor
  const crowd = [...waiting.values()]
    .filter(({ atMs }) => nowMs - atMs < core.config.stabilizeMaxMs)
    .map(({ peer }) => peer)
    .filter((peer) => peer.id.isBetween(after, predecessor.id) && !detector.isSuspect(peer))
  if (crowd.length < CROWD) return predecessor
  crowd.sort((a, b) => (a.id.equals(b.id) ? 0 : a.id.isBetween(after, b.id) ? -1 : 1))
  return crowd[crowd.length >> 1] as Peer
}

/** We are SOLE, and whom we granted a part to died before we could follow it: there is nobody whose notify we could wait for. */
function reclaim(core: Core): void {
  const { sole, boundary, range, self } = core
  if (!sole || !boundary.dead || range === undefined || range.after.equals(self.id)) return
  if (!core.isAsking('adopt')) ownEverything(core, 'takeover')
}

/** Takeover: from the dead one between. Not beyond somebody who only was slow to answer our predecessor. */
function grow(core: Core, predecessor: Peer, nowMs: number): void {
  if (core.predecessorSkips) return
  const gained = { after: predecessor.id, upTo: core.range?.after ?? core.self.id }
  const previous = core.boundary.peer
  core.heir = false
  core.boundary = { peer: predecessor, dead: false }
  core.setRange(
    { after: predecessor.id, upTo: core.self.id },
    { gained, cause: 'takeover', ...(previous !== undefined && { from: previous }) },
  )
  if (!core.predecessorHasRange) passInheritance(core, predecessor, nowMs)
}

/** Start giving (range.after, to] to the predecessor: the services go first. */
export function offer(core: Core, to: Peer): void {
  const range = core.range as Range
  const token = core.nextNumber()
  const lost = { after: range.after, upTo: to.id }
  core.handover = { token, cause: 'grant', to, lost, phase: 'services', boundary: core.boundary }
  const rest = { after: to.id, upTo: core.self.id }
  core.outputs.push({ kind: 'handover', token, to, lost, rest, cause: 'grant' })
}

/** The services are done. We serve the range until the new owner has said that it does. */
export function onServicesDone(core: Core, nowMs: number): void {
  const handover = core.handover
  if (handover === undefined) return
  handover.phase = 'telling'
  const { to, lost, boundary, token } = handover
  core.ask(to, { type: 'grant', after: lost.after, boundary }, { kind: 'grant', token }, nowMs)
}

/** Whoever owned what lies before `to` is dead: that falls to `to`, as soon as it knows its predecessor. */
export function passInheritance(core: Core, to: Peer, nowMs: number): void {
  if (core.isAsking('grant', to)) return
  const boundary = { peer: undefined, dead: true }
  core.ask(to, { type: 'grant', after: undefined, boundary }, { kind: 'grant', token: 0 }, nowMs)
}

export function onGranted(core: Core, from: Peer, token: number, accepted: boolean, nowMs: number): void {
  const handover = core.handover
  if (handover === undefined || handover.token !== token) return
  core.handover = undefined
  // It leaves, and will say goodbye: then the next one is offered the range.
  if (!accepted) return void core.departure?.leavingToo.add(keyOf(from))
  if (samePeer(from, core.predecessor)) core.predecessorHasRange = true
  // A merge made the range longer meanwhile: what was told is too little, so `settle` offers again.
  if (!core.range?.after.equals(handover.lost.after)) return settle(core, nowMs)
  core.boundary = { peer: from, dead: core.detector.isDead(from) }
  const rest = { after: from.id, upTo: core.self.id }
  core.setRange(rest, { lost: handover.lost, to: from, cause: 'grant' })
  settle(core, nowMs)
}

/** The new owner did not say that it has taken the range. */
export function onGrantUnanswered(core: Core, entry: PendingQuestion, nowMs: number): void {
  const { to, message, purpose, request } = entry
  if (purpose.kind !== 'grant' || core.handover === undefined || core.handover.token !== purpose.token) return
  core.ask(to, message, purpose, nowMs, request)
}

/** Our successor gives us what lies before us. Repeated grants change nothing. Returns whether we take it. */
export function acceptGrant(core: Core, from: Peer, request: number, grant: Grant, nowMs: number): boolean {
  const { after } = grant
  // Taken already. Part of it may be with our own predecessor by now.
  if (core.lastGrant?.request === request && samePeer(core.lastGrant.from, from)) return true
  if (core.departure !== undefined) return false
  if (after !== undefined) core.lastGrant = { from, request }
  const boundary = resolve(core, grant.boundary)
  if (after === undefined) {
    // Who owns something needs no inheritance, and has nothing to pass on: two such would tell each other for ever.
    if (core.range !== undefined) return true
    core.heir = true
  } else if (core.range === undefined) {
    core.boundary = boundary
    const range = { after, upTo: core.self.id }
    core.setRange(range, { gained: range, from, cause: 'grant' })
  } else if (core.range.after.isBetween(after, core.self.id)) {
    const gained = { after, upTo: core.range.after }
    core.boundary = boundary
    core.setRange({ after, upTo: core.self.id }, { gained, from, cause: 'merge' })
  }
  settle(core, nowMs)
  return true
}

/** A leaving predecessor gives us its range. Refused unless the two ranges touch, or ours covers it. */
export function acceptHandOver(core: Core, from: Peer, message: HandOver): boolean {
  const range = core.range
  // Taken already. Part of it, or all, may be with others by now.
  if (core.detector.hasDeparted(from)) return true
  const { after } = message
  if (range === undefined || core.departure !== undefined || isBusy(core, from, after)) return false
  if (range.after.equals(from.id)) {
    // After a partition it may reach into ours: then the two are the whole ring.
    const overlaps = after.equals(from.id) || after.isBetween(from.id, core.self.id)
    const start = overlaps ? core.self.id : after
    core.boundary = overlaps ? { peer: core.self, dead: false } : resolve(core, message.boundary)
    const gained = { after: start, upTo: from.id }
    core.setRange({ after: start, upTo: core.self.id }, { gained, from, cause: 'leave' })
    return true
  }
  return from.id.isBetween(range.after, core.self.id)
}

/**
 * Giving a part to somebody else; or to the leaver, who may have taken it, and passed some of it on. If it cannot have, it
 * leaves with a range that we took for a dead one's: it will refuse ours as long as we refuse its own.
 */
function isBusy({ handover }: Core, leaver: Peer, after: Range['after']): boolean {
  if (handover === undefined) return false
  return !samePeer(handover.to, leaver) || (handover.phase === 'telling' && !handover.lost.after.equals(after))
}

/** With an empty list: who calls us its successor, or owns what lies before our range, is somebody, even if we never listed them. */
export function anybodyLeft(core: Core): Peer | undefined {
  const { predecessor, boundary, detector, self } = core
  if (predecessor !== undefined) return predecessor
  const { peer, dead } = boundary
  return peer === undefined || dead || peer.id.equals(self.id) || detector.isDead(peer) ? undefined : peer
}

/** We may know better than the teller whether the node at the far end is dead. We ourselves never are. */
function resolve(core: Core, boundary: Boundary): Boundary {
  if (boundary.peer === undefined || boundary.dead) return boundary
  return { peer: boundary.peer, dead: core.detector.isDead(boundary.peer) }
}
