/** All trouble is over: now the ring has to become whole, within the bound that the oracles state, and to stay so. */
import { DEFAULT_TIMEOUT_MS } from '../core/config.ts'
import type { Oracles } from './oracles/oracles.ts'
import type { Performer } from './performer.ts'

const STEP_MS = 100
/** Look-ups on a ring that has come to rest: each must find the global owner. */
const LAST_LOOKUPS = 8
/** By then each has its answer, or has failed. */
const LOOKUP_MS = 2 * DEFAULT_TIMEOUT_MS
/** It has to stay ideal for so many of the longest periods of stabilization. */
const QUIET_ROUNDS = 4

/** Returns after how long it was ideal; undefined if it was not in time, or something else is wrong. */
export function heal(performer: Performer, oracles: Oracles): number | undefined {
  const { simulation } = performer
  oracles.calm(performer.calm())
  performer.offerSeeds()
  const startMs = simulation.nowMs
  while (!oracles.isIdeal && oracles.violations.length === 0 && simulation.nowMs - startMs <= oracles.healWithinMs) {
    performer.run(STEP_MS)
    performer.offerSeeds()
  }
  if (oracles.violations.length > 0) return undefined
  const idealMs = oracles.isIdeal ? simulation.nowMs - startMs : undefined
  if (idealMs !== undefined) rest(performer, oracles)
  oracles.end()
  return idealMs
}

/** Long enough for what must not happen any more, and for all who reported a split to report that it has healed. */
function rest(performer: Performer, oracles: Oracles): void {
  const { simulation } = performer
  const startMs = simulation.nowMs
  const roundMs = simulation.config.stabilizeMaxMs
  let asking = LAST_LOOKUPS
  for (let i = 0; i < LAST_LOOKUPS; i++) performer.lookUpSomewhere(() => asking--)
  performer.run(QUIET_ROUNDS * roundMs)
  while (asking > 0 && simulation.nowMs - startMs <= LOOKUP_MS) performer.run(roundMs)
  while (oracles.violations.length === 0 && simulation.nowMs - startMs <= oracles.quietMs) {
    const { splits = 0, merges = 0 } = oracles.summary()
    if (splits === merges) return
    performer.run(roundMs)
  }
}
