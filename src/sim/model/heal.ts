/**
 * Liveness: once nobody joins or fails any more, does everything heal? Fairness is taken at its plainest, a round in
 * which each node in turn stabilizes and then each handles its notify. A round leads from one reachable state to
 * another, so all of them together form a graph with one way out of each state, walked once however many there are.
 */
import { type CorrectedChord, isIdeal } from './corrected.ts'
import type { Exploration } from './explore.ts'
import type { Ring } from './nodes.ts'
import type { States } from './states.ts'

const UNKNOWN = 255
const NEVER = 254
const ON_THIS_WALK = 253

export interface Healing {
  /** The most rounds that any state takes to the ideal one. */
  readonly rounds: number
  readonly healing: number
  readonly stuck: number
  /** The first state, in breadth-first order, that never becomes ideal. */
  readonly example: number | undefined
}

/** Of all states but those in which something is lost already. */
export function healing(model: CorrectedChord, found: Exploration, report = (_index: number) => {}): Healing {
  const { states, dead } = found
  const rounds = new Uint8Array(states.count).fill(UNKNOWN)
  for (const index of dead) rounds[index] = NEVER
  const result = { rounds: 0, healing: 0, stuck: 0, example: undefined as number | undefined }
  for (let index = 0; index < states.count; index++) {
    if (dead.has(index)) continue
    if (index % 65_536 === 0) report(index)
    if (rounds[index] === UNKNOWN) walk(model, states, rounds, index)
    const needed = rounds[index]!
    if (needed === NEVER) {
      result.stuck++
      result.example ??= index
    } else {
      result.healing++
      result.rounds = Math.max(result.rounds, needed)
    }
  }
  return result
}

/** One fair round without joins and failures. */
export function fairRound(model: CorrectedChord, ring: Ring): Ring {
  let next = ring
  const take = (id: number): void => model.due(next, next[id]!, (after) => (next = after))
  for (const { id, live } of ring) {
    if (!live) continue
    if (next[id]!.due === 'rectify') take(id)
    if (next[id]!.due === 'stabilize') take(id)
    if (next[id]!.due === 'adopt') take(id)
  }
  for (const { id } of ring) if (next[id]!.due === 'rectify') take(id)
  return next
}

/** Goes on round by round to a state whose rounds are known, to an ideal one, or around a circle, and writes them down. */
function walk(model: CorrectedChord, states: States, rounds: Uint8Array, from: number): void {
  const path: number[] = []
  let index = from
  let ring = states.at(index)
  // A round that passes through a state in which something is lost may lead out of the states seen.
  while (index >= 0 && rounds[index] === UNKNOWN && !isIdeal(model, ring)) {
    rounds[index] = ON_THIS_WALK
    path.push(index)
    ring = fairRound(model, ring)
    index = states.indexOf(ring)
  }
  if (index >= 0 && rounds[index] === UNKNOWN) rounds[index] = 0
  let needed = index < 0 || rounds[index] === ON_THIS_WALK ? NEVER : rounds[index]!
  for (const passed of path.reverse()) {
    if (needed !== NEVER) needed++
    rounds[passed] = needed
  }
}
