/**
 * How much longer a look-up takes than a question to the owner, by the delays of the network alone (paper, section V-F).
 * Nodes lie in a cube, and a message takes as long as the way is far.
 */
import { lookUpAll } from './lookups.mjs'
import { ringOf } from './ring.mjs'
import { rank } from './stats.mjs'
import { walk } from './walk.mjs'

/** Along an edge of the cube. */
const EDGE_MS = 100

export function measureStretch(lab, { quick }) {
  const lookups = quick ? 200 : 4_000
  const exponents = quick ? [4, 7] : [4, 6, 8, 10, 12, 14, 16]
  const rows = exponents.map((exponent) => ({
    exponent,
    paper: asThePaperCounts(lab, 2 ** exponent, lookups),
    ...(exponent <= 14 && { ours: asOurs(lab, 2 ** exponent, lookups) }),
  }))
  return { lookups, rows }
}

/** To the key's predecessor, whose answer names the owner; the only successor serves for that. */
function asThePaperCounts(lab, nodes, lookups) {
  const space = new Space(lab)
  const ring = ringOf(lab, { nodes, successors: 1 })
  const [iterative, recursive] = [[], []]
  for (let i = 0; i < lookups; i++) {
    const start = ring.nodes[lab.random.below(nodes)]
    const { path } = walk(lab, ring, start, lab.randomId())
    if (path.length === 0) continue
    const delay = (a, b) => space.ms(a.self.address, b.self.address)
    const asked = path.slice(0, -1)
    const directMs = 2 * delay(start, path.at(-1))
    iterative.push(asked.reduce((ms, node) => ms + 2 * delay(start, node), 0) / directMs)
    const there = asked.reduce((ms, node, k) => ms + delay(asked[k - 1] ?? start, node), 0)
    recursive.push((there + delay(asked.at(-1) ?? start, start)) / directMs)
  }
  return { iterative: spread(iterative), recursive: spread(recursive) }
}

/** Until the originator has heard from the owner, over the simulated network. */
function asOurs(lab, nodes, lookups) {
  const space = new Space(lab)
  const conditions = { delay: { kind: 'placed', ms: (from, to) => space.ms(from, to) } }
  const ring = ringOf(lab, { nodes, successors: 8, conditions })
  const stretchOf = (route) => {
    const ended = lookUpAll(lab, ring.simulation, { route, lookups })
    const far = ended.filter(({ answer, originator }) => answer !== undefined && answer.owner.address !== originator)
    return spread(
      far.map(({ startMs, endMs, originator, answer }) => {
        return (endMs - startMs) / (2 * space.ms(originator, answer.owner.address))
      }),
    )
  }
  return { iterative: stretchOf('iterative'), recursive: stretchOf('recursive') }
}

/** Where addresses are: anywhere. */
class Space {
  #random
  #places = new Map()

  constructor({ random }) {
    this.#random = random
  }

  ms(from, to) {
    const [a, b] = [this.#placeOf(from), this.#placeOf(to)]
    return EDGE_MS * Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0))
  }

  #placeOf(address) {
    let place = this.#places.get(address)
    if (place === undefined) {
      place = [0, 1, 2].map(() => this.#random.nextUint32() / 2 ** 32)
      this.#places.set(address, place)
    }
    return place
  }
}

function spread(values) {
  const sorted = Float64Array.from(values).sort()
  return { median: rank(sorted, 0.5), p10: rank(sorted, 0.1), p90: rank(sorted, 0.9) }
}
