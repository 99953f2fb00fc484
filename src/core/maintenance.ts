/** Fingers, on their own slow timer: look up one that is not covered yet, fill all that the answer covers, go on. */
import { FINGER_BURST_MS, FINGER_QUESTION_MS } from './config.ts'
import { ID_BITS } from './id.ts'
import { isLookingUp, startLookup } from './lookup.ts'
import type { Peer } from './messages.ts'
import type { Core } from './state.ts'
import { closestPreceding } from './table.ts'

/** Next hops that a finger's look-up may start from. */
const START_MAX = 4

export function fixFingers(core: Core, nowMs: number): void {
  if (core.fingersPaused) return goOn(core, nowMs)
  core.periods.fingersMs = Math.min(core.config.fingersMaxMs, core.periods.fingersMs * 2)
  core.timers.fingersMs = nowMs + core.periods.fingersMs
  if (isLookingUp(core, 'finger') || core.successors.length === 0) return
  core.fingerBit = 0
  coverFingers(core, core.self, core.successors)
  nextFinger(core, nowMs)
}

function goOn(core: Core, nowMs: number): void {
  core.fingersPaused = false
  core.timers.fingersMs = nowMs + core.periods.fingersMs
  nextFinger(core, nowMs)
}

/**
 * Fingers have a budget, because each change nearby starts a round: where many come and go they would ask several times
 * as much as all that keeps the ring (rule 6 of protocol.md). Stale ones make paths longer, and nothing wrong.
 */
export function nextFinger(core: Core, nowMs: number): void {
  if (core.fingerBit >= ID_BITS || core.status === 'left') return
  if (core.fingersPaidMs > nowMs) {
    core.fingersPaused = true
    core.timers.fingersMs = core.fingersPaidMs
    return
  }
  const key = core.fingers.start(core.fingerBit)
  const start = closestPreceding(core, key, START_MAX)
  if (start.length > 0) startLookup(core, key, { kind: 'finger' }, start, nowMs)
}

/** Each question of a finger's look-up. */
export function payForFinger(core: Core, nowMs: number): void {
  core.fingersPaidMs = Math.max(core.fingersPaidMs, nowMs - FINGER_BURST_MS) + FINGER_QUESTION_MS
}

/** `node` followed by its successors: each owns what lies between it and the one before. */
export function coverFingers(core: Core, node: Peer, successors: readonly Peer[]): void {
  let after = node
  const before = core.fingerBit
  const { changes } = core.fingers
  for (const owner of successors.length > 0 ? successors : [node]) {
    core.fingerBit = core.fingers.cover(after.id, owner, core.fingerBit)
    after = owner
  }
  // An answer that does not cover what was asked for must not be asked for again in this round.
  if (core.fingerBit === before && node !== core.self) core.fingerBit++
  if (core.fingers.changes !== changes) core.tableVersion++
}
