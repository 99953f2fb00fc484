/** What the native transport promises beyond the conformance suite: where bytes are, and how often they are moved. */
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'
import { createNativeTransport, type NativeOptions } from '../../src/transports/native.ts'
import type { Transport } from '../../src/transports/transport.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes, helloBytes, Recorder, sendFrame, sendHello, text } from '../transports/frames.ts'

const ends: (Transport | Socket)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) void end.destroy()
})

function create(options: Partial<NativeOptions> = {}): { transport: Transport; recorder: Recorder } {
  const recorder = new Recorder()
  const transport = createNativeTransport({ outputBytes: 1 << 20, connections: 100, handler: recorder, ...options })
  ends.push(transport)
  return { transport, recorder }
}

async function rawPeer(transport: Transport): Promise<Socket> {
  const { port } = await transport.listen('127.0.0.1', 0)
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => {})
  ends.push(socket)
  return socket
}

function until(recorder: Recorder, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    recorder.onBatchEnd = () => {
      if (condition()) resolve()
    }
  })
}

describe.skipIf(!loadNative().ok)('the receive ring', () => {
  test('is the buffer of every payload view, of all links', async () => {
    const server = create()
    const clients = [create(), create()]
    const { port } = await server.transport.listen('127.0.0.1', 0)
    const buffers = new Set<ArrayBufferLike>()
    server.recorder.onFrame = (_received, ring, offset) => {
      buffers.add(ring.bytes.buffer)
      buffers.add(ring.words.buffer)
      buffers.add(new Uint8Array(ring.bytes.buffer, offset, 8).buffer)
      expect(ring.bytes.buffer.byteLength).toBeGreaterThanOrEqual(16 * L.FRAME_BYTES_MAX)
    }
    for (const { transport } of clients) {
      const link = transport.dial('127.0.0.1', port)
      sendHello(transport, link)
      for (let i = 0; i < 20; i++) sendFrame(transport, link, L.TYPE_REQUEST, new Uint8Array(1000 * i))
    }
    await until(server.recorder, () => server.recorder.frames.length === 42)
    expect(buffers.size).toBe(1)
    expect(server.transport.counters().framesIn).toBe(42)
  })

  test('takes frames as they are read: only partial ones are copied, each byte of them once', async () => {
    const { transport, recorder } = create()
    const socket = await rawPeer(transport)
    const frame = frameBytes(L.TYPE_REQUEST, new Uint8Array(5000).fill(7))
    const whole = Buffer.concat([helloBytes, frame, frame, frame])
    let arrived = until(recorder, () => recorder.frames.length === 4)
    socket.write(whole)
    await arrived
    expect(transport.counters().tailBytesCopied).toBe(0)

    // Cut twice inside the second frame: its first 100 bytes and the next 1,900 wait, its end and the third do not.
    arrived = until(recorder, () => recorder.frames.length === 5)
    socket.write(Buffer.concat([frame, frame.subarray(0, 100)]))
    await arrived
    expect(transport.counters().tailBytesCopied).toBe(100)
    expect(transport.counters().tailBytes).toBe(256)
    const before = transport.counters().reads
    socket.write(frame.subarray(100, 2000))
    while (transport.counters().reads === before) await new Promise(setImmediate)
    expect(transport.counters().tailBytesCopied).toBe(2000)
    arrived = until(recorder, () => recorder.frames.length === 7)
    socket.write(Buffer.concat([frame.subarray(2000), frame]))
    await arrived
    expect(transport.counters().tailBytesCopied).toBe(2000)
    expect(transport.counters().tailBytes).toBe(0)
    for (const { body } of recorder.frames.slice(1)) expect(body).toEqual(new Uint8Array(5000).fill(7))
  })

  test('is crossed once each way for a wake-up, however many frames it brought', async () => {
    const { transport, recorder } = create()
    const socket = await rawPeer(transport)
    let arrived = until(recorder, () => recorder.frames.length === 1)
    socket.write(helloBytes)
    await arrived
    const before = transport.counters()
    recorder.onFrame = ({ link, body }) => {
      sendFrame(transport, link, L.TYPE_REPLY, body)
      // From a promise, too.
      void Promise.resolve().then(() => sendFrame(transport, link, L.TYPE_REPLY, body))
    }
    arrived = until(recorder, () => recorder.frames.length === 501)
    socket.write(Buffer.concat(Array.from({ length: 500 }, (_, i) => frameBytes(L.TYPE_REQUEST, text(`${i}`)))))
    await arrived
    await new Promise(setImmediate)
    const after = transport.counters()
    expect(after.framesOut - before.framesOut).toBe(1000)
    const wakeups = after.wakeups - before.wakeups
    expect(wakeups).toBeLessThan(10)
    expect(after.batches - before.batches).toBe(wakeups)
    expect(after.flushes - before.flushes).toBe(wakeups)
    expect(after.writes - before.writes).toBe(wakeups)
    expect(after.reads - before.reads).toBe(wakeups)
  })

  test('loses no frame when thousands of links close in the same batch', async () => {
    const { transport, recorder } = create({ connections: 10_000 })
    const { port } = await transport.listen('127.0.0.1', 0)
    const sockets = Array.from({ length: 4 }, () => connect({ host: '127.0.0.1', port, noDelay: true }))
    for (const socket of sockets) {
      ends.push(socket.on('error', () => {}))
      socket.write(helloBytes)
    }
    await until(recorder, () => recorder.frames.length === 4)
    // More than one batch takes, so that the rest comes together with the closes.
    const frames = Buffer.concat(Array.from({ length: 1900 }, () => frameBytes(L.TYPE_REQUEST, new Uint8Array())))
    recorder.onFrame = () => {
      recorder.onFrame = undefined
      for (let i = 0; i < 7500; i++) transport.dial('127.0.0.1', 0)
    }
    const arrived = until(recorder, () => recorder.frames.length === 4 + 4 * 1900 && recorder.closes.length === 7500)
    for (const socket of sockets) socket.write(frames)
    await arrived
    expect(transport.closeReasons().unreachable).toBe(7500)
  })

  test('is filled with rubbish after the batch, if asked', async () => {
    const { transport, recorder } = create({ poison: true })
    const socket = await rawPeer(transport)
    let kept: Uint8Array = new Uint8Array()
    recorder.onFrame = (received, ring, offset) => {
      if (received.type === L.TYPE_REQUEST) kept = ring.bytes.subarray(offset + 32, offset + 37)
    }
    recorder.onBatchEnd = undefined
    const arrived = until(recorder, () => recorder.frames.length === 2)
    socket.write(Buffer.concat([helloBytes, frameBytes(L.TYPE_REQUEST, text('alive'))]))
    await arrived
    await new Promise(setImmediate)
    expect(recorder.texts()).toEqual(['alive'])
    expect(new Set(kept).size).toBe(1)
  })

  test('is shared fairly: a flood does not starve a trickle', async () => {
    const { transport, recorder } = create()
    const { port } = await transport.listen('127.0.0.1', 0)
    const flood = frameBytes(L.TYPE_REQUEST, new Uint8Array(60_000))
    const floods = Array.from({ length: 20 }, () => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.on('error', () => {})
      ends.push(socket)
      const pour = () => {
        while (socket.writable && socket.write(flood));
      }
      socket.on('drain', pour).write(helloBytes, pour)
      return socket
    })
    expect(floods.length).toBe(20)
    await until(recorder, () => recorder.frames.length > 100)
    const trickle = connect({ host: '127.0.0.1', port })
    ends.push(trickle.on('error', () => {}))
    const before = transport.counters().batches
    const arrived = until(recorder, () => recorder.texts().includes('trickle'))
    trickle.write(Buffer.concat([helloBytes, frameBytes(L.TYPE_REQUEST, text('trickle'))]))
    await arrived
    expect(transport.counters().batches - before).toBeLessThan(200)
    recorder.frames.length = 0
  })
})

describe.skipIf(!loadNative().ok)('descriptors', () => {
  test('of a destroyed endpoint are all closed', async () => {
    const count = () => readdirSync('/dev/fd').length
    const before = count()
    for (let i = 0; i < 20; i++) {
      const { transport } = create()
      const { port } = await transport.listen('127.0.0.1', 0)
      transport.dial('127.0.0.1', port)
      await transport.destroy()
    }
    expect(count()).toBeLessThanOrEqual(before)
  })
})

describe.skipIf(!loadNative().ok)('addresses', () => {
  test.each([
    ['::1', '::1', '::1'],
    ['::', '127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1', '127.0.0.1'],
  ])('listening on %s and dialed at %s: the other end is %s', async (listen, dial, seen) => {
    const server = create()
    const client = create()
    let bound: { host: string; port: number }
    try {
      bound = await server.transport.listen(listen, 0)
    } catch {
      return // a machine without IPv6
    }
    const link = client.transport.dial(dial, bound.port)
    await until(server.recorder, () => server.recorder.links.length === 1)
    expect(server.recorder.links[0]).toMatchObject({ dialed: false, remoteHost: seen })
    expect(link).toMatchObject({ dialed: true, remoteHost: dial, remotePort: bound.port })
  })
})
