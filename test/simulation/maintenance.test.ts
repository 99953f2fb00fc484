/** What upkeep costs a node stays within its budget, whatever the ring's size and however many come and go. */
import { describe, expect, it } from 'vitest'
import { Upkeep } from '../../bench/maintenance/measure.mjs'
import {
  FINGER_BURST_MS,
  FINGER_QUESTION_MS,
  UPKEEP_CHURN_BYTES_PER_S,
  UPKEEP_IDLE_BYTES_PER_S,
} from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import { type Cost, type CostClass, MaintenanceCost } from '../../src/sim/cost.ts'
import { placeIdeal } from '../../src/sim/placement.ts'
import { streamOf } from '../../src/sim/random.ts'
import { Simulation } from '../../src/sim/simulation.ts'

const MODULES = { Simulation, placeIdeal, streamOf, MaintenanceCost, Id }

describe('an idle ring', () => {
  for (const nodes of [2, 16, 100]) {
    it(`of ${nodes} nodes is within the budget, its neighbors' part the same for all`, () => {
      const costs = new Upkeep(MODULES, { nodes }).measure(10, 20)
      expect(bytes(costs)).toBeLessThan(UPKEEP_IDLE_BYTES_PER_S)
      expect(costs.neighbors.messages).toBeLessThanOrEqual(2.6)
      expect(costs.joins.messages).toBe(0)
    })
  }

  it('grows with the square of the logarithm of its size, and would be within the budget with 4096 nodes', () => {
    const [small, large] = [16, 128].map((nodes) => {
      const { fingers, self, neighbors } = new Upkeep(MODULES, { nodes }).measure(5, 30)
      return { growing: fingers.bytes + self.bytes, constant: neighbors.bytes }
    })
    // log₂² of 16, 128 and 4096 is 16, 49 and 144.
    const slope = (large!.growing - small!.growing) / (49 - 16)
    expect(large!.constant + large!.growing + slope * (144 - 49)).toBeLessThan(UPKEEP_IDLE_BYTES_PER_S)
  })
})

describe('churn', () => {
  for (const nodes of [16, 64]) {
    it(`half of ${nodes} nodes are others after a minute: within the budget`, () => {
      const costs = new Upkeep(MODULES, { nodes, halfLife: 60 }).measure(20, 30)
      expect(bytes(costs)).toBeLessThan(UPKEEP_CHURN_BYTES_PER_S)
      expect(costs.joins.messages).toBeGreaterThan(0)
    })
  }

  it('fingers never ask faster than their budget, however fast the ring changes', () => {
    const { fingers, neighbors } = new Upkeep(MODULES, { nodes: 64, halfLife: 15 }).measure(20, 20)
    // Whoever has just joined asks a burst of questions; each is answered.
    const perNode = 1000 / FINGER_QUESTION_MS
    const burst = FINGER_BURST_MS / FINGER_QUESTION_MS
    const joinsPerNode = Math.LN2 / 15
    expect(fingers.messages).toBeLessThan(2 * (perNode + joinsPerNode * burst))
    expect(neighbors.messages).toBeGreaterThan(2.5)
  })
})

it('every message counts once, as what it is for', () => {
  const upkeep = new Upkeep(MODULES, { nodes: 16, halfLife: 30 })
  upkeep.simulation.run(20_000)
  const counted = Object.values(upkeep.cost.take()).reduce((sum, { messages }) => sum + messages, 0)
  expect(counted).toBe(upkeep.simulation.messages)
  expect(bytes(upkeep.cost.take())).toBe(0)
})

function bytes(costs: Readonly<Record<CostClass, Cost>>): number {
  return Object.values(costs).reduce((sum, cost) => sum + cost.bytes, 0)
}
