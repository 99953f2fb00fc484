import { describe, expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { Observer } from '../../src/sim/observer.ts'
import { streamOf } from '../../src/sim/random.ts'
import { Simulation, type SimulationOptions } from '../../src/sim/simulation.ts'

const id = (n: number) => Id.hash(`node ${n}`)

/** A ring of so many processes, settled. */
function ring(nodes: number, o: SimulationOptions = {}): Simulation {
  const simulation = new Simulation(o)
  for (let i = 0; i < nodes; i++) {
    simulation.start({ address: `n${i}`, ids: [id(i)], ...(i > 0 && { via: 'n0' }) })
  }
  simulation.settle(20_000)
  return simulation
}

describe('a simulated ring', () => {
  it.each([1, 2, 3, 32])('of %d nodes becomes ideal', (nodes) => {
    expect(ring(nodes).flaws()).toEqual([])
  })

  it('of processes with several virtual nodes becomes ideal', () => {
    const simulation = new Simulation()
    for (let i = 0; i < 8; i++) {
      const ids = Array.from({ length: 4 }, (_, index) => id(10 * i + index))
      simulation.start({ address: `n${i}`, ids, ...(i > 0 && { via: 'n0' }) })
    }
    simulation.settle(20_000)
    expect(simulation.sorted()).toHaveLength(32)
  })

  it('heals after crashes and disappearances, and knows those who start again', () => {
    const simulation = ring(16)
    simulation.run(5_000)
    simulation.crash('n3')
    simulation.vanish('n5')
    simulation.settle(10_000)
    simulation.restart('n3', { memory: 'kept' })
    simulation.restart('n5', { memory: 'lost' })
    simulation.settle(10_000)
    expect(simulation.sorted()).toHaveLength(16)
  })

  it('lets neighbors leave at once', () => {
    const simulation = ring(12)
    const [a, b, c] = simulation.sorted().map(({ process }) => process.address) as [string, string, string]
    for (const address of [a, b, c]) simulation.leave(address)
    simulation.run(200)
    expect([a, b, c].map((address) => simulation.isAlive(address))).toEqual([false, false, false])
    simulation.settle(5_000)
  })
})

describe('a seed', () => {
  const history = (seed: number) => {
    const lines: string[] = []
    const observer: Observer = {
      sent: (flight) =>
        void lines.push(`${flight.atMs} ${flight.from.address} ${flight.to.address} ${flight.message.type}`),
    }
    const simulation = new Simulation({ seed, conditions: { lossPercent: 2, duplicatePercent: 2, reorderPercent: 20 } })
    simulation.observe(observer)
    for (let i = 0; i < 6; i++) simulation.start({ address: `n${i}`, ids: [id(i)], ...(i > 0 && { via: 'n0' }) })
    simulation.run(10_000)
    return lines.join('\n')
  }

  it('gives the same run again, and another seed another', () => {
    expect(history(1)).toBe(history(1))
    expect(history(1)).not.toBe(history(2))
  })

  it('splits into streams that do not disturb each other', () => {
    const parent = streamOf(7)
    const before = parent.split('link', 'a', 'b').nextUint32()
    parent.nextUint32()
    expect(parent.split('link', 'a', 'b').nextUint32()).toBe(before)
    expect(parent.split('link', 'b', 'a').nextUint32()).not.toBe(before)
  })
})
