/** Calls that wait: for slow handlers, for connections, for room, for who has died. */
import { expect, it } from 'vitest'
import { type ChordNode, type MessageType, type Result, raw } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const SLOW: MessageType<Uint8Array, Uint8Array> = { name: 'slow', request: raw, reply: raw }
const NOTE: MessageType<Uint8Array, Uint8Array> = { name: 'note', request: raw, reply: raw }
const BYTE = new Uint8Array(1)

function slow(ring: SimulatedRing, ms: number): (node: ChordNode) => void {
  return (node) => {
    node.handle(SLOW, async ({ body }) => {
      await new Promise<void>((resolve) => ring.network.clock.setTimer(ms, resolve))
      return body
    })
  }
}

function foreignKey(node: ChordNode): string {
  for (let i = 0; ; i++) if (node.owns(`key-${i}`) === undefined) return `key-${i}`
}

it('an answer finds its way though it takes longer than connections may be idle', async () => {
  const ring = new SimulatedRing()
  const timing = { idleMs: 500 }
  const nodes = await ring.grow(4, { timing, successors: 1 }, slow(ring, 8_000))
  const client = await ring.client({ timing })
  const wait = { timeoutMs: 20_000 }
  for (const caller of [nodes[0]!, client]) {
    const asked = [
      ...nodes.map((node) => caller.requestTo(node.address, SLOW, BYTE, wait)),
      caller.request(foreignKey(nodes[0]!), SLOW, BYTE, wait),
    ]
    expect(await ring.settle(Promise.all(asked))).toHaveLength(5)
  }
  // Afterwards it is idle.
  await ring.run(10_000)
  expect(nodes[0]!.metrics().connections.reply).toBe(0)
})

it('an answer finds its way though its connection had to make room', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(12, { successors: 1, limits: { replyConnections: 1 } }, slow(ring, 2_000))
  const asked = nodes.map((node) => nodes[0]!.requestTo(node.address, SLOW, BYTE, { timeoutMs: 9_000 }))
  expect(await ring.settle(Promise.all(asked))).toHaveLength(12)
})

it('a client whose entry hop dies does not wait for what cannot come', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(3, {}, slow(ring, 500))
  const client = await ring.client()
  const startMs = ring.network.clock.nowMs()
  const asked = client.request(foreignKey(nodes[0]!), SLOW, BYTE, { timeoutMs: 60_000 })
  asked.catch(() => {})
  await ring.run(100)
  ring.kill(nodes[0]!)
  await expect(ring.settle(asked)).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
  expect(ring.network.clock.nowMs() - startMs).toBeLessThan(1_000)
})

it('a client finds who a name stands for by now', async () => {
  const names: Record<string, string[]> = { ring: ['10.0.0.0'] }
  const ring = new SimulatedRing({}, { names })
  const nodes = await ring.grow(3)
  const client = await ring.client({ to: ['dns://ring:4000'] })
  ring.kill(nodes[0]!)
  names.ring = ['10.0.0.2']
  await ring.run(5_000)
  for (const key of ['a', 'b', 'c'])
    expect(await ring.settle(client.lookup(key))).toMatchObject({ epoch: expect.any(BigInt) })
})

it('messages that wait for a connection leave in the order in which they were sent', async () => {
  const ring = new SimulatedRing({ delayMinMs: 300, delayMaxMs: 301 })
  const got: number[] = []
  const a = await ring.start({ timing: { idleMs: 1_000 } })
  const b = await ring.start({}, (node) => {
    node.handle(NOTE, ({ body }) => {
      got.push(body[0]!)
      return body
    })
  })
  const client = await ring.client({ to: [a.address] })
  const sent: Promise<unknown>[] = []
  for (let i = 0; i < 6; i++) {
    sent.push(client.requestTo(b.address, NOTE, Uint8Array.of(i), { timeoutMs: 9_000 }))
    await ring.run(90)
  }
  await ring.settle(Promise.all(sent))
  expect(got).toEqual([0, 1, 2, 3, 4, 5])
})

it('look-ups of many take turns where few may wait', async () => {
  const ring = new SimulatedRing()
  const [a] = (await ring.grow(4, { limits: { pendingCalls: 3 } })) as [ChordNode]
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
  const all = await ring.settle(a.lookupMany(keys))
  expect(new Set(all.map((one) => (one.ok ? 'ok' : one.error.code)))).toEqual(new Set(['ok']))
})

it('look-ups of many end together at the deadline, or when told to', async () => {
  const ring = new SimulatedRing()
  await ring.grow(1)
  const client = await ring.client()
  ring.kill(ring.nodes[0]!, { silent: true })
  const keys = Array.from({ length: 5_000 }, (_, i) => `key-${i}`)
  const codes = (all: readonly Result<unknown>[]) => new Set(all.map((one) => (one.ok ? 'ok' : one.error.code)))
  const startMs = ring.network.clock.nowMs()
  expect(codes(await ring.settle(client.lookupMany(keys, { timeoutMs: 1_000 })))).toEqual(new Set(['ERR_TIMEOUT']))
  expect(ring.network.clock.nowMs() - startMs).toBeLessThan(1_100)
  const stop = new AbortController()
  ring.network.clock.setTimer(100, () => stop.abort())
  expect(codes(await ring.settle(client.lookupMany(keys, { signal: stop.signal })))).toEqual(new Set(['ERR_ABORTED']))
  expect(ring.network.clock.nowMs() - startMs).toBeLessThan(1_300)
})

it('step by step, hops are the messages that it took', async () => {
  const ring = new SimulatedRing()
  const [a] = (await ring.grow(12, { successors: 1, limits: { cachedRanges: 0 } })) as [ChordNode]
  for (let i = 0; i < 20; i++) {
    const [by, self] = await ring.settle(
      Promise.all([a.lookup(`key-${i}`), a.lookup(`key-${i}`, { route: 'iterative' })]),
    )
    expect(self).toMatchObject({ owner: by!.owner, hops: by!.hops })
  }
})

it('step by step, whoever is far away is waited for where nobody else is left to ask', async () => {
  const ring = new SimulatedRing({ delayMinMs: 150, delayMaxMs: 151 })
  const nodes = await ring.grow(4, { successors: 1, limits: { cachedRanges: 0 } })
  for (let i = 0; i < 8; i++) {
    const [by, ...others] = await ring.settle(
      Promise.all([
        nodes[0]!.lookup(`key-${i}`),
        ...nodes.map((node) => node.lookup(`key-${i}`, { route: 'iterative' })),
      ]),
    )
    for (const other of others) expect(other.owner).toEqual(by!.owner)
  }
})
