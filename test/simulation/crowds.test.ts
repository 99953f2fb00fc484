/** Very many join at once through the one node that is there. */
import { expect, test } from 'vitest'
import { Id } from '../../src/core/id.ts'
import { Simulation } from '../../src/sim/simulation.ts'

function crowd(nodes: number, o: { servicesMs?: number } = {}) {
  const simulation = new Simulation(o)
  const sent = new Map<string, number>()
  simulation.observe({
    sent: ({ message }) => void sent.set(message.type, (sent.get(message.type) ?? 0) + 1),
  })
  for (let i = 0; i < nodes; i++) {
    simulation.start({ address: `n${i}`, ids: [Id.hash(`node ${i}`)], ...(i > 0 && { via: 'n0' }) })
  }
  return { simulation, sent }
}

test('a crowd is in order soon, without more messages for each of a larger one', () => {
  const perNode = [100, 800].map((nodes) => {
    const { simulation } = crowd(nodes)
    expect(simulation.settle(1_500), `${nodes} nodes`).toBeLessThanOrEqual(1_500)
    return simulation.messages / nodes
  })
  expect(perNode[1]).toBeLessThan(3 * (perNode[0] as number))
})

test('grants to a crowd go out from many at once', () => {
  const nodes = 300
  const { simulation } = crowd(nodes, { servicesMs: 50 })
  // One after the other they would take at least as long as all services together.
  expect(simulation.settle(0.5 * nodes * 50)).toBeGreaterThan(50)
})

test('a claim ends at the next node, nearly always', () => {
  const nodes = 100
  const { simulation, sent } = crowd(nodes, { servicesMs: 60_000 })
  simulation.run(20_000)
  const rounds = 20_000 / simulation.config.stabilizeMaxMs
  expect(sent.get('claim')).toBeGreaterThan(nodes)
  expect(sent.get('claim')).toBeLessThan(2 * rounds * nodes)
})
