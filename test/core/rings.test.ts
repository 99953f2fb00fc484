/** Rings that are wrong, big, or late: what rule 8 and the join make of them, and how soon. */
import { describe, expect, it } from 'vitest'
import type { ChordNode } from '../../src/core/chord-node.ts'
import type { Id } from '../../src/core/id.ts'
import { type Placement, randomId, SimRing, smallId } from './sim-ring.ts'

/** Each follows the next of `order`, and remembers only those that it lists. */
function wound(order: readonly Id[], list: number): Placement[] {
  return order.map((id, index) => {
    const at = (offset: number) => order[(index + offset + order.length) % order.length] as Id
    const successors = Array.from({ length: Math.min(list, order.length - 1) }, (_, i) => at(i + 1))
    return { id, successors, predecessor: at(-1), remembered: [...successors, at(-1)] }
  })
}

describe('rule 8', () => {
  it.each([3, 4, 20, 50])('unwinds a ring of twice %d nodes that goes round twice', (half) => {
    const ring = new SimRing(half)
    const ids = Array.from({ length: 2 * half }, (_, i) => smallId(i))
    const order = [...ids.filter((_, i) => i % 2 === 0), ...ids.filter((_, i) => i % 2 === 1)]
    ring.place(wound(order, half === 3 ? 2 : 8))
    expect(ring.flaws()).not.toEqual([])
    // Rounds of about five seconds.
    expect(ring.settle(30_000)).toBeLessThan(20_000)
  })

  it.each([6, 16, 64])('joins two rings of %d nodes in all, of which one node remembers one of the other', (size) => {
    const ring = new SimRing(size)
    const ids = Array.from({ length: size }, () => randomId(ring.random)).sort((a, b) => a.compare(b))
    const here = ids.filter((_, i) => i % 2 === 0)
    const there = ids.filter((_, i) => i % 2 === 1)
    ring.place(wound(here, 8))
    ring.place(wound(there, 8))
    const nodes = [...ring.live.values()]
    nodes[0]?.core.remembered.add((nodes.at(-1) as ChordNode).self, true)
    const healedMs = ring.settle(180_000)
    expect(healedMs).toBeLessThan(120_000)
    expect(ring.events.some(({ event }) => event.type === 'split')).toBe(true)
    ring.run(30_000)
    expect(ring.events.some(({ event }) => event.type === 'merged')).toBe(true)
    expect(ring.flaws()).toEqual([])
  })

  it('joins the halves of a ring of 32 that the network had parted for a minute', () => {
    const ring = formed(1, 32)
    ring.run(10_000)
    const half = new Set(
      ring
        .sorted()
        .slice(0, 16)
        .map((node) => node.self.address),
    )
    ring.filter = (from, to) => half.has(from) === half.has(to)
    ring.run(60_000)
    for (const node of ring.live.values()) {
      for (const peer of node.successors) expect(half.has(peer.address)).toBe(half.has(node.self.address))
    }
    ring.filter = () => true
    ring.settle(60_000)
  })
})

function formed(seed: number, nodes: number, successors = 8): SimRing {
  const ring = new SimRing(seed, { successors })
  const first = ring.add(randomId(ring.random))
  for (let i = 1; i < nodes; i++) ring.add(randomId(ring.random), first.self.address)
  ring.settle(20_000)
  return ring
}

describe('many at once', () => {
  it.each([1, 2, 3])('128 joiners through one contact are a right ring within a second (seed %d)', (seed) => {
    const ring = new SimRing(seed)
    const first = ring.add(randomId(ring.random))
    for (let i = 1; i < 128; i++) ring.add(randomId(ring.random), first.self.address)
    expect(ring.settle(5000, 10)).toBeLessThan(1000)
    expect(ring.messages).toBeLessThan(12_000)
  })

  it('16 processes with 8 virtual nodes each, likewise', () => {
    const ring = new SimRing(4)
    ring.add(randomId(ring.random), undefined, 'p0')
    for (let i = 1; i < 128; i++) ring.add(randomId(ring.random), 'p0', `p${i % 16}`)
    expect(ring.settle(5000, 10)).toBeLessThan(1000)
  })

  it.each([1, 2, 3, 4, 5, 6])(
    '4 of 16 killed are healed around within a second, also 4 neighbours (seed %d)',
    (seed) => {
      const ring = formed(seed, 16)
      ring.run(5000)
      const nodes = ring.sorted()
      const at = ring.random.below(16)
      const step = seed % 2 === 0 ? 1 : 3
      for (let i = 0; i < 4; i++) ring.kill(nodes[(at + i * step) % 16]?.self.address as string)
      expect(ring.settle(5000, 10)).toBeLessThan(1000)
    },
  )

  it.each([1, 2, 3, 4])('4 of 16 that vanish without a word within three (seed %d)', (seed) => {
    const ring = formed(seed, 16)
    ring.run(5000)
    ring.silentDeaths = true
    const nodes = ring.sorted()
    const at = ring.random.below(16)
    for (let i = 0; i < 4; i++) ring.kill(nodes[(at + i) % 16]?.self.address as string)
    expect(ring.settle(10_000, 10)).toBeLessThan(3000)
  })
})

describe('keys move no more than they must', () => {
  const ranges = (ring: SimRing, since: number) =>
    ring.events.slice(since).flatMap(({ address, event }) => (event.type === 'range' ? [{ address, ...event }] : []))

  it('not at all while nobody comes or goes', () => {
    const ring = formed(5, 32)
    const since = ring.events.length
    ring.run(300_000)
    expect(ranges(ring, since)).toEqual([])
  })

  it.each([1, 2, 8, 16])(
    'by one range between two neighbours when one joins or leaves, with lists of %d',
    (successors) => {
      const ring = formed(6, 24, successors)
      for (let i = 0; i < 20; i++) {
        ring.run(6000)
        const since = ring.events.length
        const leaver = i % 2 === 0 ? undefined : ring.sorted()[ring.random.below(ring.live.size)]
        const joiner = leaver ?? ring.add(randomId(ring.random), ring.sorted()[0]?.self.address)
        const next = ring.sorted()[(ring.sorted().indexOf(joiner) + 1) % ring.live.size]
        if (leaver !== undefined) ring.leave(leaver.self.address)
        ring.settle(3000, 10)
        const changes = ranges(ring, since)
        expect(changes.map(({ address }) => address).sort()).toEqual([joiner, next].map((n) => n?.self.address).sort())
        const [gainer] = changes.filter(({ gained }) => gained.length === 1)
        const [loser] = changes.filter(({ lost }) => lost.length === 1)
        expect(gainer?.gained).toEqual(loser?.lost)
        expect(gainer?.from?.address).toBe(loser?.address)
        expect(loser?.to?.address).toBe(gainer?.address)
      }
    },
  )
})

describe('an isolated node', () => {
  it('asks for ever, and not too often', () => {
    const ring = formed(7, 2)
    ring.kill(ring.sorted()[0]?.self.address as string)
    ring.run(1000)
    expect(ring.sorted()[0]?.status).toBe('isolated')
    const before = ring.messages
    ring.run(600_000)
    const sent = ring.messages - before
    expect(sent).toBeGreaterThan(30)
    expect(sent).toBeLessThan(600)
  })
})
