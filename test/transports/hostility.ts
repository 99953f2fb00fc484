/** What strangers may send: bytes that are no frames, over raw sockets. Only their own connection suffers. */
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CloseReason, Link, Transport } from '../../src/transports/transport.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes, helloBytes, type Recorder, sendFrame, sendHello, text } from './frames.ts'
import { type MakeTransport, RealHarness, turn } from './harness.ts'

const good = frameBytes(L.TYPE_REQUEST, text('good'))

/** A good frame with some bytes changed. */
function spoiled(at: number, ...bytes: number[]): Uint8Array {
  const frame = good.slice()
  frame.set(bytes, at)
  return frame
}

const malformed: [string, Uint8Array, CloseReason][] = [
  ['shorter than a header', spoiled(0, 31), 'length'],
  ['longer than allowed', spoiled(0, 1, 0, 1, 0), 'length'],
  ['of absurd length', spoiled(0, 255, 255, 255, 255), 'length'],
  ['another version', spoiled(L.AT_VERSION, 9), 'version'],
  ['an unknown flag', spoiled(L.AT_FLAGS, 64), 'reserved'],
  ['an unknown extension', spoiled(L.AT_EXTENSIONS, 64), 'reserved'],
  ['a reserved byte set', spoiled(L.AT_RESERVED, 1), 'reserved'],
  ['extensions longer than the frame', spoiled(L.AT_EXTENSIONS, L.EXT_TARGET), 'extensions'],
  ['both last extensions', spoiled(L.AT_EXTENSIONS, L.EXT_ORIGIN | L.EXT_OWNER), 'extensions'],
  ['an address longer than the frame', longOrigin(), 'extensions'],
  ['padding not zero', spoiled(good.length - 1, 1), 'padding'],
]

const FAULTS = new Set([...malformed.map(([, , reason]) => reason), 'hello'])

function longOrigin(): Uint8Array {
  const frame = frameBytes(L.TYPE_REQUEST, new Uint8Array(L.ORIGIN_FIXED_BYTES))
  frame[L.AT_EXTENSIONS] = L.EXT_ORIGIN
  frame[L.HEADER_BYTES] = 1
  return frame
}

