/** Keys whose owner is remembered go straight there; and whatever has changed since, every answer is the owner's. */
import { describe, expect, it } from 'vitest'
import { type ChordNode, Id, type MessageType, type Owner, raw } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }
const KEYS = Array.from({ length: 120 }, (_, i) => `key-${i}`)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytes = (of: string) => new TextEncoder().encode(of)

/** How often each body has been handled, over all nodes. */
type Handled = Map<string, number>

/** Answers with who has answered. */
function serve(node: ChordNode, handled: Handled = new Map()): void {
  node.handle(ECHO, ({ body }) => {
    handled.set(text(body), (handled.get(text(body)) ?? 0) + 1)
    return bytes(node.address)
  })
}

function lookUp(ring: SimulatedRing, node: ChordNode, keys = KEYS): Promise<Owner[]> {
  return ring.settle(Promise.all(keys.map((key) => node.lookup(key))))
}

function ownerOf(ring: SimulatedRing, key: string): string {
  return ring.owners(key)[0]!.address
}

function forwarded(ring: SimulatedRing): number {
  return ring.nodes.reduce((sum, node) => sum + node.metrics().routed.forwarded, 0)
}

/** Each node asks for all keys until it has a connection to whom it remembers. */
async function warm(ring: SimulatedRing, nodes: readonly ChordNode[] = ring.nodes): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const node of nodes) {
      await lookUp(ring, node)
      await ring.run(20)
    }
  }
}

describe.each([8, 32])('in a ring of %s', (size) => {
  it('look-ups and messages come to take one hop', async () => {
    const ring = new SimulatedRing()
    const nodes = await ring.grow(size, { successors: 2 }, serve)
    const [a, b] = nodes as [ChordNode, ChordNode]
    const first = await lookUp(ring, a)
    expect(Math.max(...first.map(({ hops }) => hops))).toBeGreaterThan(1)
    // Messages teach as much as look-ups do.
    for (let round = 0; round < 2; round++) {
      for (const key of KEYS) await ring.settle(b.request(key, ECHO, bytes(key)))
    }
    await warm(ring, [a])
    const before = forwarded(ring)
    for (const node of [a, b]) {
      const found = await lookUp(ring, node)
      expect(Math.max(...found.map(({ hops }) => hops))).toBe(1)
      expect(found.map(({ owner }) => owner.address)).toEqual(KEYS.map((key) => ownerOf(ring, key)))
      const answers = await ring.settle(Promise.all(KEYS.map((key) => node.request(key, ECHO, bytes(key)))))
      expect(answers.map(text)).toEqual(KEYS.map((key) => ownerOf(ring, key)))
      await ring.settle(node.send(KEYS[0]!, ECHO, bytes('x')))
      const { cached, hits, misses, stale } = node.metrics().ranges
      expect([cached > 0, hits > KEYS.length, misses < hits, stale]).toEqual([true, true, true, 0])
    }
    expect(forwarded(ring)).toBe(before)
  })
})

it('whoever passes a frame on goes by what it remembers, unless it is told not to', async () => {
  const ring = new SimulatedRing()
  const [plain] = (await ring.grow(1, { successors: 1, limits: { cachedRanges: 0 } }, serve)) as [ChordNode]
  const others = await ring.grow(15, { successors: 1 }, serve)
  const before = await lookUp(ring, plain)
  expect(Math.max(...before.map(({ hops }) => hops))).toBeGreaterThan(2)
  await warm(ring, others)
  const after = await lookUp(ring, plain)
  expect(Math.max(...after.map(({ hops }) => hops))).toBe(2)
  expect(plain.metrics().ranges).toMatchObject({ cached: 0, hits: 0 })
})

it('what is remembered is told at once, and nothing else', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(8, { successors: 2 })
  const client = await ring.client()
  for (const caller of [nodes[0]!, client]) {
    await expect(ring.settle(caller.lookup('some key', { cached: true }))).rejects.toMatchObject({
      code: 'ERR_NOT_CACHED',
    })
    const asked = await ring.settle(caller.lookup('some key'))
    const known = await caller.lookup('some key', { cached: true })
    expect(known).toMatchObject({ owner: asked.owner, range: asked.range, epoch: asked.epoch, hops: 0 })
  }
  await ring.run(80_000)
  await expect(ring.settle(client.lookup('some key', { cached: true }))).rejects.toMatchObject({
    code: 'ERR_NOT_CACHED',
  })
})

