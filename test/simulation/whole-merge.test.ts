import { expect, test } from 'vitest'
import type { ChordNode } from '../../src/index.ts'
import { World } from '../../src/sim/index.ts'

const NODES = 12

/**
 * A node has seen another ring when it asked for its own place through somebody, and was told of a node that it does not
 * know, while its own neighbours had been the same for some time. Whoever has reports it, and later that it is over.
 */
test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
  'a partition of any shape heals into one ring, and whoever saw it says so: seed %d',
  async (seed) => {
    const world = new World({ seed })
    const sides = new Map<string, number>()
    const open = new Map<string, string[]>()
    let reports = 0
    const listen = (node: ChordNode) => {
      node.on('ring:split', ({ peer }) => {
        reports++
        expect(sides.get(peer.address)).not.toBe(sides.get(node.address))
        open.set(node.address, [...(open.get(node.address) ?? []), peer.address])
      })
      node.on('ring:merged', ({ peer }) => {
        const strangers = open.get(node.address) ?? []
        expect(strangers).toContain(peer.address)
        open.set(node.address, strangers.toSpliced(strangers.indexOf(peer.address), 1))
      })
    }
    await world.grow(NODES, {}, listen)
    await world.run(15_000)
    const groups: ChordNode[][] = Array.from({ length: 2 + (seed % 2) }, () => [])
    for (const node of world.nodes) {
      const side = world.random.below(groups.length)
      groups[side]!.push(node)
      sides.set(node.address, side)
    }
    world.partition(...groups)
    await world.run(40_000)
    expect(reports).toBe(0)
    await world.calm({ withinMs: 20_000, quietMs: 40_000 })
    expect(world.nodes.length).toBe(NODES)
    expect(reports).toBeGreaterThan(0)
    expect([...open.values()].flat()).toEqual([])
  },
)
