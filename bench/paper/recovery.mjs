/** The same disaster as it really goes: connections break, refusals are remembered, and the ring mends itself meanwhile. */
import { ringOf } from './ring.mjs'
import { summary } from './stats.mjs'

const SUCCESSORS = 20
/** Until every neighbor has been asked, so that its round trip is known. */
const WARM_UP_MS = 3_000
/** Look-ups begin this far apart, the first with the disaster. */
const APART_MS = 1
const STEP_MS = 20
const LIMIT_MS = 120_000

/** `shares` of `nodes` die at once, at default settings; messages take 50 ms on average. */
export function measureRecovery(lab, { shares, nodes, lookups }) {
  return shares.map((share) => {
    const conditions = { delay: { kind: 'uniform', minMs: 10, maxMs: 90 } }
    const { simulation } = ringOf(lab, { nodes, successors: SUCCESSORS, config: {}, conditions })
    simulation.run(WARM_UP_MS)
    const addresses = simulation.sorted().map(({ node }) => node.self.address)
    for (let i = 0; i < Math.round(share * nodes); i++) {
      simulation.crash(addresses.splice(lab.random.below(addresses.length), 1)[0])
    }
    const ended = []
    for (let i = 0; i < lookups; i++) {
      const key = lab.randomId()
      const from = addresses[lab.random.below(addresses.length)]
      simulation.after(i * APART_MS, () => simulation.lookup(from, key, { done: (lookup) => ended.push(lookup) }))
    }
    const idealMs = simulation.settle(LIMIT_MS, STEP_MS)
    while (ended.length < lookups) simulation.run(1_000)
    const answered = ended.filter(({ answer }) => answer !== undefined)
    return {
      share,
      idealMs,
      path: summary(answered.map(({ hops }) => hops)),
      tookMs: summary(answered.map(({ startMs, endMs }) => endMs - startMs)),
      failed: lookups - answered.length,
    }
  })
}