describe('under load, with all remembered,', () => {
  const NAMES = { successors: 4 }

  async function change(
    what: (ring: SimulatedRing, nodes: ChordNode[]) => Promise<unknown>,
  ): Promise<{ results: string[]; handled: Handled; ring: SimulatedRing }> {
    const ring = new SimulatedRing()
    const handled: Handled = new Map()
    const setUp = (node: ChordNode) => serve(node, handled)
    const nodes = await ring.grow(8, NAMES, setUp)
    await warm(ring)
    const callers = nodes.slice(0, 4)
    const calls: Promise<string>[] = []
    let isOver = false
    const load = async () => {
      for (let n = 0; !isOver; n++) {
        for (const caller of callers) {
          const body = bytes(`${caller.address} ${n}`)
          const call = caller.request(KEYS[n % KEYS.length]!, ECHO, body, { timeoutMs: 9_000 })
          calls.push(
            call.then(
              () => 'ok',
              (error) => error.code,
            ),
          )
        }
        await new Promise<void>((resolve) => ring.network.clock.setTimer(5, resolve))
      }
    }
    const loading = load()
    await what(ring, nodes)
    await ring.run(1_500)
    isOver = true
    await ring.settle(loading)
    const results = await ring.settle(Promise.all(calls))
    await ring.calm()
    await warm(ring, ring.nodes)
    for (const node of ring.nodes) {
      const found = await lookUp(ring, node)
      expect(found.map(({ owner }) => owner.address)).toEqual(KEYS.map((key) => ownerOf(ring, key)))
      expect(Math.max(...found.map(({ hops }) => hops))).toBe(1)
    }
    return { results, handled, ring }
  }

  it('joins and leaves lose nothing and repeat nothing', async () => {
    const { results, handled } = await change(async (ring, nodes) => {
      for (let i = 0; i < 3; i++) {
        // Their answers count as those of the others do.
        await ring.start(NAMES, (node) => serve(node))
        await ring.run(200)
      }
      for (const node of nodes.slice(5)) {
        await ring.leave(node)
        await ring.run(200)
      }
    })
    expect(new Set(results)).toEqual(new Set(['ok']))
    expect(Math.max(...handled.values())).toBe(1)
  })

  it('a crash costs what was on its way to the dead, and nothing is repeated', async () => {
    const { results, handled } = await change(async (ring, nodes) => {
      ring.kill(nodes[6]!)
      await ring.run(1_000)
      ring.kill(nodes[7]!)
    })
    const bad = results.filter((result) => result !== 'ok')
    expect(bad.filter((result) => result !== 'ERR_OUTCOME_UNKNOWN')).toEqual([])
    expect(bad.length).toBeLessThan(20)
    expect(Math.max(...handled.values())).toBe(1)
  })

  it('a machine that vanishes is asked for no longer than it takes to notice', async () => {
    const { results, handled } = await change(async (ring, nodes) => {
      ring.vanish(nodes[6]!)
      await ring.run(6_000)
    })
    expect(new Set(results)).toEqual(new Set(['ok', 'ERR_OUTCOME_UNKNOWN']))
    expect(Math.max(...handled.values())).toBe(1)
  })

  it('a restarted process is another one', async () => {
    const { results, handled } = await change(async (ring, nodes) => {
      await ring.restart(nodes[6]!)
      await ring.run(300)
      await ring.restart(nodes[7]!, 'lost')
    })
    const bad = new Set(results.filter((result) => result !== 'ok'))
    expect([...bad].filter((code) => code !== 'ERR_OUTCOME_UNKNOWN' && code !== 'ERR_NO_HANDLER')).toEqual([])
    expect(Math.max(...handled.values())).toBe(1)
  })
})

it('however far off, the owner is found: what cannot be settled is asked anew by the long way', async () => {
  // The first two far apart, the others between them, each before all that came earlier.
  const place = (n: number) => (n === 0 ? 1 : n === 1 ? 0xf000 : 0xf000 - 256 * n)
  const ring = new SimulatedRing({
    idOf: (address) => new Id(place(Number(address.split(':')[0]!.split('.')[3])) << 15, 0, 0, 0, 0),
  })
  const handled: Handled = new Map()
  const setUp = (node: ChordNode) => serve(node, handled)
  const timing = { cachedMs: 3_600_000, idleMs: 3_600_000 }
  const [a, b] = (await ring.grow(2, { timing }, setUp)) as [ChordNode, ChordNode]
  const key = new Id(2 << 15, 0, 0, 0, 0)
  const { owner } = await ring.settle(a.lookup(key))
  expect(owner.address).toBe(b.address)
  const others = await ring.grow(14, {}, setUp)
  expect((await a.lookup(key, { cached: true })).owner).toEqual(owner)
  const answer = await ring.settle(a.request(key, ECHO, bytes('x')))
  expect(text(answer)).toBe(others.at(-1)!.address)
  expect(handled.get('x')).toBe(1)
  expect(a.metrics()).toMatchObject({ ranges: { stale: 1 }, calls: { retried: 1 } })
  // Nothing new is told to who knew it: the retry went to the first successor.
  await expect(a.lookup(key, { cached: true })).rejects.toMatchObject({ code: 'ERR_NOT_CACHED' })
})
