/** The same bytes to the native endpoint and to its twin: the same frames, and the same reason to close. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'
import { createNativeTransport } from '../../src/transports/native.ts'
import { createTcpTransport } from '../../src/transports/tcp.ts'
import type { CloseReason, FrameRing, Link, Transport, TransportOptions } from '../../src/transports/transport.ts'
import * as L from '../../src/wire/layout.ts'
import { helloBytes } from '../transports/frames.ts'

interface Verdict {
  frames: string[]
  reason: CloseReason
}

/** Judges one connection after the other. */
class Judge {
  readonly transport: Transport
  port = 0
  #frames: string[] = []
  #done: (verdict: Verdict) => void = () => {}

  constructor(create: (options: TransportOptions) => Transport) {
    this.transport = create({ outputBytes: 1 << 20, connections: 100, handler: this })
  }

  async judge(bytes: Uint8Array): Promise<Verdict> {
    this.#frames = []
    const verdict = new Promise<Verdict>((resolve) => {
      this.#done = resolve
    })
    const socket = connect(this.port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    // Not resumed: an answer to what was closed early must not break what is still being written.
    socket.end(bytes)
    const result = await verdict
    socket.destroy()
    return result
  }

  opened(): void {}
  drained(): void {}
  batchEnd(): void {}

  frame(_link: Link, ring: FrameRing, offset: number, length: number): void {
    this.#frames.push(
      createHash('sha1')
        .update(ring.bytes.subarray(offset, offset + length))
        .digest('hex'),
    )
  }

  closed(_link: Link, reason: CloseReason): void {
    this.#done({ frames: this.#frames, reason })
  }
}

/** Frames that are mostly right, with one byte that may be anything. */
const frame = fc
  .record({
    body: fc.integer({ min: 0, max: 300 }),
    type: fc.constantFrom(L.TYPE_HELLO, L.TYPE_REQUEST, 999),
    extensions: fc.integer({ min: 0, max: L.EXTENSIONS_KNOWN }),
    address: fc.constantFrom(0, 1, 8, 22, 255, 65_535),
    lie: fc.constantFrom(0, 0, 0, -1, 1, 100_000),
    flipAt: fc.option(fc.integer({ min: 4, max: 120 })),
    flip: fc.integer({ min: 1, max: 255 }),
  })
  .map(({ body, type, extensions, address, lie, flipAt, flip }) => {
    const origin = (extensions & L.EXT_ORIGIN) !== 0
    const owner = (extensions & L.EXT_OWNER) !== 0
    const fixed = (origin ? L.ORIGIN_FIXED_BYTES : 0) + (owner ? L.OWNER_FIXED_BYTES : 0)
    const before =
      L.HEADER_BYTES +
      ((extensions & L.EXT_TARGET) !== 0 ? L.TARGET_BYTES : 0) +
      ((extensions & L.EXT_DEADLINE) !== 0 ? L.DEADLINE_BYTES : 0) +
      ((extensions & L.EXT_TRACE) !== 0 ? L.TRACE_BYTES : 0) +
      ((extensions & L.EXT_FRAGMENT) !== 0 ? L.FRAGMENT_BYTES : 0)
    const length = before + (origin || owner ? L.padded(fixed + (address & 0xff)) : 0) + body
    const bytes = new Uint8Array(L.padded(length))
    const view = new DataView(bytes.buffer)
    view.setUint32(L.AT_LENGTH, length + lie, true)
    view.setUint16(L.AT_TYPE, type, true)
    view.setUint16(L.AT_EXTENSIONS, extensions, true)
    bytes[L.AT_VERSION] = L.PROTOCOL_VERSION
    if (origin || owner) view.setUint16(before, address, true)
    if (flipAt !== null && flipAt < bytes.length) bytes[flipAt]! ^= flip
    return bytes
  })

describe.skipIf(!loadNative().ok)('native and twin', () => {
  let judges: Judge[] = []

  beforeAll(async () => {
    judges = [new Judge(createNativeTransport), new Judge(createTcpTransport)]
    for (const judge of judges) judge.port = (await judge.transport.listen('127.0.0.1', 0)).port
  })
  afterAll(async () => {
    await Promise.all(judges.map((judge) => judge.transport.destroy()))
  })

  async function agree(bytes: Uint8Array): Promise<void> {
    const [native, twin] = await Promise.all(judges.map((judge) => judge.judge(bytes)))
    expect(native).toEqual(twin)
  }

  test('agree on sequences of frames, good and bad', async () => {
    const stream = fc
      .record({ greets: fc.constantFrom(true, true, true, false), frames: fc.array(frame, { maxLength: 6 }) })
      .map(({ greets, frames }) => Buffer.concat([...(greets ? [helloBytes] : []), ...frames]))
    await fc.assert(fc.asyncProperty(stream, agree), { numRuns: 600 })
  })

  test('agree on random bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), agree), { numRuns: 200 })
  })
})
