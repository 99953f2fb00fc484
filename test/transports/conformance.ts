/** The rules of `transports/transport.ts`, as tests. Every transport, and every pair of them, is held to all of them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Link, Transport } from '../../src/transports/transport.ts'
import * as L from '../../src/wire/layout.ts'
import { Recorder, sendFrame, sendHello, text, writeFrame } from './frames.ts'
import type { End, Harness, Options } from './harness.ts'

export function conformance(name: string, makeHarness: () => Harness): void {
  describe(`${name} keeps the rules of transports`, () => {
    let harness: Harness

    beforeEach(() => {
      harness = makeHarness()
    })

    afterEach(() => harness.stop())

    /** `a` has dialed `b`, and both have said hello. */
    async function connect(aOptions?: Options, bOptions?: Options) {
      const a = harness.createA(aOptions)
      const b = harness.createB(bOptions)
      const at = await b.transport.listen(harness.hostB, 0)
      const link = await dial(a, b, at.port)
      return { a, b, ab: link, ba: b.recorder.links[0]!, port: at.port }
    }

    async function dial(a: End, b: End, port: number): Promise<Link> {
      const accepted = b.recorder.links.length
      const link = a.transport.dial(harness.hostB, port)
      sendHello(a.transport, link)
      await harness.until(() => b.recorder.links.length > accepted && a.recorder.links.includes(link))
      sendHello(b.transport, b.recorder.links[accepted]!)
      await harness.until(() => a.recorder.frames.some((frame) => frame.link === link))
      return link
    }

    describe('delivery', () => {
      test('frames arrive whole, in order, 8-byte aligned, as views of one ring', async () => {
        const { a, b, ab } = await connect()
        const sizes = [0, 1, 7, 8, 9, 100, 4000, 60_000, L.FRAME_BYTES_MAX - L.HEADER_BYTES, 3]
        b.recorder.onFrame = (_, ring, offset) => {
          expect(offset % L.FRAME_ALIGN).toBe(0)
          expect(ring.bytes.byteOffset % L.FRAME_ALIGN).toBe(0)
          expect(ring.words.buffer).toBe(ring.bytes.buffer)
          expect(ring.words[offset >>> 2]).toBe(
            ring.bytes[offset]! | (ring.bytes[offset + 1]! << 8) | (ring.bytes[offset + 2]! << 16),
          )
        }
        for (const [i, size] of sizes.entries()) {
          expect(sendFrame(a.transport, ab, L.TYPE_REQUEST, new Uint8Array(size).fill(i + 1))).toBe(true)
        }
        await harness.until(() => b.recorder.frames.length === sizes.length + 1)
        expect(b.recorder.frames.slice(1).map((frame) => frame.body.length)).toEqual(sizes)
        expect(b.recorder.frames.slice(1).every((frame, i) => frame.body.every((byte) => byte === i + 1))).toBe(true)
      })

      test('a link knows who dialed and where the other end is', async () => {
        const { ab, ba, port } = await connect()
        expect(ab).toMatchObject({ dialed: true, remoteHost: harness.hostB, remotePort: port, open: true })
        expect(ba).toMatchObject({ dialed: false, remoteHost: harness.hostA, open: true })
        expect(ba.remotePort).toBeGreaterThan(0)
      })

      test('what one turn commits is one write, though links alternate and nobody flushes', async () => {
        const { a, b, ab, port } = await connect()
        const second = await dial(a, b, port)
        const before = { ...a.transport.counters() }
        for (let i = 0; i < 100; i++) sendFrame(a.transport, i % 2 === 0 ? ab : second, L.TYPE_REQUEST, text(`${i}`))
        await harness.until(() => b.recorder.texts().length === 100)
        const after = a.transport.counters()
        expect(after.framesOut - before.framesOut).toBe(100)
        expect(after.writes - before.writes).toBe(2)
        const even = b.recorder.frames.filter(
          (frame) => frame.type === L.TYPE_REQUEST && frame.link === b.recorder.links[0],
        )
        expect(even.map((frame) => new TextDecoder().decode(frame.body))).toEqual(
          Array.from({ length: 50 }, (_, i) => `${2 * i}`),
        )
      })

      test('a frame may turn out shorter than reserved', async () => {
        const { a, b, ab } = await connect()
        const at = a.transport.reserve(ab, 5000, 'own')
        a.transport.commit(ab, at, writeFrame(a.transport.tx, at, L.TYPE_REQUEST, text('short')))
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('next'))
        await harness.until(() => b.recorder.texts().length === 2)
        expect(b.recorder.texts()).toEqual(['short', 'next'])
      })

      test('frames committed before the connection is there leave when it is', async () => {
        const a = harness.createA()
        const b = harness.createB()
        const at = await b.transport.listen(harness.hostB, 0)
        const link = a.transport.dial(harness.hostB, at.port)
        sendHello(a.transport, link)
        for (let i = 0; i < 10; i++) sendFrame(a.transport, link, L.TYPE_REQUEST, text(`${i}`))
        await harness.until(() => b.recorder.texts().length === 10)
        expect(a.recorder.links).toEqual([link])
      })

      test('more than the transmit memory in one turn arrives in order', async () => {
        const { a, b, ab } = await connect({ outputBytes: 64 << 20 })
        for (let i = 0; i < 400; i++)
          expect(sendFrame(a.transport, ab, L.TYPE_REQUEST, new Uint8Array(20_000).fill(i))).toBe(true)
        await harness.until(() => b.recorder.frames.length === 401)
        expect(b.recorder.frames.slice(1).every((frame, i) => frame.body[19_999] === (i & 255))).toBe(true)
        expect(a.recorder.drains).toEqual([])
      })

      test('replies of handlers, async ones too, leave without a flush', async () => {
        const { a, b, ab } = await connect()
        b.recorder.onFrame = async ({ link, body }) => {
          await Promise.resolve()
          await Promise.resolve()
          sendFrame(b.transport, link, L.TYPE_REPLY, body)
        }
        for (let i = 0; i < 10; i++) sendFrame(a.transport, ab, L.TYPE_REQUEST, text(`${i}`))
        const before = b.transport.counters().flushes
        await harness.until(() => a.recorder.texts(L.TYPE_REPLY).length === 10)
        expect(b.transport.counters().flushes - before).toBe(1)
      })
    })

    describe('batches', () => {
      test('no handler is called from inside a call into the transport', async () => {
        let inside = false
        let calls = 0
        const recorder = new Recorder()
        const check = () => {
          calls++
          expect(inside).toBe(false)
        }
        recorder.onOpened = recorder.onClosed = recorder.onFrame = recorder.onDrained = recorder.onBatchEnd = check
        const { a, b, ab, port } = await connect({ recorder })
        inside = true
        const other = a.transport.dial(harness.hostB, port)
        const nowhere = a.transport.dial('not numeric', 1)
        sendHello(a.transport, other)
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('x'))
        a.transport.flush()
        a.transport.close(other)
        a.transport.close(ab, true)
        inside = false
        await harness.until(() => a.recorder.closes.length === 3)
        expect(a.recorder.closes).toContainEqual({ link: nowhere, reason: 'unreachable' })
        expect(calls).toBeGreaterThan(0)
        expect(b.recorder.inBatch).toBe(0)
      })

      test('every batch ends, and there are no more of them than wake-ups', async () => {
        const { a, b, ab } = await connect()
        for (let round = 0; round < 5; round++) {
          const seen = b.recorder.texts().length
          for (let i = 0; i < 20; i++) sendFrame(a.transport, ab, L.TYPE_REQUEST, text('x'))
          await harness.until(() => b.recorder.texts().length === seen + 20)
        }
        const { batches, wakeups } = b.transport.counters()
        expect(b.recorder.inBatch).toBe(0)
        expect(batches).toBeGreaterThanOrEqual(b.recorder.batches)
        expect(batches).toBeLessThanOrEqual(wakeups)
        expect(b.recorder.batches).toBeLessThan(20)
      })

      test('flushes are the batches after which output left, and nothing else', async () => {
        const { a, b, ab, ba } = await connect()
        const flushes = () => [a.transport.counters().flushes, b.transport.counters().flushes]
        const before = flushes()
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('by hand'))
        a.transport.flush()
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('at the end of the turn'))
        await harness.until(() => b.recorder.texts().length === 2)
        expect(flushes()).toEqual(before)
        let replying = false
        b.recorder.onFrame = () => {
          sendFrame(b.transport, ba, L.TYPE_REPLY, text('reply'))
          if (!replying) b.transport.flush()
        }
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('by hand in a batch'))
        await harness.until(() => a.recorder.texts(L.TYPE_REPLY).length === 1)
        expect(flushes()).toEqual(before)
        replying = true
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('after a batch'))
        await harness.until(() => a.recorder.texts(L.TYPE_REPLY).length === 2)
        expect(flushes()).toEqual([before[0]!, before[1]! + 1])
      })

      test('an exception loses one call, is reported as uncaught, and no batch-mate', async () => {
        const uncaught: unknown[] = []
        const restore = catchUncaught((error) => uncaught.push(error))
        try {
          const { a, b, ab } = await connect()
          b.recorder.onFrame = ({ body }) => {
            if (body[0] === 1) throw new Error('handler')
          }
          b.recorder.onClosed = () => {
            throw new Error('closed')
          }
          b.recorder.onBatchEnd = () => {
            b.recorder.onBatchEnd = undefined
            throw new Error('batchEnd')
          }
          for (let i = 0; i < 4; i++) sendFrame(a.transport, ab, L.TYPE_REQUEST, Uint8Array.of(i))
          await harness.until(() => b.recorder.frames.length === 5)
          a.transport.close(ab)
          await harness.until(() => b.recorder.closes.length === 1)
          await harness.settle()
          expect(uncaught.map((error) => (error as Error).message).sort()).toEqual(['batchEnd', 'closed', 'handler'])
        } finally {
          restore()
        }
      })

      test('after a close inside a handler, that link has no more frames in the batch', async () => {
        const { a, b, ab, ba } = await connect()
        b.recorder.onFrame = ({ body }) => {
          if (body[0] === 2) b.transport.close(ba)
        }
        for (let i = 0; i < 5; i++) sendFrame(a.transport, ab, L.TYPE_REQUEST, Uint8Array.of(i))
        await harness.until(() => b.recorder.closes.length === 1)
        expect(b.recorder.frames.slice(1).map((frame) => frame.body[0])).toEqual([0, 1, 2])
        expect(b.recorder.closes).toEqual([{ link: ba, reason: 'local' }])
      })

      test('dial, flush and close inside handlers are fine', async () => {
        const { a, b, ab, port } = await connect()
        b.recorder.onFrame = ({ link, type }) => {
          if (type !== L.TYPE_REQUEST) return
          sendFrame(b.transport, link, L.TYPE_REPLY, text('bye'))
          b.transport.flush()
          b.transport.close(link)
        }
        a.recorder.onClosed = () => {
          a.recorder.onClosed = undefined
          sendHello(a.transport, a.transport.dial(harness.hostB, port))
        }
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('x'))
        await harness.until(() => b.recorder.links.length === 2)
        expect(a.recorder.texts(L.TYPE_REPLY)).toEqual(['bye'])
      })

      test('destroy inside a handler: it was the last call', async () => {
        const { a, b, ab } = await connect()
        let after = 0
        let done: Promise<void> | undefined
        b.recorder.onFrame = () => {
          if (done !== undefined) after++
          done = b.transport.destroy()
        }
        b.recorder.onBatchEnd = b.recorder.onClosed = () => {
          if (done !== undefined) after++
        }
        for (let i = 0; i < 5; i++) sendFrame(a.transport, ab, L.TYPE_REQUEST, Uint8Array.of(i))
        await harness.until(() => a.recorder.closes.length === 1)
        await done
        expect(after).toBe(0)
      })
    })

    describe('closing', () => {
      test('what is queued leaves first; each end hears of it once', async () => {
        const { a, b, ab, ba } = await connect()
        for (let i = 0; i < 10; i++) sendFrame(a.transport, ab, L.TYPE_REQUEST, new Uint8Array(50_000).fill(i))
        a.transport.close(ab)
        expect(ab.open).toBe(false)
        expect(a.transport.reserve(ab, 40, 'control')).toBe(-1)
        await harness.until(() => a.recorder.closes.length === 1 && b.recorder.closes.length === 1)
        await harness.settle()
        expect(b.recorder.frames.length).toBe(11)
        expect(a.recorder.closes).toEqual([{ link: ab, reason: 'local' }])
        expect(b.recorder.closes).toEqual([{ link: ba, reason: 'ended' }])
        expect(ba.open).toBe(false)
        expect(b.transport.reserve(ba, 40, 'control')).toBe(-1)
        expect(a.transport.counters().open + b.transport.counters().open).toBe(0)
      })

      test('what the closer had not read yet does not cut off what it sent', async () => {
        const { a, b, ab, ba } = await connect({ outputBytes: 64 << 20 })
        b.recorder.onFrame = () => {
          sendFrame(b.transport, ba, L.TYPE_REPLY, text('last words'))
          b.transport.close(ba)
        }
        for (let i = 0; i < 100; i++) sendFrame(a.transport, ab, L.TYPE_REQUEST, new Uint8Array(60_000))
        await harness.until(() => a.recorder.closes.length === 1)
        expect(a.recorder.texts(L.TYPE_REPLY)).toEqual(['last words'])
        expect(a.recorder.closes[0]!.reason).toBe('ended')
      })

      test('at once: closed locally, broken or ended there', async () => {
        const { a, b, ab } = await connect()
        a.transport.close(ab, true)
        await harness.until(() => a.recorder.closes.length === 1 && b.recorder.closes.length === 1)
        expect(a.recorder.closes[0]!.reason).toBe('local')
        expect(['ended', 'reset']).toContain(b.recorder.closes[0]!.reason)
      })

      test('closing twice, and closing what is being dialed, ends in one closed', async () => {
        const { a, b, ab, port } = await connect()
        a.transport.close(ab)
        a.transport.close(ab)
        a.transport.close(ab, true)
        const dialing = a.transport.dial(harness.hostB, port)
        a.transport.close(dialing, true)
        await harness.until(() => a.recorder.closes.length === 2)
        await harness.settle()
        expect(a.recorder.closes.map((close) => close.reason)).toEqual(['local', 'local'])
        await harness.until(() => b.transport.counters().open === 0)
      })

      test('counted by reason', async () => {
        const { a, b, ab } = await connect()
        a.transport.close(ab)
        await harness.until(() => b.recorder.closes.length === 1 && a.recorder.closes.length === 1)
        expect(a.transport.closeReasons().local).toBe(1)
        expect(b.transport.closeReasons().ended).toBe(1)
      })

      test('destroy closes all, and the others notice', async () => {
        const { a, b, port } = await connect()
        for (let i = 0; i < 5; i++) await dial(a, b, port)
        await a.transport.destroy()
        await harness.until(() => b.recorder.closes.length === 6)
        expect(a.recorder.closes).toEqual([])
        expect(b.transport.counters().open).toBe(0)
        await a.transport.destroy()
      })
    })

    describe('listening and dialing', () => {
      test('nobody listens: refused', async () => {
        const { a, b, port } = await connect()
        b.transport.unlisten()
        const link = a.transport.dial(harness.hostB, port)
        sendHello(a.transport, link)
        await harness.until(() => a.recorder.closes.length === 1)
        expect(a.recorder.closes).toEqual([{ link, reason: 'refused' }])
        expect(link.open).toBe(false)
      })

      test('unlisten leaves open links alone', async () => {
        const { a, b, ab } = await connect()
        b.transport.unlisten()
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('still'))
        await harness.until(() => b.recorder.texts().length === 1)
      })

      test.each([
        ['no numeric address', 'name.invalid', 7000],
        ['port 0', '127.0.0.1', 0],
      ])('%s: unreachable', async (_, host, port) => {
        const a = harness.createA()
        a.transport.dial(host, port)
        await harness.until(() => a.recorder.closes.length === 1)
        expect(a.recorder.closes[0]!.reason).toBe('unreachable')
      })

      test('IPv6, and IPv4 through a listener for both', async ({ skip }) => {
        const a = harness.createA()
        const b = harness.createB()
        const bound = await b.transport.listen('::', 0).catch(() => undefined)
        if (!harness.real || bound === undefined) return skip('no IPv6 here')
        for (const host of ['::1', '127.0.0.1']) {
          const link = a.transport.dial(host, bound.port)
          sendHello(a.transport, link)
          await harness.until(() => b.recorder.links.at(-1)?.remoteHost === host)
          expect(link.remoteHost).toBe(host)
        }
      })

      test('an address that is not ours: ERR_LISTEN', async ({ skip }) => {
        if (!harness.real) return skip('simulated hosts have all addresses they are asked for')
        await expect(harness.createB().transport.listen('192.0.2.1', 0)).rejects.toMatchObject({ code: 'ERR_LISTEN' })
      })

      test('a port that is taken: ERR_ADDRESS_IN_USE', async () => {
        const { b, port } = await connect()
        const other = harness.createB()
        await expect(other.transport.listen(harness.hostB, port)).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
        expect(b.transport.counters().open).toBe(1)
      })

      test('connections over the limit are closed and counted, the others stay', async () => {
        const { a, b, ab, port } = await connect({}, { connections: 2 })
        await dial(a, b, port)
        const third = a.transport.dial(harness.hostB, port)
        sendHello(a.transport, third)
        await harness.until(() => a.recorder.closes.some((close) => close.link === third))
        expect(b.transport.closeReasons().connections).toBe(1)
        expect(b.recorder.links.length).toBe(2)
        sendFrame(a.transport, ab, L.TYPE_REQUEST, text('still'))
        await harness.until(() => b.recorder.texts().length === 1)
        a.transport.close(ab)
        await harness.until(() => b.recorder.closes.length === 1)
        await dial(a, b, port)
      })
    })

    describe('back-pressure', () => {
      test('a peer that does not read: own frames are refused, control has room, drained when it reads', async () => {
        const a = harness.createA({ outputBytes: 256 * 1024 })
        const deaf = await harness.deaf()
        const link = a.transport.dial(deaf.host, deaf.port)
        sendHello(a.transport, link)
        await harness.until(() => a.recorder.links.length === 1)
        await harness.settle()
        let sent = 0
        for (let full = 0; full < 20; ) {
          while (sendFrame(a.transport, link, L.TYPE_REQUEST, new Uint8Array(16_000))) sent++
          full++
          await harness.settle()
        }
        expect(a.recorder.drains.length).toBeLessThanOrEqual(20)
        expect(link.queuedBytes).toBeGreaterThanOrEqual(256 * 1024)
        expect(link.queuedBytes).toBeLessThan(256 * 1024 + 20_000)
        const drains = a.recorder.drains.length
        expect(sendFrame(a.transport, link, L.TYPE_REQUEST, new Uint8Array(16_000), 'forward')).toBe(true)
        expect(sendFrame(a.transport, link, L.TYPE_REQUEST, new Uint8Array(16_000), 'control')).toBe(true)
        expect(a.recorder.drains.length).toBe(drains)
        deaf.hear()
        await harness.until(() => a.recorder.drains.length > drains && link.queuedBytes === 0)
        expect(a.recorder.drains.at(-1)).toBe(link)
        const bytes = 40 + (sent + 2) * 16_032
        await harness.until(() => deaf.heardBytes() === bytes)
      }, 20_000)

      test('what waits leaves by class, in order within it; a full class refuses no more urgent one', async () => {
        const a = harness.createA({ outputBytes: 256 * 1024 })
        const deaf = await harness.deaf()
        const link = a.transport.dial(deaf.host, deaf.port)
        sendHello(a.transport, link)
        await harness.until(() => a.recorder.links.length === 1)
        await harness.settle()
        let bulk = 0
        let bytes = 40
        const say = (type: number, count: number, size: number) => {
          const sent = sendFrame(a.transport, link, type, new Uint8Array(size).fill(count))
          if (sent) bytes += L.HEADER_BYTES + size
          return sent
        }
        for (let full = 0; full < 10; full++) {
          while (say(L.TYPE_FRAGMENT, bulk % 256, 8000)) bulk++
          await harness.settle()
        }
        const urgent = [L.TYPE_MAINTENANCE_FIRST, L.TYPE_LOOKUP, L.TYPE_REQUEST]
        for (let i = 0; i < 9; i++) {
          for (const type of urgent.toReversed()) expect(say(type, i, 40 * i)).toBe(true)
          expect(say(L.TYPE_FRAGMENT, 0, 8)).toBe(false)
        }
        const drains = a.recorder.drains.length
        deaf.hear()
        await harness.until(() => deaf.heardBytes() === bytes)
        await harness.until(() => a.recorder.drains.length > drains)
        const heard = deaf.heard().slice(1)
        const kinds = heard.map(({ type, body }) => [type, body[0] ?? 0])
        expect(kinds.filter(([type]) => type !== L.TYPE_FRAGMENT)).toEqual(
          urgent.flatMap((type) => Array.from({ length: 9 }, (_, i) => [type, i])),
        )
        expect(kinds.filter(([type]) => type === L.TYPE_FRAGMENT).map(([, count]) => count)).toEqual(
          Array.from({ length: bulk }, (_, i) => i % 256),
        )
        const last = heard.findLastIndex(({ type }) => type !== L.TYPE_FRAGMENT)
        expect(heard.length - last).toBeGreaterThan(25)
      }, 20_000)

      test('a small queue is told to have room again, too', async () => {
        const a = harness.createA({ outputBytes: 4096 })
        const deaf = await harness.deaf()
        const link = a.transport.dial(deaf.host, deaf.port)
        sendHello(a.transport, link)
        await harness.until(() => a.recorder.links.length === 1)
        for (let full = 0; full < 20; full++) {
          while (sendFrame(a.transport, link, L.TYPE_REQUEST, new Uint8Array(1000)));
          await harness.settle()
        }
        const drains = a.recorder.drains.length
        deaf.hear()
        await harness.until(() => a.recorder.drains.length > drains)
        expect(sendFrame(a.transport, link, L.TYPE_REQUEST, new Uint8Array(1000))).toBe(true)
      }, 20_000)

      test('every lane has an end', async () => {
        const a = harness.createA({ outputBytes: 64 * 1024 })
        const deaf = await harness.deaf()
        const link = a.transport.dial(deaf.host, deaf.port)
        sendHello(a.transport, link)
        await harness.until(() => a.recorder.links.length === 1)
        const fill = (transport: Transport, lane: 'own' | 'forward' | 'control') => {
          let sent = 0
          while (sent < 10_000 && sendFrame(transport, link, L.TYPE_REQUEST, new Uint8Array(16_000), lane)) sent++
          return sent
        }
        for (let i = 0; i < 10; i++) {
          fill(a.transport, 'own')
          await harness.settle()
        }
        expect(fill(a.transport, 'forward')).toBeGreaterThan(0)
        expect(fill(a.transport, 'control')).toBeGreaterThan(0)
        expect(fill(a.transport, 'control')).toBe(0)
        a.transport.close(link, true)
        await harness.until(() => a.recorder.closes.length === 1)
      })
    })
  })
}

/** Takes what is thrown past everybody; vitest would fail the run for it. */
function catchUncaught(fn: (error: unknown) => void): () => void {
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', fn)
  return () => {
    process.removeListener('uncaughtException', fn)
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
}
