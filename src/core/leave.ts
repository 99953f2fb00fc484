/** Leaving in order: hand the range to the successor, tell those that may list us, keep forwarding until they know. */
import { keyOf } from './failure-detector.ts'
import { type Answer, type Peer, samePeer } from './messages.ts'
import { offer, passInheritance, probeBoundary } from './responsibility.ts'
import { adopt } from './stabilize.ts'
import type { Core, Departure, Handover } from './state.ts'

const RETRY_MS = 100
/** Where so many leave in a row we look no further for somebody who stays. */
const LEAVERS_PER_SUCCESSOR = 4

/** Stops taking new ranges at once. Ends with status `left`. */
export function leave(core: Core, nowMs: number): void {
  if (core.departure !== undefined || core.status === 'left') return
  // A list may be empty for a moment, while whoever follows now is asked: the range still needs an heir.
  const mustHandOver = core.joined || core.range !== undefined
  core.departure = { phase: 'handingOver', leavingToo: new Set(), heard: new Set(), named: [], goodbyesLeft: 0 }
  core.setStatus('leaving')
  // A grant that has been told may have been taken: until the answer comes, two would own it. A joiner's comes first anyway.
  if (core.handover?.phase === 'services' && core.predecessorHasRange) core.handover = undefined
  core.lookups.clear()
  for (const timer of ['fingersMs', 'selfLookupMs', 'rejoinMs'] as const) core.timers[timer] = Number.POSITIVE_INFINITY
  if (mustHandOver) proceed(core, nowMs)
  else finish(core)
}

/** The next step of a departure; called again whenever something that it waits for may have changed. */
export function proceed(core: Core, nowMs: number): void {
  const departure = core.departure
  if (departure === undefined || core.status === 'left') return
  core.timers.departureMs = nowMs + RETRY_MS
  if (departure.phase === 'sayingGoodbye') {
    if (departure.goodbyesLeft <= 0) finish(core)
    return
  }
  if (core.handover?.cause === 'grant' || core.isAsking('handOver') || core.handover?.phase === 'services') return
  // Who was told and has not refused may own the range by now: while that one lives, it is nobody else's.
  if (core.handover?.phase === 'telling') return tellHandOver(core, core.handover, nowMs)
  if (grantFirst(core, departure)) return
  const heirs = core.successors.filter((peer) => !core.detector.isDead(peer))
  const heir = heirs[0]
  if (core.isAsking('adopt') || (heir === undefined && findHeir(core, departure, nowMs))) return
  if (heir === undefined || everybodyLeaves(core, departure)) return finish(core)
  if (core.range === undefined) return sayGoodbye(core, nowMs)
  if (core.handover !== undefined && samePeer(core.handover.to, heir)) return tellHandOver(core, core.handover, nowMs)
  const token = core.nextNumber()
  core.handover = { token, cause: 'leave', to: heir, lost: core.range, phase: 'services', boundary: core.boundary }
  core.outputs.push({ kind: 'handover', token, to: heir, lost: core.range, rest: undefined, cause: 'leave' })
}

/** Whoever joined right before us owns nothing yet, so it could take nothing from us or from others that leave: gives it its part. */
function grantFirst(core: Core, departure: Departure): boolean {
  const joiner = joinerOf(core)
  if (joiner === undefined || core.handover !== undefined || departure.leavingToo.has(keyOf(joiner))) return false
  offer(core, joiner)
  return true
}

function joinerOf({ predecessor, predecessorHasRange, range, self, detector }: Core): Peer | undefined {
  if (predecessor === undefined || predecessorHasRange || range === undefined) return undefined
  return predecessor.id.isBetween(range.after, self.id) && !detector.isSuspect(predecessor) ? predecessor : undefined
}

/**
 * The heir may own nothing because nobody does but us, who are all that is left of the owners: what lies before us, up to where
 * our range begins, falls to our predecessor, that before it to the one before, and so on round to the heir.
 */
function bequeath(core: Core, nowMs: number): void {
  const { predecessor, predecessorHasRange, predecessorSkips, boundary, detector } = core
  if (predecessor === undefined || predecessorHasRange || predecessorSkips || detector.isSuspect(predecessor)) return
  if (boundary.dead || samePeer(predecessor, boundary.peer)) return passInheritance(core, predecessor, nowMs)
  probeBoundary(core, nowMs)
}

/** A list that has come to its end does not mean that nobody is left. Returns whether to wait for an answer. */
function findHeir(core: Core, departure: Departure, nowMs: number): boolean {
  const { predecessor } = core
  if (predecessor === undefined || departure.leavingToo.has(keyOf(predecessor))) return false
  adopt(core, predecessor, undefined, nowMs)
  return true
}

/** The services have moved their data to the heir of that moment. */
export function onLeaverServicesDone(core: Core, nowMs: number): void {
  if (core.handover === undefined) return
  core.handover.phase = 'ready'
  proceed(core, nowMs)
}

