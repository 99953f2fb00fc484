/** Hops of a look-up against the number of nodes (paper, section V-C). */
import { ringOf } from './ring.mjs'
import { binomialHalf, histogram, summary, totalVariation } from './stats.mjs'
import { walk } from './walk.mjs'

/** log₂ of the ring whose distribution is shown. */
const SHOWN = 12

export function measurePathLength(lab, { quick }) {
  const exponents = range(3, quick ? 9 : 14)
  const lookups = quick ? 2_000 : 10_000
  const rows = exponents.map((exponent) => ({
    exponent,
    paper: summary(toPredecessor(lab, 2 ** exponent, lookups)),
    ours: summary(toOwner(lab, 2 ** exponent, 8, lookups)),
  }))
  const shown = quick ? 9 : SHOWN
  return { lookups, rows, distribution: distributionOf(lab, shown, quick ? 5_000 : 100_000) }
}

/** As the paper counts: to the key's predecessor, with one successor, which only serves for the last step. */
export function toPredecessor(lab, nodes, lookups) {
  return toOwner(lab, nodes, 1, lookups).map((hops) => Math.max(0, hops - 1))
}

/** As an application sees it: messages that carry the frame to the owner, with `successors` in each list. */
export function toOwner(lab, nodes, successors, lookups) {
  const ring = ringOf(lab, { nodes, successors })
  return Array.from({ length: lookups }, () => {
    const start = ring.nodes[lab.random.below(nodes)]
    return walk(lab, ring, start, lab.randomId()).path.length
  })
}

function distributionOf(lab, exponent, lookups) {
  const counts = histogram(toPredecessor(lab, 2 ** exponent, lookups))
  const shares = counts.map((count) => count / lookups)
  const theory = binomialHalf(exponent)
  return { exponent, lookups, shares, theory, variation: totalVariation(shares, theory) }
}

function range(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
