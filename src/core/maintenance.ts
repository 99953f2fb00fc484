/** Fingers, on their own slow timer: look up one that is not covered yet, fill all that the answer covers, go on. */
import { ID_BITS } from './id.ts'
import { isLookingUp, startLookup } from './lookup.ts'
import type { Peer } from './messages.ts'
import type { Core } from './state.ts'
import { closestPreceding } from './table.ts'

/** Next hops that a finger's look-up may start from. */
const START_MAX = 4

export function fixFingers(core: Core, nowMs: number): void {
  core.periods.fingersMs = Math.min(core.config.fingersMaxMs, core.periods.fingersMs * 2)
  core.timers.fingersMs = nowMs + core.periods.fingersMs
  if (isLookingUp(core, 'finger') || core.successors.length === 0) return
  core.fingerBit = 0
  coverFingers(core, core.self, core.successors)
  nextFinger(core, nowMs)
}

export function nextFinger(core: Core, nowMs: number): void {
  if (core.fingerBit >= ID_BITS || core.status === 'left') return
  const key = core.fingers.start(core.fingerBit)
  const start = closestPreceding(core, key, START_MAX)
  if (start.length > 0) startLookup(core, key, { kind: 'finger' }, start, nowMs)
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