function tellHandOver(core: Core, handover: Handover, nowMs: number): void {
  if (core.range === undefined) return
  handover.phase = 'telling'
  core.ask(
    handover.to,
    { type: 'handOver', after: core.range.after, boundary: core.boundary },
    { kind: 'handOver' },
    nowMs,
  )
}

/** `answer`: undefined if there was none; it may have been taken then. */
export function onHandedOver(
  core: Core,
  from: Peer,
  answer: { readonly accepted: boolean; readonly leaving: boolean } | undefined,
  nowMs: number,
): void {
  const departure = core.departure
  if (departure === undefined || core.range === undefined) return
  if (answer?.accepted) {
    const lost = core.range
    core.handover = undefined
    core.setRange(undefined, { lost, to: from, cause: 'leave' })
    return sayGoodbye(core, nowMs)
  }
  // Not neighbours just now, or busy: our own stabilisation finds out who is. Or it leaves too, and hands over to its
  // own successor, which then becomes ours; unless everybody leaves, and there is nothing to wait for.
  if (answer?.leaving) onLeavingToo(core, departure, from, nowMs)
  if (answer !== undefined) {
    if (core.handover !== undefined) core.handover.phase = 'ready'
    // Whoever joined within our range waits for its part of it, not for what lies before.
    if (joinerOf(core) !== undefined) core.handover = undefined
    else bequeath(core, nowMs)
  }
  core.stabilizeSoon(nowMs)
  core.timers.departureMs = nowMs + RETRY_MS
}

function onLeavingToo(core: Core, departure: Departure, from: Peer, nowMs: number): void {
  departure.leavingToo.add(keyOf(from))
  for (const peer of others(core, departure)) {
    if (departure.heard.has(keyOf(peer)) || core.isAsking('probe', peer)) continue
    core.ask(peer, { type: 'getNeighbors' }, { kind: 'probe' }, nowMs)
  }
}

/** Then there is nothing to wait for. */
function everybodyLeaves(core: Core, departure: Departure): boolean {
  return others(core, departure).every((peer) => departure.heard.has(keyOf(peer)))
}

/** Our own list may be of a time when the ring was smaller: behind those that leave too may be others, whom they know. */
function others(core: Core, { named }: Departure): Peer[] {
  return [...neighbors(core), ...named.filter((peer) => !core.detector.isDead(peer))]
}

function neighbors(core: Core): Peer[] {
  const known = core.predecessor === undefined ? core.successors : [...core.successors, core.predecessor]
  return known.filter((peer) => !core.detector.isDead(peer))
}

/** Some neighbor told us, in passing, that it leaves. */
export function onLeavingSeen(core: Core, from: Peer, answer: Answer & { type: 'neighbors' }, nowMs: number): void {
  const { departure } = core
  if (departure === undefined) return
  departure.leavingToo.add(keyOf(from))
  departure.heard.add(keyOf(from))
  if (departure.heard.size <= LEAVERS_PER_SUCCESSOR * core.config.successors) noteNamed(core, departure, answer)
  proceed(core, nowMs)
}

function noteNamed(
  core: Core,
  departure: Departure,
  { predecessor, successors }: Answer & { type: 'neighbors' },
): void {
  for (const peer of predecessor === undefined ? successors : [predecessor, ...successors]) {
    if (peer.id.equals(core.self.id) || departure.named.some((known) => samePeer(known, peer))) continue
    departure.named = [...departure.named, peer]
  }
}

/** To everyone who may list us: the predecessor and those whose lists reach as far as ours, and the new owner. */
function sayGoodbye(core: Core, nowMs: number): void {
  const departure = core.departure
  if (departure === undefined || departure.phase === 'sayingGoodbye') return
  departure.phase = 'sayingGoodbye'
  const listeners = new Map<string, Peer>()
  for (const peer of [core.predecessor, core.successors[0]]) {
    if (peer !== undefined && !core.detector.isDead(peer)) listeners.set(keyOf(peer), peer)
  }
  departure.goodbyesLeft = listeners.size
  if (listeners.size === 0) return finish(core)
  const successors = core.successors.slice(0, 1)
  for (const peer of listeners.values()) core.ask(peer, { type: 'left', successors }, { kind: 'left' }, nowMs)
}

/** Heard, or dead: one fewer to wait for. */
export function onGoodbye(core: Core, nowMs: number): void {
  if (core.departure?.phase !== 'sayingGoodbye') return
  core.departure.goodbyesLeft--
  proceed(core, nowMs)
}

/** Nothing is to be done any more, nor to be heard. */
export function finish(core: Core): void {
  for (const timer of Object.keys(core.timers) as (keyof Core['timers'])[]) {
    core.timers[timer] = Number.POSITIVE_INFINITY
  }
  core.pending.clear()
  core.setStatus('left')
}
