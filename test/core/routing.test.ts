/** That it is Chord: path lengths as in the paper, on rings whose fingers the nodes have found by themselves. */
import { describe, expect, it } from 'vitest'
import type { ChordNode } from '../../src/core/chord-node.ts'
import type { Id } from '../../src/core/id.ts'
import { route } from '../../src/core/router.ts'
import { Simulation } from '../../src/sim/simulation.ts'
import { IdealRing } from './ideal.ts'
import { formed, joined, nodesOf, randomId } from './ring.ts'

const KEYS = 20

function warmRing(seed: number, nodes: number, successors: number): Simulation {
  const ring = formed(seed, nodes, { successors, fingersMaxMs: 4000 })
  ring.run(15_000)
  return ring
}

/** Follows a frame from node to node; checks that it ends at the owner. */
function hopsTo(nodes: ReadonlyMap<string, ChordNode>, start: ChordNode, key: Id): number {
  let node = start
  let final = false
  let finalSteps = 0
  for (let hops = 0; hops < 64; hops++) {
    const decision = route([node], key, final, finalSteps, 0)
    if (decision.kind === 'deliver') {
      expect(node.owns(key)).toBe(true)
      return hops
    }
    if (decision.kind !== 'forward') throw new Error(`${decision.kind} at ${node.self.id}`)
    final = decision.final
    finalSteps = decision.finalSteps
    node = nodes.get(decision.to.address) as ChordNode
  }
  throw new Error(`a frame for ${key} goes in circles`)
}

/** Mean hops over every node and `KEYS` keys each, of the real ring and of the ideal one. */
function measure(ring: Simulation, successors: number): { mean: number; ideal: number; toPredecessor: number } {
  const nodes = new Map(nodesOf(ring).map((node) => [node.self.address, node]))
  const ideal = new IdealRing(
    [...nodes.values()].map((node) => big(node.self.id)),
    successors,
  )
  let sum = 0
  let idealSum = 0
  let toPredecessor = 0
  const random = ring.stream('keys')
  for (const node of nodes.values()) {
    for (let i = 0; i < KEYS; i++) {
      const key = randomId(random)
      const hops = hopsTo(nodes, node, key)
      sum += hops
      // The last hop is the one from the key's predecessor; a key of one's own has no path.
      toPredecessor += Math.max(0, hops - 1)
      idealSum += ideal.hops(big(node.self.id), big(key))
    }
  }
  const count = nodes.size * KEYS
  return { mean: sum / count, ideal: idealSum / count, toPredecessor: toPredecessor / count }
}

const big = (id: Id) => BigInt(`0x${id}`)

describe('path length', () => {
  it.each([32, 64])('of %d nodes with one successor is within 15 % of half the logarithm', (nodes) => {
    let sum = 0
    const seeds = [1, 2, 3]
    for (const seed of seeds) sum += measure(warmRing(seed, nodes, 1), 1).toPredecessor
    const expected = 0.5 * Math.log2(nodes)
    const mean = sum / seeds.length
    expect(Math.abs(mean / expected - 1)).toBeLessThan(0.15)
  })

  it.each([1, 8])('with lists of %d is within 5 % of an ideal ring with the same ids', (successors) => {
    const { mean, ideal } = measure(warmRing(4, 64, successors), successors)
    expect(Math.abs(mean / ideal - 1)).toBeLessThan(0.05)
  })

  it('is not bought with a full mesh', () => {
    const ring = warmRing(5, 64, 8)
    for (const node of nodesOf(ring)) {
      expect(node.routingAddresses().size).toBeLessThanOrEqual(2 * (Math.log2(64) + 8))
    }
  })
})

describe('a process with many virtual nodes', () => {
  it('routes by all of them, and ends at the owner', () => {
    const ring = new Simulation({ seed: 6 })
    const random = ring.stream('ids')
    for (let process = 0; process < 8; process++) {
      const ids = Array.from({ length: 4 }, () => randomId(random))
      ring.start({ address: `p${process}`, ids, ...(process > 0 && { via: 'p0' }) })
    }
    ring.settle(20_000)
    ring.run(10_000)
    for (const node of nodesOf(ring)) {
      const distinct = new Set(node.successors.map((peer) => peer.address).filter((a) => a !== node.self.address))
      expect(distinct.size).toBe(7)
    }
    for (let i = 0; i < 500; i++) {
      const key = randomId(random)
      let address = `p${random.below(8)}`
      let final = false
      for (let hops = 0; ; hops++) {
        const decision = route(
          ring.at(address).map(({ node }) => node),
          key,
          final,
          0,
          0,
        )
        if (decision.kind === 'deliver') break
        expect(decision.kind).toBe('forward')
        expect(hops).toBeLessThan(4)
        if (decision.kind !== 'forward') break
        address = decision.to.address
        final = decision.final
      }
    }
  })
})

describe('upkeep of an idle ring', () => {
  it('is less than 6 messages a second and node, and no node does much more than others', () => {
    const ring = warmRing(7, 64, 8)
    const idle = joined(7, 64)
    idle.settle(20_000)
    idle.run(60_000)
    const received = new Map<string, number>()
    idle.observe({ landed: ({ to }) => void received.set(to.address, (received.get(to.address) ?? 0) + 1) })
    idle.run(30_000)
    const perSecond = [...received.values()].map((count) => count / 30)
    expect(perSecond.reduce((a, b) => a + b, 0) / 64).toBeLessThan(6)
    expect(Math.max(...perSecond)).toBeLessThan(15)
    expect(ring.flaws()).toEqual([])
  })
})
