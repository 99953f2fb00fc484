/** Look-ups while nodes join and leave (paper, section V-E). */
import { indexAtOrAfter, ringOf } from './ring.mjs'
import { summary } from './stats.mjs'
import { walk } from './walk.mjs'

export const RATES = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]
/** How nodes go: without a word, their connections breaking or not, or taking leave. */
export const WAYS = ['crash', 'vanish', 'leave']

const SECOND_MS = 1_000
/** The paper's: a stabilization every 15 to 45 s, in which one of about 30 entries of the table is checked. */
const STABILIZE_MS = [15_000, 45_000]
const PAPER_TIMERS = {
  stabilizeMinMs: STABILIZE_MS[0],
  stabilizeMaxMs: STABILIZE_MS[1],
  fingersMinMs: 900_000,
  fingersMaxMs: 900_000,
  selfLookupMs: 300_000,
  /** Who has not answered after half a second has not, as in the paper; three times in a row, and it is dead. */
  probeMaxMs: 500,
}
/** On average 50 ms, as in the paper. */
const CONDITIONS = { delay: { kind: 'uniform', minMs: 10, maxMs: 90 } }
const SUCCESSORS = 20

/** The rows of the table: `way@rate`. */
export function churnRows(quick) {
  return WAYS.flatMap((way) =>
    RATES.filter((_, i) => (quick ? i % 6 === 1 : way === 'crash' || i % 3 === 1)).map((rate) => `${way}@${rate}`),
  )
}

/** Each row is a run of its own, whichever are asked for. */
export function measureChurn(lab, { quick, say, rows = churnRows(quick) }) {
  const nodes = quick ? 100 : 1_000
  const seconds = quick ? 120 : 10_000
  const warmUp = quick ? 30 : 600
  const measured = rows.map((row) => {
    const [way, rate] = row.split('@')
    const run = new Churn(lab.fork(row), { nodes, rate: Number(rate), way })
    run.run(warmUp)
    const figures = { way, rate: Number(rate), seconds, ...run.measure(seconds) }
    say(`churn: ${way} at ${rate}/s done`)
    return figures
  })
  return { nodes, successors: SUCCESSORS, rows: measured }
}

/** One ring under churn. */
export class Churn {
  #lab
  #ring
  #way
  #joined = 0

  /** `timers`: the paper's, or those that nodes have by default. */
  constructor(lab, { nodes, rate, way, timers = 'paper' }) {
    this.#lab = lab
    this.#way = way
    const config = timers === 'paper' ? PAPER_TIMERS : {}
    this.#ring = ringOf(lab, { nodes, successors: SUCCESSORS, config, conditions: CONDITIONS })
    const { simulation } = this.#ring
    if (timers === 'paper') simulation.observe(evenlyDrawn(lab.random, simulation))
    // Not all at once.
    for (const { core } of this.#ring.nodes) {
      core.timers.fingersMs = lab.random.between(0, simulation.config.fingersMaxMs)
    }
    this.#atRate(rate, () => this.#join())
    this.#atRate(rate, () => this.#leave())
  }

  run(seconds) {
    this.#ring.simulation.run(seconds * SECOND_MS)
  }

  /** One look-up a second: as applications get it, and beside it, at the same instant, as the paper counts. */
  measure(seconds) {
    const { simulation } = this.#ring
    const retried = []
    const once = []
    for (let second = 0; second < seconds; second++) {
      simulation.run(SECOND_MS)
      const from = this.#anybody()
      const key = this.#lab.randomId()
      once.push(this.#walk(from, key))
      simulation.lookup(from.self.address, key, { done: (lookup) => retried.push(this.#judged(lookup)) })
    }
    this.run(60)
    return { retried: resultOf(retried), once: pathsOf(once) }
  }

  /** One attempt by a ring that stands still; each dead next hop is a timeout; it must end at the first live owner. */
  #walk(from, key) {
    const nodeOf = (peer) => this.#ring.simulation.at(peer.address).find(({ node }) => isSame(node.self, peer))?.node
    const isDead = (peer) => !nodeOf(peer)?.core.joined
    const { path, timeouts } = walk(this.#lab, { nodeOf }, from, key, { isDead, shared: true })
    const owners = this.#owners()
    const isRight = path !== undefined && (path.at(-1) ?? from) === owners[indexAtOrAfter(owners, key)]
    return { hops: path?.length, timeouts, isRight }
  }

  /** Whether the first live owner at or after the key says that it owns it. */
  #judged(lookup) {
    const owners = this.#owners()
    const { answer, key } = lookup
    return { ...lookup, isFirst: answer?.owner.id.equals(owners[indexAtOrAfter(owners, key)].self.id) }
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
    this.#ring.simulation.start({ address: `j${this.#joined++}`, ids: [id], via: this.#anybody().self.address })
  }

  #leave() {
    this.#ring.simulation[this.#way](this.#anybody().self.address)
  }

  /** Who owns something and stays. */
  #anybody() {
    const members = this.#ring.simulation.sorted()
    for (;;) {
      const { node } = members[this.#lab.random.below(members.length)]
      if (node.status === 'member') return node
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
    timeouts: summary(lookups.map(({ timeouts }) => timeouts)),
    tookMs: summary(answered.map(({ startMs, endMs }) => endMs - startMs)),
    strayed: answered.filter(({ isFirst }) => !isFirst).length,
    failed: lookups.length - answered.length,
    failures: tally(lookups.filter(({ failure }) => failure !== undefined).map(({ failure }) => failure)),
  }
}

function pathsOf(walks) {
  const right = walks.filter(({ isRight }) => isRight)
  return {
    path: summary(right.map(({ hops }) => hops)),
    timeouts: summary(walks.map(({ timeouts }) => timeouts)),
    failed: walks.length - right.length,
  }
}

function isSame(a, b) {
  return a.id.equals(b.id) && a.incarnation === b.incarnation
}

function tally(names) {
  const counts = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
