/** Calls that go out twice for being late. */
import { describe, expect, it } from 'vitest'
import { decide } from '../../src/core/router.ts'
import { type Caller, type ChordNode, Id, type MessageType, raw } from '../../src/index.ts'
import { coresOf } from '../../src/runtime/node.ts'
import { Percentile } from '../../src/runtime/percentile.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }
const BYTE = new Uint8Array(1)
const WARM = 60
const SLOW_MS = 150

/** The same numbers at every run. */
function* uniform(): Generator<number, never> {
  for (let x = 1; ; x = (x * 48_271) % 2_147_483_647) yield x / 2_147_483_647
}

describe('the 95th percentile', () => {
  it('is not known before twenty times are', () => {
    const times = new Percentile()
    for (let i = 1; i < 20; i++) times.add(i)
    expect(times.ms).toBeUndefined()
    times.add(1)
    expect(times.ms).toBe(19)
  })

  it('comes near, and follows when times change', () => {
    const times = new Percentile()
    const numbers = uniform()
    const add = (scale: number) => {
      for (let i = 0; i < 2_000; i++) times.add(scale * numbers.next().value)
    }
    for (const scale of [1, 100, 5]) {
      add(scale)
      expect(times.ms! / scale).toBeGreaterThan(0.8)
      expect(times.ms! / scale).toBeLessThan(1.2)
    }
  })

  it('stays where it belongs though nobody waits for what is above', () => {
    const times = new Percentile()
    const numbers = uniform()
    for (let i = 0; i < 5_000; i++) {
      const ms = 10 * numbers.next().value
      if (ms > (times.ms ?? 10)) times.addAbove()
      else times.add(ms)
    }
    expect(times.ms).toBeGreaterThan(8)
    expect(times.ms).toBeLessThan(12)
  })

  it('finds up again from nothing', () => {
    const times = new Percentile()
    for (let i = 0; i < 5_000; i++) times.add(0)
    for (let i = 0; i < 100; i++) times.add(10)
    expect(times.ms).toBeGreaterThan(5)
  })
})

/** Of few connections, with nothing remembered, so that calls are routed; every frame takes a millisecond. */
async function ringOf(hedgePercent: number): Promise<{ ring: SimulatedRing; asker: ChordNode }> {
  const ring = new SimulatedRing({ delayMinMs: 1, delayMaxMs: 1 })
  const limits = { cachedRanges: 0, hedgePercent }
  const [asker] = await ring.grow(12, { successors: 2, limits }, (node) => node.handle(ECHO, ({ body }) => body))
  await ring.run(20_000)
  return { ring, asker: asker! }
}

/** One for which the first step is not the last one. */
function farKey(node: ChordNode): { key: string; hop: string } {
  for (let i = 0; ; i++) {
    const decision = decide(coresOf(node), Id.hash(`far-${i}`), false, 0, 0)
    if (decision.kind === 'forward' && !decision.final) return { key: `far-${i}`, hop: decision.to.address }
  }
}

async function took(ring: SimulatedRing, call: () => Promise<unknown>): Promise<number> {
  const { clock } = ring.network
  const startMs = clock.nowMs()
  await ring.settle(call())
  return clock.nowMs() - startMs
}

const CALLS: readonly [string, (caller: Caller, key: string) => Promise<unknown>][] = [
  ['a look-up', (caller, key) => caller.lookup(key)],
  ['an idempotent request', (caller, key) => caller.request(key, ECHO, BYTE, { idempotent: true })],
]

describe.each(CALLS)('%s', (_, call) => {
  const warm = async (ring: SimulatedRing, caller: Caller) => {
    for (let i = 0; i < WARM; i++) await ring.settle(call(caller, `warm-${i}`))
  }

  it('goes another way when the first one is slow', async () => {
    const { ring, asker } = await ringOf(5)
    await warm(ring, asker)
    const { key, hop } = farKey(asker)
    const before = asker.metrics().calls
    ring.slow(asker.address, hop, { kind: 'constant', ms: SLOW_MS })
    expect(await took(ring, () => call(asker, key))).toBeLessThan(SLOW_MS / 2)
    const { hedged, hedgesWon, retried } = asker.metrics().calls
    expect([hedged - before.hedged, hedgesWon - before.hedgesWon, retried - before.retried]).toEqual([1, 1, 0])
    // What is still on the slow way changes nothing.
    await ring.run(2 * SLOW_MS)
    expect(asker.metrics().calls.pending).toBe(0)
  })

  it('waits where nothing may go twice', async () => {
    const { ring, asker } = await ringOf(0)
    await warm(ring, asker)
    const { key, hop } = farKey(asker)
    ring.slow(asker.address, hop, { kind: 'constant', ms: SLOW_MS })
    // Then it is tried again for having timed out.
    expect(await took(ring, () => call(asker, key))).toBeGreaterThan(90)
    expect(asker.metrics().calls.hedged).toBe(0)
  })

  it('goes twice only while there is credit', async () => {
    const { ring, asker } = await ringOf(5)
    await warm(ring, asker)
    const before = asker.metrics().calls
    for (const node of ring.nodes) {
      if (node !== asker) ring.slow(asker.address, node.address, { kind: 'constant', ms: 40 })
    }
    const calls = Array.from({ length: 400 }, (_, i) => call(asker, `late-${i}`))
    await ring.settle(Promise.all(calls))
    const hedged = asker.metrics().calls.hedged - before.hedged
    expect(hedged).toBeGreaterThan(0)
    expect(hedged).toBeLessThanOrEqual(10 + 0.05 * (WARM + 400))
  })

  it('of a client goes by another entry hop', async () => {
    const { ring, asker } = await ringOf(5)
    const [, other] = ring.nodes
    const client = await ring.client({ to: [asker.address, other!.address] })
    await ring.run(100)
    await warm(ring, client)
    for (const { address } of ring.nodes) {
      if (address !== asker.address) ring.slow(asker.address, address, { kind: 'constant', ms: SLOW_MS })
    }
    for (let i = 0; i < 4; i++) expect(await took(ring, () => call(client, `far-${i}`))).toBeLessThan(SLOW_MS)
  })
})

it('what is asked twice is handled once', async () => {
  const { ring, asker } = await ringOf(5)
  let handled = 0
  for (const node of ring.nodes) {
    node.handle({ name: 'count', request: raw, reply: raw }, ({ body }) => {
      handled++
      return body
    })
  }
  const count = { name: 'count', request: raw, reply: raw }
  for (let i = 0; i < WARM; i++) await ring.settle(asker.request(`warm-${i}`, count, BYTE, { idempotent: true }))
  const { key, hop } = farKey(asker)
  ring.slow(asker.address, hop, { kind: 'constant', ms: 60 })
  handled = 0
  await ring.settle(asker.request(key, count, BYTE, { idempotent: true }))
  await ring.run(500)
  expect(asker.metrics().calls.hedgesWon).toBeGreaterThan(0)
  expect(handled).toBe(1)
})
