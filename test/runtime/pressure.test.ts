/** Queues that are full, tables that are full, ways back that are shut. */
import { expect, it } from 'vitest'
import type { ChordError, ChordNode, MessageType, Result } from '../../src/index.ts'
import { raw } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }

function codes(results: readonly Result<unknown>[]): Set<string> {
  return new Set(results.map((result) => (result.ok ? 'ok' : result.error.code)))
}

function settled<T>(calls: readonly Promise<T>[]): Promise<Result<T>[]> {
  return Promise.all(
    calls.map((call) =>
      call.then(
        (value): Result<T> => ({ ok: true, value }),
        (error: ChordError): Result<T> => ({ ok: false, error }),
      ),
    ),
  )
}

it('refuses own messages when the queue to a node is full, and takes them again when it is not', async () => {
  const ring = new SimulatedRing()
  const [a, b] = await ring.grow(2, {}, (node) => node.handle(ECHO, ({ body }) => body))
  const send = () => a!.requestTo(b!.address, ECHO, new Uint8Array(300))
  await ring.settle(send())
  ring.choked.add('10.0.0.0')
  await expect(ring.settle(send())).rejects.toMatchObject({ code: 'ERR_BUSY' })
  const one = a!.sendTo(b!.address, ECHO as MessageType<Uint8Array, unknown>, new Uint8Array(1), { ack: false })
  await expect(ring.settle(one)).rejects.toMatchObject({ code: 'ERR_BUSY' })
  // Maintenance goes on, so that nobody takes the node for dead.
  await ring.run(20_000)
  expect(a!.members[0]!.successors[0]?.address).toBe(b!.address)
  ring.choked.clear()
  expect((await ring.settle(send())).length).toBe(300)
})

it('gives back what it cannot pass on, and the originator tries until it can', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(8, { successors: 1, limits: { cachedRanges: 0 } }, (node) =>
    node.handle(ECHO, ({ body }) => body),
  )
  const hosts = nodes.map((node) => node.address.split(':')[0]!)
  const [first] = nodes as [ChordNode]
  for (const host of hosts.slice(1)) ring.choked.add(host)
  // Lookups need somebody to pass them on; what is ours or our neighbour's does not.
  const calls = Array.from({ length: 30 }, (_, i) =>
    first.request(`key-${i}`, ECHO, new Uint8Array(9), { timeoutMs: 9_000 }),
  )
  await ring.run(1_000)
  expect(nodes.map((node) => node.metrics().routed.busy).reduce((x, y) => x + y)).toBeGreaterThan(0)
  const before = first.metrics().calls.pending
  expect(before).toBeGreaterThan(0)
  ring.choked.clear()
  const results = await ring.settle(settled(calls))
  expect(codes(results)).toEqual(new Set(['ok']))
  for (const host of hosts.slice(1)) ring.choked.add(host)
  const doomed = Array.from({ length: 30 }, (_, i) =>
    first.request(`key-${i}`, ECHO, new Uint8Array(9), { timeoutMs: 700 }),
  )
  expect(codes(await ring.settle(settled(doomed)))).toEqual(new Set(['ok', 'ERR_BUSY']))
})

it('hands an answer to a client also when the queue to it is full', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(3)
  const client = await ring.client()
  for (const node of nodes) {
    node.handle(ECHO, ({ body }) => {
      for (const { address } of nodes) ring.choked.add(address.split(':')[0]!)
      return body
    })
  }
  let i = 0
  while (nodes[2]!.owns(`key-${i}`) === undefined) i++
  const asked = client.request(`key-${i}`, ECHO, Uint8Array.of(1))
  expect(await ring.settle(asked)).toEqual(Uint8Array.of(1))
})

it('bounds the calls that wait', async () => {
  const ring = new SimulatedRing()
  const [a, b] = await ring.grow(2, { limits: { pendingCalls: 5 } }, (node) => node.handle(ECHO, ({ body }) => body))
  const calls = Array.from({ length: 8 }, () => a!.requestTo(b!.address, ECHO, new Uint8Array(1)))
  const results = await ring.settle(settled(calls))
  expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).toEqual([
    ...Array(5).fill('ok'),
    ...Array(3).fill('ERR_BUSY'),
  ])
  expect(a!.metrics().calls).toMatchObject({ pending: 0 })
})

it('finds another way round a first hop that died with the call in it', async () => {
  const ring = new SimulatedRing()
  await ring.grow(8, {}, (node) => node.handle(ECHO, ({ body }) => body))
  const [a] = ring.nodes as [ChordNode]
  for (let round = 0; round < 4; round++) {
    const victim = ring.nodes[1 + round]!
    const lookups = Array.from({ length: 50 }, (_, i) => a.lookup(`key-${i}`))
    const requests = Array.from({ length: 50 }, (_, i) =>
      a.request(`key-${i}`, ECHO, new Uint8Array(1), { idempotent: true }),
    )
    ring.kill(victim)
    expect(codes(await ring.settle(settled<unknown>([...lookups, ...requests])))).toEqual(new Set(['ok']))
    await ring.run(500)
  }
})
