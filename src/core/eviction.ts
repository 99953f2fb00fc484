/** What follows when a peer is dead, silent or gone. */

import { onConflictDead, onJoinPointMissing } from './join.ts'
import { onGoodbye, onHandedOver, proceed } from './leave.ts'
import { onStepUnanswered } from './lookup.ts'
import { type Peer, samePeer } from './messages.ts'
import type { DownReason } from './output.ts'
import { anybodyLeft, onGrantUnanswered, ownEverything, settle } from './responsibility.ts'
import { adopt, onNoNeighbors, promoteCandidate } from './stabilize.ts'
import type { Core, PendingQuestion } from './state.ts'

/** Proof, or enough silence. */
export function evict(core: Core, peer: Peer, reason: DownReason, nowMs: number): void {
  // Several may be evicted at once, and a leaver be done before the last of them.
  if (hasLeft(core)) return
  if (samePeer(peer, core.self)) return
  if (reason === 'left') core.detector.departed(peer)
  else core.detector.proveDead(peer)
  const unanswered = takePending(core, (entry) => samePeer(entry.to, peer))
  core.removeEverywhere(peer, reason, nowMs)
  if (samePeer(peer, core.handover?.to)) core.handover = undefined
  for (const entry of unanswered) onUnanswered(core, entry, reason, nowMs)
  // A leaver may have waited for nobody else.
  if (hasLeft(core)) return
  promoteCandidate(core, nowMs)
  settle(core, nowMs)
  checkAlone(core, reason, nowMs)
  if (core.departure !== undefined) proceed(core, nowMs)
}

export function hasLeft(core: Core): boolean {
  return core.status === 'left'
}

/** The list is empty. If everybody left in order we are the ring; otherwise we lost it, and never pretend to own it. */
function checkAlone(core: Core, reason: DownReason, nowMs: number): void {
  if (core.successors.length > 0 || core.isAsking('adopt')) return
  if (core.sole) return void (reason === 'left' && followAnybody(core, nowMs))
  if (core.status !== 'member' && core.status !== 'isolated' && core.status !== 'joining') return
  if (reason === 'left' && core.range !== undefined) {
    if (followAnybody(core, nowMs)) return
    // A list that did not go around has only come to its end: there are others.
    if (core.listWraps) return becomeSole(core)
  }
  // At once the first time; afterwards every refusal would start the next attempt.
  if (core.status !== 'isolated') core.timers.rejoinMs = Math.min(core.timers.rejoinMs, nowMs)
  if (core.status === 'member') core.setStatus('isolated')
  if (core.config.onIsolated === 'serve' && core.range !== undefined) serveAlone(core)
}

function followAnybody(core: Core, nowMs: number): boolean {
  const other = anybodyLeft(core)
  if (other !== undefined) adopt(core, other, undefined, nowMs)
  return other !== undefined
}

function becomeSole(core: Core): void {
  serveAlone(core)
  core.timers.rejoinMs = Number.POSITIVE_INFINITY
  core.setStatus('member')
}

function serveAlone(core: Core): void {
  core.sole = true
  if (!core.range?.after.equals(core.self.id)) ownEverything(core, 'takeover')
}

/** A question was not answered in time, or its receiver died. Of several, an earlier one may have ended our departure. */
export function onUnanswered(core: Core, entry: PendingQuestion, reason: DownReason, nowMs: number): void {
  if (hasLeft(core)) return
  switch (entry.purpose.kind) {
    case 'probe':
    case 'confirm':
    case 'back':
      return
    case 'stabilize':
    case 'adopt':
      onNoNeighbors(core, entry, nowMs)
      return checkAlone(core, reason, nowMs)
    case 'step':
      return onStepUnanswered(core, entry, nowMs)
    case 'joinCheck':
      return onJoinPointMissing(core, nowMs)
    case 'conflict':
      if (core.detector.isDead(entry.to)) onConflictDead(core, entry.to, nowMs)
      else if (core.detector.isSuspect(entry.to)) core.ask(entry.to, entry.message, entry.purpose, nowMs)
      // It is no member yet, and wants to be one like us.
      else onJoinPointMissing(core, nowMs)
      return
    case 'grant':
      return onGrantUnanswered(core, entry, nowMs)
    case 'handOver':
      return onHandedOver(core, entry.to, undefined, nowMs)
    case 'left':
      return onGoodbye(core, nowMs)
    default:
      entry.purpose satisfies never
  }
}

/** Somebody said goodbye. `successors` are who follows it. */
export function onLeft(core: Core, from: Peer, successors: readonly Peer[], nowMs: number): void {
  const next = successors.find((peer) => !peer.id.equals(core.self.id) && !samePeer(peer, from))
  const [first, second] = core.successors
  if (second === undefined && successors[0]?.id.equals(core.self.id)) core.listWraps = true
  // It knows best who follows us now.
  const isNews = first === undefined || (samePeer(first, from) && !samePeer(second, next))
  const left = samePeer(first, from) ? second : first
  if (isNews && next !== undefined && !core.detector.isDead(next)) adopt(core, next, undefined, nowMs, left)
  evict(core, from, 'left', nowMs)
}

export function takePending(core: Core, matches: (entry: PendingQuestion) => boolean): PendingQuestion[] {
  const taken: PendingQuestion[] = []
  for (const [request, entry] of core.pending) {
    if (!matches(entry)) continue
    core.pending.delete(request)
    taken.push(entry)
  }
  return taken
}
