/** Look-ups while nodes join and leave (paper, section V-E). */
import { indexAtOrAfter, ringOf } from './ring.mjs'
import { summary } from './stats.mjs'

export const RATES = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]
/** How nodes go: without a word, their connections breaking or not, or taking leave. */
export const WAYS = ['crash', 'vanish', 'leave']

const SECOND_MS = 1_000
/** The paper's: a stabilization every 15 to 45 s, in which one of about 30 entries of the table is checked. */
const STABILIZE_MS = [15_000, 45_000]
const CONFIG = {
  stabilizeMinMs: STABILIZE_MS[0],
  stabilizeMaxMs: STABILIZE_MS[1],
  fingersMinMs: 900_000,
  fingersMaxMs: 900_000,
  selfLookupMs: 300_000,
}
/** On average 50 ms, as in the paper. */
const CONDITIONS = { delay: { kind: 'uniform', minMs: 10, maxMs: 90 } }
const SUCCESSORS = 20

export function measureChurn(lab, { quick, say }) {
  const nodes = quick ? 100 : 1_000
  const seconds = quick ? 120 : 10_000
  const warmUp = quick ? 30 : 600
  const rows = []
  for (const way of WAYS) {
    for (const rate of RATES.filter((_, i) => (quick ? i % 6 === 1 : way === 'crash' || i % 3 === 1))) {
      const run = new Churn(lab, { nodes, rate, way })
      run.run(warmUp)
      rows.push({ way, rate, ...run.measure(seconds) })
      say(`churn: ${way} ${rate}/s done`)
    }
  }
  return { nodes, successors: SUCCESSORS, seconds, rows }
}

/** One ring under churn. */
export class Churn {
  #lab
  #ring
  #way
  #joined = 0

  constructor(lab, { nodes, rate, way, config = CONFIG }) {
    this.#lab = lab
    this.#way = way
    this.#ring = ringOf(lab, { nodes, successors: SUCCESSORS, config, conditions: CONDITIONS })
    this.#ring.simulation.observe(evenlyDrawn(lab.random, this.#ring.simulation))
    // Not all at once.
    for (const { core } of this.#ring.nodes) core.timers.fingersMs = lab.random.between(0, config.fingersMaxMs)
    this.#atRate(rate, () => this.#join())
    this.#atRate(rate, () => this.#leave())
  }

  run(seconds) {
    this.#ring.simulation.run(seconds * SECOND_MS)
  }

  /** One look-up a second: as applications get it, and one that is tried once, iteratively as in the paper. */
  measure(seconds) {
    const { simulation } = this.#ring
    const ended = { retried: [], once: [] }
    for (let second = 0; second < seconds; second++) {
      simulation.run(SECOND_MS)
      const from = this.#anybody()
      const key = this.#lab.randomId()
      this.#lookUp(from, key, { route: 'recursive' }, ended.retried)
      this.#lookUp(from, key, { route: 'iterative', retry: false }, ended.once)
    }
    this.run(60)
    return { retried: resultOf(ended.retried), once: resultOf(ended.once) }
  }

  #lookUp(from, key, options, ended) {
    this.#ring.simulation.lookup(from, key, { ...options, done: (lookup) => ended.push(this.#judged(lookup)) })
  }

  /** Whether the first live member at or after the key says that it owns it. */
  #judged(lookup) {
    const owner = this.#owners()
    const { answer, key } = lookup
    const isFirst = answer !== undefined && owner[indexAtOrAfter(owner, key)]?.self.id.equals(answer.owner.id)
    return { ...lookup, isFirst }
  }

  #owners() {
    return this.#ring.simulation
      .sorted()
      .map(({ node }) => node)
      .filter(({ range }) => range !== undefined)
  }

  #atRate(rate, act) {
    const { simulation } = this.#ring
    const next = () => {
      act()
      simulation.after(this.#lab.nextMs(rate), next)
    }
    simulation.after(this.#lab.nextMs(rate), next)
  }

  #join() {
    const id = this.#lab.randomId()
    this.#ring.simulation.start({ address: `j${this.#joined++}`, ids: [id], via: this.#anybody() })
  }

  #leave() {
    this.#ring.simulation[this.#way](this.#anybody())
  }

  /** Address of a member that owns something and stays. */
  #anybody() {
    const members = this.#ring.simulation.sorted()
    for (;;) {
      const { node } = members[this.#lab.random.below(members.length)]
      if (node.status === 'member') return node.self.address
    }
  }
}

/** Has every node draw the time of its next round anew, as the paper's do. Rounds that something calls for stay where they are. */
function evenlyDrawn(random, simulation) {
  const [minMs, maxMs] = STABILIZE_MS
  const drawn = new WeakMap()
  return {
    stepped({ node }, cause) {
      const { timers } = node.core
      if (cause !== 'timeout' || timers.stabilizeMs === drawn.get(node)) return
      if (timers.stabilizeMs - simulation.nowMs < minMs) return
      timers.stabilizeMs = simulation.nowMs + random.between(minMs, maxMs)
      drawn.set(node, timers.stabilizeMs)
    },
  }
}

/** A look-up whose originator went away has nobody to fail. */
function resultOf(ended) {
  const lookups = ended.filter(({ failure }) => failure !== 'originator-died')
  const answered = lookups.filter(({ answer }) => answer !== undefined)
  return {
    lookups: lookups.length,
    path: summary(answered.map(({ hops }) => hops)),
    toPredecessor: summary(answered.map(({ hopsToFinal }) => hopsToFinal)),
    timeouts: summary(lookups.map(({ timeouts }) => timeouts)),
    failed: lookups.length - answered.length,
    strayed: answered.filter(({ isFirst }) => !isFirst).length,
    tookMs: summary(answered.map(({ startMs, endMs }) => endMs - startMs)),
    failures: tally(lookups.filter(({ failure }) => failure !== undefined).map(({ failure }) => failure)),
  }
}

function tally(names) {
  const counts = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
