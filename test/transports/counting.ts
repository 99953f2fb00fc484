/** What transports count, as tests: the same for all of them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TransportCounters } from '../../src/transports/transport.ts'
import * as L from '../../src/wire/layout.ts'
import { sendFrame, sendHello, text } from './frames.ts'
import type { End, Harness, Options } from './harness.ts'

/** Frames that all batches together had at least and at most, by the table of their sizes. */
function framesWithin({ framesPerBatch }: TransportCounters): [number, number] {
  const sum = (of: (size: number) => number) => framesPerBatch.reduce((all, count, size) => all + count * of(size), 0)
  return [sum((size) => (size === 0 ? 0 : 2 ** (size - 1))), sum((size) => 2 ** size - 1)]
}

function expectSane(counters: TransportCounters): void {
  const { framesPerBatch, ...numbers } = counters
  for (const [name, value] of Object.entries(numbers)) {
    expect(Number.isInteger(value) && value >= 0, `${name} is ${value}`).toBe(true)
  }
  expect(framesPerBatch.reduce((sum, count) => sum + count, 0)).toBe(counters.batches)
  const [least, most] = framesWithin(counters)
  expect(counters.framesIn).toBeGreaterThanOrEqual(least)
  expect(counters.framesIn).toBeLessThanOrEqual(most)
  expect(counters.batches).toBeLessThanOrEqual(counters.wakeups)
  expect(counters.openMax).toBeGreaterThanOrEqual(counters.open)
  expect(counters.openMax).toBeLessThanOrEqual(counters.accepted + counters.dialed)
  expect(counters.queuedBytesMax).toBeGreaterThanOrEqual(counters.queuedBytes)
  expect(counters.writesPartial).toBeLessThanOrEqual(counters.writes)
}

export function counting(name: string, makeHarness: () => Harness): void {
  describe(`${name} counts`, () => {
    let harness: Harness

    beforeEach(() => {
      harness = makeHarness()
    })

    afterEach(() => harness.stop())

    async function connect(options?: Options): Promise<{ a: End; b: End }> {
      const a = harness.createA(options)
      const b = harness.createB()
      const { port } = await b.transport.listen(harness.hostB, 0)
      sendHello(a.transport, a.transport.dial(harness.hostB, port))
      await harness.until(() => b.recorder.frames.length === 1 && a.recorder.links.length === 1)
      return { a, b }
    }

    test('nothing at first, and with the same names everywhere', () => {
      const { framesPerBatch, ...numbers } = harness.createA().transport.counters()
      expect(Object.values(numbers).every((count) => count === 0)).toBe(true)
      expect(framesPerBatch).toEqual(new Array(14).fill(0))
      expect(Object.keys(numbers).sort()).toEqual([
        'acceptPauses',
        'accepted',
        'batches',
        'bytesIn',
        'bytesOut',
        'dialed',
        'flushes',
        'framesIn',
        'framesNotPassedOn',
        'framesOut',
        'framesPassedOn',
        'open',
        'openMax',
        'queuedBytes',
        'queuedBytesMax',
        'reads',
        'readsEmpty',
        'refusals',
        'tailBytes',
        'tailBytesCopied',
        'wakeups',
        'writes',
        'writesPartial',
      ])
    })

    test('frames, bytes and batches by their size; a snapshot stays as it was', async () => {
      const { a, b } = await connect()
      const before = b.transport.counters()
      const copy = structuredClone(before)
      for (let i = 0; i < 500; i++) sendFrame(a.transport, a.recorder.links[0]!, L.TYPE_REQUEST, text('8 bytes!'))
      await harness.until(() => b.recorder.frames.length === 501)
      await harness.settle()
      const [sent, received] = [a.transport.counters(), b.transport.counters()]
      expect(before).toEqual(copy)
      expect(received.framesIn - before.framesIn).toBe(500)
      expect(received.bytesIn - before.bytesIn).toBe(500 * 40)
      expect(sent.framesOut).toBe(501)
      expect(sent.bytesOut).toBe(501 * 40)
      expect(received).toMatchObject({ accepted: 1, dialed: 0, open: 1, openMax: 1, tailBytes: 0, queuedBytes: 0 })
      expect(sent).toMatchObject({ accepted: 0, dialed: 1, open: 1, openMax: 1, refusals: 0, queuedBytes: 0 })
      expectSane(sent)
      expectSane(received)
    })

    test('what waits for a peer that does not read, and what was refused for it', async () => {
      const a = harness.createA({ outputBytes: 64 * 1024 })
      const deaf = await harness.deaf()
      const link = a.transport.dial(deaf.host, deaf.port)
      sendHello(a.transport, link)
      await harness.until(() => a.recorder.links.length === 1)
      for (let refused = 0; refused < 20; refused++) {
        while (sendFrame(a.transport, link, L.TYPE_REQUEST, new Uint8Array(16_000)));
        await harness.settle()
      }
      const full = a.transport.counters()
      expect(full.refusals).toBe(20)
      expect(full.queuedBytes).toBe(link.queuedBytes)
      expect(full.queuedBytes).toBeGreaterThanOrEqual(64 * 1024)
      expect(full.writesPartial).toBeGreaterThan(0)
      expectSane(full)
      deaf.hear()
      await harness.until(() => a.transport.counters().queuedBytes === 0)
      expect(a.transport.counters().queuedBytesMax).toBeGreaterThanOrEqual(full.queuedBytes)
      expectSane(a.transport.counters())
    }, 20_000)

    test('what waits is forgotten with its link', async () => {
      const a = harness.createA({ outputBytes: 64 * 1024 })
      const deaf = await harness.deaf()
      const link = a.transport.dial(deaf.host, deaf.port)
      sendHello(a.transport, link)
      await harness.until(() => a.recorder.links.length === 1)
      for (let refused = 0; refused < 20; refused++) {
        while (sendFrame(a.transport, link, L.TYPE_REQUEST, new Uint8Array(16_000)));
        await harness.settle()
      }
      expect(a.transport.counters().queuedBytes).toBeGreaterThan(0)
      a.transport.close(link, true)
      await harness.until(() => a.recorder.closes.length === 1)
      await harness.settle()
      const { queuedBytes, open, openMax } = a.transport.counters()
      expect({ queuedBytes, open, openMax }).toEqual({ queuedBytes: 0, open: 0, openMax: 1 })
    }, 20_000)

    test('the most that were open at once', async () => {
      const a = harness.createA()
      const b = harness.createB()
      const { port } = await b.transport.listen(harness.hostB, 0)
      for (let i = 0; i < 3; i++) sendHello(a.transport, a.transport.dial(harness.hostB, port))
      await harness.until(() => a.recorder.links.length === 3 && b.recorder.links.length === 3)
      for (const link of a.recorder.links.slice(0, 2)) a.transport.close(link)
      await harness.until(() => a.recorder.closes.length === 2 && b.recorder.closes.length === 2)
      expect(a.transport.counters()).toMatchObject({ open: 1, openMax: 3, dialed: 3 })
      expect(b.transport.counters()).toMatchObject({ open: 1, openMax: 3, accepted: 3 })
    })

    test('nothing waits and nothing is open once it is destroyed', async () => {
      const { a } = await connect()
      await a.transport.destroy()
      expect(a.transport.counters()).toMatchObject({ open: 0, openMax: 1, queuedBytes: 0, tailBytes: 0 })
    })
  })
}
