/** Rings in simulated time, idle or under churn, and what their upkeep costs a node and second. */

const SECOND_MS = 1_000
/** Both ways of a message: 10 ms on average, as between machines of a region. */
const CONDITIONS = { delay: { kind: 'uniform', minMs: 2, maxMs: 8 } }
const SEED = 4

/** `rate`: joins, and crashes, per second. `halfLife` instead: seconds after which half of the nodes are others. */
export class Upkeep {
  #modules
  #random
  #joined = 0
  #nodeMs = 0

  constructor(modules, { nodes, halfLife, rate = halfLife ? (nodes * Math.LN2) / halfLife : 0, config = {} }) {
    const { Simulation, placeIdeal, streamOf, MaintenanceCost } = modules
    this.#modules = modules
    this.#random = streamOf(SEED, 'maintenance', nodes, Math.round(rate * 1000))
    this.simulation = new Simulation({ seed: SEED, config, conditions: CONDITIONS })
    this.cost = new MaintenanceCost()
    this.simulation.observe(this.cost)
    const placed = Array.from({ length: nodes }, (_, i) => ({ id: this.#id(), address: addressOf(i) }))
    for (const { node } of placeIdeal(this.simulation, { nodes: placed })) {
      const { timers, config: set } = node.core
      timers.fingersMs = this.#random.between(0, set.fingersMaxMs)
      node.core.periods.fingersMs = set.fingersMaxMs
      node.core.periods.stabilizeMs = set.stabilizeMaxMs
    }
    this.#joined = nodes
    if (rate > 0) {
      this.#atRate(rate, () => this.#join())
      this.#atRate(rate, () => this.simulation.crash(this.#anybody()))
    }
  }

  /** Messages and bytes per node and second, by class, after `warmUp` seconds. */
  measure(warmUp, seconds) {
    this.simulation.run(warmUp * SECOND_MS)
    this.cost.take()
    this.#nodeMs = 0
    for (let second = 0; second < seconds; second++) {
      this.simulation.run(SECOND_MS)
      this.#nodeMs += SECOND_MS * this.simulation.sorted().length
    }
    const nodeSeconds = this.#nodeMs / SECOND_MS
    const cost = this.cost.take()
    return Object.fromEntries(
      Object.entries(cost).map(([name, { messages, bytes }]) => [
        name,
        { messages: messages / nodeSeconds, bytes: bytes / nodeSeconds },
      ]),
    )
  }

  #id() {
    const word = () => this.#random.nextUint32()
    return new this.#modules.Id(word(), word(), word(), word(), word())
  }

  #atRate(rate, act) {
    const next = () => {
      act()
      this.simulation.after(waitMs(this.#random, rate), next)
    }
    this.simulation.after(waitMs(this.#random, rate), next)
  }

  #join() {
    this.simulation.start({ address: addressOf(this.#joined++), ids: [this.#id()], via: this.#anybody() })
  }

  #anybody() {
    const members = this.simulation.sorted()
    for (;;) {
      const { node } = members[this.#random.below(members.length)]
      if (node.status === 'member') return node.self.address
    }
  }
}

/** As long as real ones. */
function addressOf(index) {
  return `10.${100 + ((index >> 16) & 127)}.${(index >> 8) & 255}.${index & 255}:4000`
}

/** Of a Poisson stream with `rate` events a second. */
function waitMs(random, rate) {
  return (-SECOND_MS * Math.log(1 - random.nextUint32() / 2 ** 32)) / rate
}
