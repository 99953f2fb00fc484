/** The same bytes, sent to the native endpoint and to its twin, must be the same frames and the same end. */
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'
import { createNativeTransport } from '../../src/transports/native.ts'
import { createTcpTransport } from '../../src/transports/tcp.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes, helloBytes, Recorder } from './frames.ts'
import { type MakeTransport, RealHarness } from './harness.ts'

const { ok } = loadNative()

describe.skipIf(!ok)('native and tcp read the same', () => {
  const harness = new RealHarness(createNativeTransport, createTcpTransport)
  const ends: { recorder: Recorder; port: number }[] = []

  beforeAll(async () => {
    for (const make of [createNativeTransport, createTcpTransport] satisfies MakeTransport[]) {
      const recorder = new Recorder()
      const { transport } = harness.make(make, { recorder })
      ends.push({ recorder, port: (await transport.listen('127.0.0.1', 0)).port })
    }
  })

  afterAll(() => harness.stop())

  /** What the end makes of the bytes, which come in chunks of those sizes, over and over. */
  async function read(end: (typeof ends)[number], bytes: Uint8Array, chunks: readonly number[] = [bytes.length]) {
    const { recorder } = end
    const [frames, closes] = [recorder.frames.length, recorder.closes.length]
    const socket = connect({ port: end.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.resume()
    for (let at = 0, i = 0; at < bytes.length && !socket.destroyed; i++) {
      const next = at + Math.max(1, chunks[i % chunks.length]!)
      await new Promise((resolve) => socket.write(bytes.subarray(at, next), resolve))
      at = next
    }
    socket.end()
    await harness.until(() => recorder.closes.length > closes)
    const types = recorder.frames.slice(frames).map((frame) => [frame.type, Buffer.from(frame.body).toString('hex')])
    return { types, reason: recorder.closes[closes]!.reason }
  }

  /** A frame of which some header bytes are changed to values that are interesting there. */
  const frame = fc
    .tuple(
      fc.uint8Array({ maxLength: 120, size: 'max' }),
      fc.array(
        fc.tuple(
          fc.constantFrom(0, 1, 2, 4, 6, 17, 18, 20, 21, 32, 33, 39, 64),
          fc.constantFrom(0, 1, 2, 8, 16, 17, 31, 32, 64, 255),
        ),
        { maxLength: 2 },
      ),
      fc.nat(L.EXTENSIONS_KNOWN),
    )
    .map(([body, changes, extensions]) => {
      const bytes = frameBytes(L.TYPE_REQUEST, body)
      if (body.length > 60) bytes[L.AT_EXTENSIONS] = extensions
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      return bytes
    })

  test('frames with anything wrong in them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 6 }), fc.nat(40), async (frames, cut) => {
        const all = Buffer.concat([helloBytes, ...frames])
        const bytes = cut < 20 ? all.subarray(0, all.length - cut) : all
        const [native, tcp] = [await read(ends[0]!, bytes), await read(ends[1]!, bytes)]
        expect(native).toEqual(tcp)
      }),
      { numRuns: 300 },
    )
  })

  test('the same in chunks of any sizes', async () => {
    const chunks = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 6 }), chunks, async (frames, cuts) => {
        const bytes = Buffer.concat([helloBytes, ...frames])
        const whole = await read(ends[0]!, bytes)
        const [native, tcp] = [await read(ends[0]!, bytes, cuts), await read(ends[1]!, bytes, cuts)]
        expect(native.types).toEqual(whole.types)
        expect(tcp.types).toEqual(whole.types)
        expect([native.reason, tcp.reason]).toEqual([whole.reason, whole.reason])
      }),
      { numRuns: 100 },
    )
  })

  test('bytes that are anything', async () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(fc.boolean(), bytes, bytes, async (greets, first, second) => {
        const all = Buffer.concat([greets ? helloBytes : new Uint8Array(0), first, second])
        const cuts = [first.length + 1]
        expect(await read(ends[0]!, all, cuts)).toEqual(await read(ends[1]!, all, cuts))
      }),
      { numRuns: 100 },
    )
  })
})
