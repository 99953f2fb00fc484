/** Rings that are wrong, big, or late: what rule 8 and the join make of them, and how soon. */
import { describe, expect, it } from 'vitest'
import type { ChordNode } from '../../src/core/chord-node.ts'
import type { Id } from '../../src/core/id.ts'
import type { CoreEvent } from '../../src/core/output.ts'
import type { Placement } from '../../src/sim/placement.ts'
import { Simulation } from '../../src/sim/simulation.ts'
import { add, formed, joined, nodesOf, randomId, smallId } from './ring.ts'

/** What the nodes say from now on. */
function eventsOf(ring: Simulation): { address: string; event: CoreEvent }[] {
  const events: { address: string; event: CoreEvent }[] = []
  ring.observe({ event: ({ node }, event) => void events.push({ address: node.self.address, event }) })
  return events
}

/** Each follows the next of `order`, and remembers only those that it lists. */
function wound(order: readonly Id[], list: number): Placement[] {
  return order.map((id, index) => {
    const at = (offset: number) => order[(index + offset + order.length) % order.length] as Id
    const successors = Array.from({ length: Math.min(list, order.length - 1) }, (_, i) => at(i + 1))
    return { id, address: `n${id}`, successors, predecessor: at(-1), remembered: [...successors, at(-1)] }
  })
}

describe('rule 8', () => {
  it.each([3, 4, 20, 50])('unwinds a ring of twice %d nodes that goes round twice', (half) => {
    const ring = new Simulation({ seed: half, config: { successors: half === 3 ? 2 : 8 } })
    const ids = Array.from({ length: 2 * half }, (_, i) => smallId(i))
    const order = [...ids.filter((_, i) => i % 2 === 0), ...ids.filter((_, i) => i % 2 === 1)]
    ring.place(wound(order, half === 3 ? 2 : 8))
    expect(ring.flaws()).not.toEqual([])
    // Rounds of about five seconds.
    expect(ring.settle(30_000)).toBeLessThan(20_000)
  })

  it.each([6, 16, 64])('joins two rings of %d nodes in all, of which one node remembers one of the other', (size) => {
    const ring = new Simulation({ seed: size })
    const events = eventsOf(ring)
    const random = ring.stream('ids')
    const ids = Array.from({ length: size }, () => randomId(random)).sort((a, b) => a.compare(b))
    const here = ids.filter((_, i) => i % 2 === 0)
    const there = ids.filter((_, i) => i % 2 === 1)
    ring.place(wound(here, 8))
    ring.place(wound(there, 8))
    const nodes = [...ring.members()].map(({ node }) => node)
    nodes[0]?.core.remembered.add((nodes.at(-1) as ChordNode).self, true)
    const healedMs = ring.settle(180_000)
    expect(healedMs).toBeLessThan(120_000)
    expect(events.some(({ event }) => event.type === 'split')).toBe(true)
    ring.run(30_000)
    expect(events.some(({ event }) => event.type === 'merged')).toBe(true)
    expect(ring.flaws()).toEqual([])
  })

  it('joins the halves of a ring of 32 that the network had parted for a minute', () => {
    const ring = formed(1, 32)
    ring.run(10_000)
    const half = new Set(
      nodesOf(ring)
        .slice(0, 16)
        .map((node) => node.self.address),
    )
    ring.cut([half])
    ring.run(60_000)
    for (const node of nodesOf(ring)) {
      for (const peer of node.successors) expect(half.has(peer.address)).toBe(half.has(node.self.address))
    }
    ring.mend()
    ring.settle(60_000)
  })
})

describe('many at once', () => {
  it.each([1, 2, 3])('128 joiners through one contact are a right ring within two seconds (seed %d)', (seed) => {
    const ring = joined(seed, 128)
    expect(ring.settle(5000, 10)).toBeLessThan(2000)
    expect(ring.messages).toBeLessThan(12_000)
  })

  it('16 processes with 8 virtual nodes each, likewise', () => {
    const ring = new Simulation({ seed: 4 })
    const random = ring.stream('ids')
    const ids = () => Array.from({ length: 8 }, () => randomId(random))
    ring.start({ address: 'p0', ids: ids() })
    for (let i = 1; i < 16; i++) ring.start({ address: `p${i}`, ids: ids(), via: 'p0' })
    expect(ring.settle(5000, 10)).toBeLessThan(1000)
  })

  it.each([1, 2, 3, 4, 5, 6])(
    '4 of 16 killed are healed around within a second, also 4 neighbours (seed %d)',
    (seed) => {
      const ring = formed(seed, 16)
      ring.run(5000)
      const nodes = nodesOf(ring)
      const at = ring.stream('victims').below(16)
      const step = seed % 2 === 0 ? 1 : 3
      for (let i = 0; i < 4; i++) ring.crash(nodes[(at + i * step) % 16]?.self.address as string)
      expect(ring.settle(5000, 10)).toBeLessThan(1000)
    },
  )

  it.each([1, 2, 3, 4])('4 of 16 that vanish without a word within three (seed %d)', (seed) => {
    const ring = formed(seed, 16)
    ring.run(5000)
    const nodes = nodesOf(ring)
    const at = ring.stream('victims').below(16)
    for (let i = 0; i < 4; i++) ring.vanish(nodes[(at + i) % 16]?.self.address as string)
    expect(ring.settle(10_000, 10)).toBeLessThan(3000)
  })
})

describe('keys move no more than they must', () => {
  const rangesOf = (events: ReturnType<typeof eventsOf>) =>
    events.flatMap(({ address, event }) => (event.type === 'range' ? [{ address, ...event }] : []))

  it('not at all while nobody comes or goes', () => {
    const ring = formed(5, 32)
    const events = eventsOf(ring)
    ring.run(300_000)
    expect(rangesOf(events)).toEqual([])
  })

  it.each([1, 2, 8, 16])(
    'by one range between two neighbours when one joins or leaves, with lists of %d',
    (successors) => {
      const ring = formed(6, 24, { successors })
      const events = eventsOf(ring)
      const random = ring.stream('churn')
      for (let i = 0; i < 20; i++) {
        ring.run(6000)
        events.length = 0
        const before = nodesOf(ring)
        const leaver = i % 2 === 0 ? undefined : before[random.below(before.length)]
        const joiner = leaver ?? add(ring, randomId(random), before[0]?.self.address)
        const nodes = nodesOf(ring)
        const next = nodes[(nodes.indexOf(joiner) + 1) % nodes.length]
        if (leaver !== undefined) ring.leave(leaver.self.address)
        ring.settle(3000, 10)
        const changes = rangesOf(events)
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
    ring.crash(nodesOf(ring)[0]?.self.address as string)
    ring.run(1000)
    expect(nodesOf(ring)[0]?.status).toBe('isolated')
    const before = ring.messages
    ring.run(600_000)
    const sent = ring.messages - before
    expect(sent).toBeGreaterThan(30)
    expect(sent).toBeLessThan(600)
  })
})
