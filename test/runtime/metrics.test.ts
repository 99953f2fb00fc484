/** The public numbers: there before `start`, and moved by what happens. */
import { expect, it } from 'vitest'
import { type MessageType, raw } from '../../src/index.ts'
import { zeroCounters } from '../../src/transports/counters.ts'
import { ratesOf } from '../../src/transports/rates.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }

it('shows what the transport counts, from zero', async () => {
  const ring = new SimulatedRing()
  expect(new SimulatedRing().create().metrics()).toMatchObject({ wire: zeroCounters(), closed: {} })
  const [a, b] = await ring.grow(2, {}, (node) => node.handle(ECHO, ({ body }) => body))
  const before = a!.metrics()
  for (let i = 0; i < 50; i++) await ring.settle(a!.requestTo(b!.address, ECHO, new Uint8Array(300)))
  const { wire, closed } = a!.metrics()
  expect(wire.open).toBeGreaterThan(0)
  expect(wire.bytesOut - before.wire.bytesOut).toBeGreaterThanOrEqual(50 * 300)
  expect(wire.framesPerBatch.reduce((sum, count) => sum + count, 0)).toBe(wire.batches)
  expect(Object.keys(closed)).toContain('ended')
  const rates = ratesOf(before.wire, wire, 1000)
  expect(rates.perSecond.framesIn).toBeGreaterThanOrEqual(50)
  expect(rates.framesPerBatch).toBeGreaterThanOrEqual(1)
})

it('counts connections that end, by reason', async () => {
  const ring = new SimulatedRing()
  const [a, b] = await ring.grow(2, {}, (node) => node.handle(ECHO, ({ body }) => body))
  await ring.settle(a!.requestTo(b!.address, ECHO, new Uint8Array(1)))
  const before = Object.values(a!.metrics().closed).reduce((sum, count) => sum + count, 0)
  await ring.settle(b!.close())
  await ring.run(5_000)
  expect(Object.values(a!.metrics().closed).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(before)
})
