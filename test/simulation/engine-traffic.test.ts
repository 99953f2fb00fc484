import { describe, expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { EndedLookup } from '../../src/sim/observer.ts'
import { placeIdeal } from '../../src/sim/placement.ts'
import { Simulation, type SimulationOptions } from '../../src/sim/simulation.ts'

function ideal(nodes: number, o: SimulationOptions & { upkeep?: boolean } = {}): Simulation {
  const simulation = new Simulation(o)
  placeIdeal(simulation, {
    nodes: Array.from({ length: nodes }, (_, i) => ({ id: Id.hash(`node ${i}`), address: `n${i}` })),
    ...(o.upkeep === false && { upkeep: false }),
  })
  return simulation
}

/** So many keys, each asked for somewhere. */
function ask(simulation: Simulation, lookups: number, o = {}): EndedLookup[] {
  const ended: EndedLookup[] = []
  const random = simulation.stream('test')
  const members = simulation.sorted()
  for (let i = 0; i < lookups; i++) {
    const from = members[random.below(members.length)]!.process
    if (!from.alive) continue
    simulation.lookup(from.address, Id.hash(`key ${i}`), { ...o, done: (one) => ended.push(one) })
  }
  simulation.run(10_000)
  return ended
}

function ownerOf(simulation: Simulation, key: Id): Id {
  const members = simulation.sorted()
  return (members.find(({ node }) => node.self.id.compare(key) >= 0) ?? members[0]!).node.self.id
}

describe('an ideal ring', () => {
  it.each([1, 2, 5, 300])('of %d nodes has no flaws, and stays as it is', (nodes) => {
    const simulation = ideal(nodes)
    expect(simulation.flaws()).toEqual([])
    const changes: string[] = []
    simulation.observe({ event: (_, event) => void changes.push(event.type) })
    simulation.run(60_000)
    expect(simulation.flaws()).toEqual([])
    expect(changes).toEqual([])
  })

  it('does nothing without upkeep', () => {
    const simulation = ideal(50, { upkeep: false })
    const { events } = simulation
    simulation.run(60_000)
    expect(simulation.events).toBe(events)
  })
})

describe.each(['recursive', 'iterative'] as const)('a %s look-up', (route) => {
  it('finds the owner', () => {
    const simulation = ideal(200)
    const ended = ask(simulation, 300, { route })
    expect(ended).toHaveLength(300)
    for (const { key, answer, attempts, timeouts } of ended) {
      expect(answer?.owner.id).toEqual(ownerOf(simulation, key))
      expect([attempts, timeouts]).toEqual([1, 0])
    }
    const mean = ended.reduce((sum, { hops }) => sum + hops, 0) / ended.length
    expect(mean).toBeGreaterThan(2)
    expect(mean).toBeLessThan(5)
  })

  it('finds it also when a fifth of the nodes have just died, and without retries says why not', () => {
    const simulation = ideal(200, { upkeep: false })
    for (let i = 0; i < 40; i++) simulation.crash(`n${i}`)
    const ended = ask(simulation, 200, { route })
    for (const { key, answer } of ended) expect(answer?.owner.id).toEqual(ownerOf(simulation, key))
    expect(ended.some(({ attempts }) => attempts > 1 || route === 'iterative')).toBe(true)
    expect(ended.some(({ timeouts }) => timeouts > 0)).toBe(true)
  })

  it('survives loss, and ends at its deadline when nobody can be reached', () => {
    const simulation = ideal(64, { conditions: { lossPercent: 5 } })
    for (const { answer } of ask(simulation, 200, { route })) expect(answer).toBeDefined()
    simulation.conditions({ lossPercent: 100 })
    const lost = ask(simulation, 50, { route, timeoutMs: 2_000 }).filter(({ answer }) => answer === undefined)
    expect(lost.length).toBeGreaterThan(30)
    for (const { startMs, endMs } of lost) expect(endMs - startMs).toBeLessThanOrEqual(2_000)
  })
})

it('adds nothing to the upkeep of the ring but the question whether the silent live', () => {
  const upkeep = (lookups: number) => {
    const simulation = ideal(20)
    const sent = new Map<string, number>()
    simulation.observe({ sent: ({ message: { type } }) => void sent.set(type, (sent.get(type) ?? 0) + 1) })
    ask(simulation, lookups)
    return (type: string) => sent.get(type) ?? 0
  }
  const [idle, busy] = [upkeep(0), upkeep(100)]
  expect([busy('getNeighbors'), busy('notify')]).toEqual([idle('getNeighbors'), idle('notify')])
  expect(busy('pong')).toBe(busy('ping'))
  // Each look-up hands a frame to a few others.
  expect(busy('ping') - idle('ping')).toBeLessThan(500)
})
