/** What the simulator is measured by: each part runs in a process of its own, and returns plain figures. */
import { Id } from '../../dist/core/id.js'
import { Oracles } from '../../dist/sim/oracles/oracles.js'
import { placeIdeal } from '../../dist/sim/placement.js'
import { Simulation } from '../../dist/sim/simulation.js'

/** Of all threads, the collectors of garbage among them: what else runs on the machine does not count. */
function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function measured(run) {
  const startMs = performance.now()
  const start = cpuSeconds()
  run()
  return { cpuS: cpuSeconds() - start, wallS: (performance.now() - startMs) / 1000 }
}

function start(simulation, count) {
  for (let i = 0; i < count; i++) {
    const via = i > 0 ? { via: 'n0' } : {}
    simulation.start({ address: `n${i}`, ids: [Id.hash(`node ${i}`)], ...via })
  }
}

function ring(nodes, watched, seed = 1) {
  const simulation = new Simulation({ seed })
  const oracles = watched ? new Oracles(simulation) : undefined
  if (oracles !== undefined) simulation.observe(oracles)
  start(simulation, nodes)
  simulation.settle(60_000)
  return { simulation, oracles }
}

function rate(simulation, run) {
  const events = simulation.events
  const { nowMs } = simulation
  const { cpuS, wallS } = measured(run)
  const done = simulation.events - events
  return { events: done, eventsPerS: done / cpuS, timesRealTime: (simulation.nowMs - nowMs) / 1000 / wallS }
}

/** A ring in which nothing happens: stabilization, probes, fingers. */
function idle({ quick, watched }) {
  const { simulation, oracles } = ring(100, watched)
  simulation.run(60_000)
  const result = rate(simulation, () => simulation.run(quick ? 120_000 : 600_000))
  return { ...result, violations: oracles?.violations.length ?? 0 }
}

/** Somebody dies or comes back four times a second. */
function churn({ quick, watched }) {
  const { simulation, oracles } = ring(100, watched)
  const random = simulation.stream('churn')
  const step = () => {
    const address = `n${1 + random.below(99)}`
    if (simulation.isAlive(address)) simulation.crash(address)
    else simulation.restart(address, { via: 'n0' })
    simulation.run(250)
  }
  for (let i = 0; i < 100; i++) step()
  const result = rate(simulation, () => {
    for (let i = 0; i < (quick ? 200 : 1_000); i++) step()
  })
  return { ...result, violations: oracles?.violations.length ?? 0 }
}

/** All at once, each through the only node that is there. */
function joining({ quick }) {
  const nodes = quick ? 1_000 : 10_000
  const simulation = new Simulation()
  const { cpuS, wallS } = measured(() => {
    start(simulation, nodes)
    simulation.settle(600_000, 250)
  })
  const { events, messages } = simulation
  return { nodes, events, messages, virtualS: simulation.nowMs / 1000, cpuS, wallS, rssBytes: rss() }
}

/** A ring that is there at once, and look-ups on it. */
function ideal({ quick }) {
  const count = quick ? 10_000 : 100_000
  const simulation = new Simulation()
  const nodes = Array.from({ length: count }, (_, i) => ({ id: Id.hash(`node ${i}`), address: `n${i}` }))
  const placing = measured(() => placeIdeal(simulation, { nodes, upkeep: false }))
  let hops = 0
  let found = 0
  const done = (ended) => {
    hops += ended.hops
    if (ended.answer !== undefined) found++
  }
  const asking = measured(() => {
    for (let i = 0; i < count; i++) simulation.lookup(`n${(i * 7919) % count}`, Id.hash(`key ${i}`), { done })
    simulation.run(60_000)
  })
  return { nodes: count, found, meanHops: hops / found, placing, asking, rssBytes: rss() }
}

function rss() {
  return process.resourceUsage().maxRSS * 1024
}

export const PARTS = { idle, churn, joining, ideal }