export function hostility(name: string, make: MakeTransport): void {
  describe(`${name} and strangers`, () => {
    let harness: RealHarness
    let transport: Transport
    let recorder: Recorder
    let port: number
    let friend: { transport: Transport; link: Link }
    const sockets = new Set<Socket>()

    beforeEach(async () => {
      harness = new RealHarness(make, make)
      await start()
    })

    afterEach(async () => {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      await harness.stop()
    })

    async function start(tailBytes?: number) {
      const a = harness.createA()
      const b = harness.createB(tailBytes === undefined ? {} : { tailBytes })
      transport = b.transport
      recorder = b.recorder
      port = (await transport.listen('127.0.0.1', 0)).port
      const link = a.transport.dial('127.0.0.1', port)
      friend = { transport: a.transport, link }
      sendHello(a.transport, link)
      await harness.until(() => recorder.frames.length === 1)
    }

    function stranger(bytes?: Uint8Array): Socket {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      socket.resume()
      if (bytes !== undefined) socket.write(bytes)
      return socket
    }

    /** The friend's connection still works. */
    async function friendIsWell() {
      const before = recorder.frames.length
      sendFrame(friend.transport, friend.link, L.TYPE_REQUEST, text('friend'))
      await harness.until(() => recorder.frames.slice(before).some((frame) => frame.link.remotePort !== 0))
      await harness.until(() => recorder.texts().includes('friend'))
    }

    test.each(malformed)('%s: closed as it says, after the good frames before it', async (_, bytes, reason) => {
      stranger(concat(helloBytes, good, good, bytes, good))
      await harness.until(() => recorder.closes.length === 1)
      expect(recorder.texts()).toEqual(['good', 'good'])
      expect(recorder.closes[0]).toMatchObject({ reason, link: { dialed: false, open: false } })
      expect(transport.closeReasons()[reason]).toBe(1)
      await harness.until(() => sockets.size === 0)
      await friendIsWell()
    })

    test.each([
      ['another frame', good],
      ['a hello without the magic word', frameBytes(L.TYPE_HELLO, text('HTTP'))],
      ['a hello without a body', frameBytes(L.TYPE_HELLO, text(''))],
      ['another magic frame', frameBytes(L.TYPE_REQUEST, helloBytes.slice(L.HEADER_BYTES, L.HEADER_BYTES + 4))],
    ])('%s first: no hello', async (_, bytes) => {
      stranger(bytes)
      await harness.until(() => recorder.closes.length === 1)
      expect(recorder.closes[0]!.reason).toBe('hello')
      expect(recorder.frames.length).toBe(1)
      await friendIsWell()
    })

    test('cut off in the middle of a frame: ended, nothing delivered of it', async () => {
      stranger(concat(helloBytes, good, good.subarray(0, 37))).end()
      await harness.until(() => recorder.closes.length === 1)
      expect(recorder.closes[0]!.reason).toBe('ended')
      expect(recorder.texts()).toEqual(['good'])
    })

    test('byte by byte it is the same frames', async () => {
      const bytes = concat(helloBytes, good, frameBytes(L.TYPE_REQUEST, text('an odd one')), good)
      const socket = stranger()
      for (const byte of bytes) {
        socket.write(Uint8Array.of(byte))
        await turn(0)
      }
      await harness.until(() => recorder.texts().length === 3)
      expect(recorder.texts()).toEqual(['good', 'an odd one', 'good'])
      expect(transport.counters().tailBytesCopied).toBeLessThanOrEqual(3 * bytes.length)
    })

    test('in chunks of any sizes it is the same frames', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }),
          fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
          async (bodies, cuts) => {
            const before = recorder.frames.length
            const bytes = concat(helloBytes, ...bodies.map((body) => frameBytes(L.TYPE_REQUEST, body)))
            const socket = stranger()
            for (let at = 0, i = 0; at < bytes.length; i++) {
              const next = at + cuts[i % cuts.length]!
              await new Promise((resolve) => socket.write(bytes.subarray(at, next), resolve))
              at = next
            }
            await harness.until(() => recorder.frames.length === before + bodies.length + 1)
            expect(recorder.frames.slice(before + 1).map((frame) => frame.body)).toEqual(bodies)
            socket.destroy()
          },
        ),
        { numRuns: 30 },
      )
    })

    test('random bytes close that connection only', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 64, maxLength: 2000 }), async (bytes) => {
          const before = recorder.closes.length
          stranger(concat(helloBytes, bytes)).end()
          await harness.until(() => recorder.closes.length === before + 1)
        }),
        { numRuns: 50 },
      )
      await friendIsWell()
    })

    test('who reads slowly and has sent what nobody read still gets all that was sent before the close', async () => {
      const reply = new Uint8Array(60_000).fill(7)
      recorder.onFrame = ({ link, type }) => {
        if (type !== L.TYPE_REQUEST) return
        for (let i = 0; i < 2; i++) sendFrame(transport, link, L.TYPE_REPLY, reply)
        transport.close(link)
      }
      const socket = stranger()
      socket.pause()
      let received = 0
      socket.on('data', (chunk) => {
        received += chunk.length
      })
      socket.pause()
      socket.write(concat(helloBytes, good, ...Array.from({ length: 60 }, () => frameBytes(L.TYPE_REQUEST, reply))))
      await harness.until(() => recorder.closes.length === 1)
      await turn(50)
      socket.resume()
      await new Promise((resolve) => socket.once('close', resolve))
      expect(received).toBe(2 * (L.HEADER_BYTES + reply.length))
    })

    test('over the budget of partial frames, the one that waited longest closes', async () => {
      await harness.stop()
      await start(100_000)
      const part = frameBytes(L.TYPE_REQUEST, new Uint8Array(60_000)).subarray(0, 40_000)
      stranger(concat(helloBytes, part))
      await harness.until(() => recorder.links.length === 2 && transport.counters().bytesIn >= 40_000)
      const second = stranger(concat(helloBytes, part))
      await harness.until(() => recorder.closes.length === 1)
      expect(recorder.closes[0]).toMatchObject({ reason: 'memory', link: recorder.links[1] })
      second.write(new Uint8Array(20_032))
      await harness.until(() => recorder.frames.some((frame) => frame.body.length === 60_000))
      await friendIsWell()
    })

    test('the budget of partial frames holds, though those that waited longest held little', async () => {
      await harness.stop()
      await start(200_000)
      for (let i = 0; i < 20; i++) stranger(concat(helloBytes, good.subarray(0, 8)))
      await harness.until(() => recorder.frames.length === 21)
      const part = frameBytes(L.TYPE_REQUEST, new Uint8Array(60_000)).subarray(0, 40_000)
      for (let i = 0; i < 5; i++) stranger(concat(helloBytes, part))
      await harness.until(() => transport.counters().bytesIn >= 5 * 40_000)
      await harness.until(() => transport.closeReasons().memory >= 22)
      await friendIsWell()
    })

    test('10,000 of them leak nothing', async () => {
      const spoil = (i: number) => {
        const [, bytes] = malformed[i % malformed.length]!
        return i % 3 === 0 ? bytes : concat(helloBytes, bytes)
      }
      let sent = 0
      const send = async (upTo: number) => {
        while (sent < upTo) {
          const socket = stranger(spoil(sent++))
          await new Promise((resolve) => socket.once('close', resolve))
        }
      }
      const sendUpTo = (upTo: number) => Promise.all(Array.from({ length: 32 }, () => send(upTo)))
      await sendUpTo(3000)
      const { rss } = process.memoryUsage()
      await sendUpTo(10_000)
      // What this test itself remembers of 7,000 connections, and the sockets' garbage, are within this.
      expect(process.memoryUsage().rss - rss).toBeLessThan(64 << 20)
      await harness.until(() => transport.counters().open === 1)
      const faults = recorder.closes.filter(({ reason }) => FAULTS.has(reason))
      expect(recorder.closes.length).toBe(recorder.links.length - 1)
      expect(faults.length).toBe(10_000)
      await friendIsWell()
    }, 30_000)
  })
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
