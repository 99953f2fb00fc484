/** What keys do when nodes do nothing, join, or leave. Asserted after a quiet period unless a test says otherwise. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ChordNode } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const KEYS = Array.from({ length: 400 }, (_, i) => `key-${i}`)

/** Owner of each key; throws unless there is exactly one. */
function placement(nodes: readonly ChordNode[]): Map<string, string> {
  const owners = new Map<string, string>()
  for (const key of KEYS) {
    const claims = nodes.flatMap((node) => node.owns(key) ?? [])
    expect(claims.map(String).length, `owners of ${key}`).toBe(1)
    owners.set(key, String(claims[0]!.id))
  }
  return owners
}

function moved(before: Map<string, string>, after: Map<string, string>): { from: Set<string>; to: Set<string> } {
  const from = new Set<string>()
  const to = new Set<string>()
  for (const key of KEYS) {
    if (before.get(key) === after.get(key)) continue
    from.add(before.get(key)!)
    to.add(after.get(key)!)
  }
  return { from, to }
}

const seeds = fc.integer({ min: 1, max: 1_000_000 })
const SMALL = { numRuns: 8 }

it('keeps every key where it is while no node comes or goes', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3 }), async (seed, count, v) => {
      const ring = new SimulatedRing({ seed })
      await ring.grow(count, { virtualNodes: v })
      let changes = 0
      for (const node of ring.nodes) node.on('range', () => changes++)
      const before = placement(ring.nodes)
      await ring.run(60_000)
      expect(placement(ring.nodes)).toEqual(before)
      expect(changes).toBe(0)
    }),
    SMALL,
  )
})

it('moves one range, from the successor, when a node joins', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.integer({ min: 1, max: 8 }), async (seed, count) => {
      const ring = new SimulatedRing({ seed })
      await ring.grow(count)
      const before = placement(ring.nodes)
      const lost: string[] = []
      for (const node of ring.nodes)
        node.on('range', (e) => lost.push(`${e.cause} ${e.lost.length} ${e.gained.length}`))
      const joined = await ring.start()
      await ring.run(3_000)
      const { from, to } = moved(before, placement(ring.nodes))
      expect([...to].every((id) => id === String(joined.members[0]!.id))).toBe(true)
      expect(from.size).toBeLessThanOrEqual(1)
      expect(lost).toEqual(['grant 1 0'])
    }),
    SMALL,
  )
})

it('moves one range, to the successor, when a node leaves', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.integer({ min: 2, max: 8 }), fc.nat(), async (seed, count, pick) => {
      const ring = new SimulatedRing({ seed })
      await ring.grow(count)
      const before = placement(ring.nodes)
      const leaver = ring.nodes[pick % count]!
      const id = String(leaver.members[0]!.id)
      const heir = String(leaver.members[0]!.successors[0]!.id)
      const gained: string[] = []
      for (const node of ring.nodes) {
        if (node !== leaver) node.on('range', (e) => gained.push(`${e.cause} ${e.lost.length} ${e.gained.length}`))
      }
      await ring.leave(leaver)
      await ring.run(3_000)
      const { from, to } = moved(before, placement(ring.nodes))
      expect([...from].every((one) => one === id)).toBe(true)
      expect([...to].every((one) => one === heir)).toBe(true)
      expect(gained).toEqual(['leave 0 1'])
    }),
    SMALL,
  )
})

it('gives the keys of a killed node to its successor and moves no other', async () => {
  await fc.assert(
    fc.asyncProperty(
      seeds,
      fc.integer({ min: 3, max: 8 }),
      fc.nat(),
      fc.boolean(),
      async (seed, count, pick, silent) => {
        const ring = new SimulatedRing({ seed })
        await ring.grow(count)
        const before = placement(ring.nodes)
        const victim = ring.nodes[pick % count]!
        const id = String(victim.members[0]!.id)
        const heir = String(victim.members[0]!.successors[0]!.id)
        ring.kill(victim, { silent })
        await ring.run(10_000)
        const { from, to } = moved(before, placement(ring.nodes))
        expect([...from].every((one) => one === id)).toBe(true)
        expect([...to].every((one) => one === heir)).toBe(true)
      },
    ),
    SMALL,
  )
})

it('orders the changes of a member by epoch', async () => {
  const ring = new SimulatedRing()
  const epochs = new Map<string, bigint[]>()
  const watch = (node: ChordNode) => {
    node.on('range', ({ member, epoch }) => {
      const list = epochs.get(String(member.id)) ?? []
      list.push(epoch)
      epochs.set(String(member.id), list)
    })
  }
  await ring.grow(6, { virtualNodes: 2 }, watch)
  await ring.leave(ring.nodes[2]!)
  ring.kill(ring.nodes[3]!)
  await ring.run(5_000)
  expect(epochs.size).toBe(12)
  for (const list of epochs.values()) expect(list).toEqual(list.map((_, i) => BigInt(i + 1)))
})
