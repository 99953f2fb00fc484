/** A share of all nodes fails at once; look-ups before anybody has repaired anything (paper, section V-D). */
import { measureRecovery } from './recovery.mjs'
import { indexAtOrAfter, ringOf } from './ring.mjs'
import { summary } from './stats.mjs'
import { walk } from './walk.mjs'

export const SHARES = [0, 0.1, 0.2, 0.3, 0.4, 0.5]
const SUCCESSORS = 20

/** As the paper has it: every look-up meets the dead afresh, and the first live node at or after the key is right. */
export function measureFailure(lab, { quick }) {
  const nodes = quick ? 200 : 1_000
  // The dead of one ring are met by all its look-ups: many rings with few each tell more.
  const rings = quick ? 2 : 40
  const each = 250
  const rows = SHARES.map((share) => {
    const found = Array.from({ length: rings }, () => lookUpAfter(lab, nodes, share, each)).flat()
    return { share, iterative: resultOf(found, 'iterative'), recursive: resultOf(found, 'recursive') }
  })
  const recovery = measureRecovery(lab, { shares: quick ? [0.5] : SHARES, nodes, lookups: quick ? 200 : 2_000 })
  return { nodes, rings, lookups: rings * each, successors: SUCCESSORS, rows, recovery }
}

/** Each look-up both ways. */
function lookUpAfter(lab, nodes, share, lookups) {
  const { random, randomId } = lab
  const ring = ringOf(lab, { nodes, successors: SUCCESSORS })
  const dead = pick(random, ring.nodes, Math.round(share * nodes))
  const live = ring.nodes.filter((node) => !dead.has(node))
  const isDead = (peer) => dead.has(ring.nodeOf(peer))
  return Array.from({ length: lookups }, () => {
    const key = randomId()
    const start = live[random.below(live.length)]
    const owner = live[indexAtOrAfter(live, key)]
    const way = (shared) => judged(walk(lab, ring, start, key, { isDead, shared }), start, owner)
    return { iterative: way(true), recursive: way(false) }
  })
}

function judged({ path, timeouts }, start, owner) {
  return { hops: path?.length, timeouts, isRight: path !== undefined && (path.at(-1) ?? start) === owner }
}

function resultOf(lookups, way) {
  const all = lookups.map((lookup) => lookup[way])
  const right = all.filter(({ isRight }) => isRight)
  return {
    path: summary(right.map(({ hops }) => hops)),
    timeouts: summary(all.map(({ timeouts }) => timeouts)),
    failed: all.length - right.length,
  }
}

function pick(random, list, count) {
  const picked = new Set()
  while (picked.size < count) picked.add(list[random.below(list.length)])
  return picked
}
