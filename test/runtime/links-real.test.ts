/** The connection layer over real sockets, in every mix of transports. */
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'
import { SystemClock, SystemRandom } from '../../src/runtime/clock.ts'
import { Links } from '../../src/runtime/links.ts'
import { createNativeTransport } from '../../src/transports/native.ts'
import { createTcpTransport } from '../../src/transports/tcp.ts'
import { encodeGoodbye } from '../../src/wire/hello.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes, helloBytes } from '../transports/frames.ts'
import { type MakeTransport, RealHarness, turn } from '../transports/harness.ts'
import { clientHello, idOf, limits, request, Told, timing } from './links-setup.ts'

const mixes: [string, MakeTransport, MakeTransport][] = [['tcp and tcp', createTcpTransport, createTcpTransport]]
if (loadNative().ok) {
  mixes.push(['native and native', createNativeTransport, createNativeTransport])
  mixes.push(['native and tcp', createNativeTransport, createTcpTransport])
}

describe.each(mixes)('links over %s', (_, makeA, makeB) => {
  const { until } = new RealHarness(makeA, makeB)
  const open: Links[] = []

  afterEach(async () => {
    await Promise.all(open.splice(0).map((links) => links.destroy()))
  })

  async function member(make: MakeTransport, change: Partial<typeof timing> = {}) {
    const told = new Told()
    const links = new Links({
      transport: make,
      handler: told,
      clock: new SystemClock(),
      random: new SystemRandom(),
      self: { role: 'member', network: 'test', address: '', incarnations: [1n] },
      idOf,
      limits,
      timing: { ...timing, ...change },
    })
    open.push(links)
    const { host, port } = await links.listen('127.0.0.1', 0)
    const address = `${host}:${port}`
    links.identify({ address })
    return { links, told, address, port }
  }

  test('hello, frames both ways, goodbye', async () => {
    const a = await member(makeA)
    const b = await member(makeB)
    b.told.onFrame = (session) => b.links.sendOn(session, request('answer'), 'own')
    for (let i = 0; i < 100; i++) a.links.send(b.address, request(`${i}`), 'routing', 'own')
    await until(() => a.told.frames.length === 100)
    expect(b.told.texts()).toEqual(Array.from({ length: 100 }, (_unused, i) => `${i}`))
    expect(b.told.ups[0]!.peers[0]).toEqual({ id: idOf(a.address, 0), address: a.address, incarnation: 1n })
    await a.links.leave()
    expect(b.told.causes()).toEqual(['leaving'])
    expect(a.links.counts().total).toBe(0)
    b.links.open(a.address, 'routing')
    await until(() => b.told.downs.length === 2)
    expect(b.told.causes()).toEqual(['leaving', 'refused'])
  })

  test('nobody waits behind megabytes', async () => {
    const a = await member(makeA)
    const b = await member(makeB)
    a.links.open(b.address, 'routing')
    await until(() => a.told.ups.length === 1)
    for (let i = 0; i < 4; i++)
      expect(a.links.send(b.address, request(`${i}`.repeat(1 << 20)), 'routing', 'own')).toBe(true)
    a.links.send(b.address, request('small'), 'routing', 'own')
    await until(() => b.told.frames.length === 5)
    const texts = b.told.texts()
    expect(texts.indexOf('small')).toBeLessThan(3)
    expect(texts.filter((body) => body !== 'small').map((body) => [body[0], body.length])).toEqual(
      ['0', '1', '2', '3'].map((digit) => [digit, 1 << 20]),
    )
  })

  test('a hello that makes no sense is refused, counted, and answered with why', async () => {
    const b = await member(makeB)
    const answers: Buffer[] = []
    const socket = connect(b.port, '127.0.0.1')
    socket.on('data', (chunk) => answers.push(chunk))
    socket.write(helloBytes)
    await new Promise((resolve) => socket.once('close', resolve))
    const answer = Buffer.concat(answers)
    expect(answer.readUInt16LE(L.AT_TYPE)).toBe(L.TYPE_HELLO)
    expect(answer[L.HEADER_BYTES + 13]).toBe(7)
    expect(b.links.refused().hello).toBe(1)
    expect(b.told.ups).toEqual([])
    await until(() => b.links.counts().total === 0)
  })

  test('silence is closed after connectMs', async () => {
    const b = await member(makeB, { connectMs: 50 })
    const socket = connect(b.port, '127.0.0.1')
    socket.on('error', () => {})
    await new Promise((resolve) => socket.resume().once('close', resolve))
    expect(b.links.refused().silence).toBe(1)
  })

  test('who says goodbye and reads nothing any more is closed after connectMs', async () => {
    const b = await member(makeB, { connectMs: 300 })
    const socket = connect(b.port, '127.0.0.1')
    socket.on('error', () => {}).pause()
    socket.write(clientHello())
    await until(() => b.told.ups.length === 1)
    const session = b.told.ups[0]!
    // Until the kernel takes no more.
    for (let full = 0; full < 10; full++) {
      while (b.links.sendOn(session, request('x'.repeat(16_000)), 'own'));
      await turn(10)
    }
    socket.write(encodeGoodbye('idle'))
    await until(() => b.told.causes().includes('idle'))
    expect(b.links.counts().total).toBe(1)
    await until(() => b.links.counts().total === 0)
    socket.destroy()
  })

  test('an unfinished message is forgotten with its connection', async () => {
    const a = await member(makeA)
    const b = await member(makeB)
    a.links.open(b.address, 'routing')
    await until(() => a.told.ups.length === 1)
    a.links.send(b.address, request('x'.repeat(1 << 20)), 'routing', 'own')
    await a.links.destroy()
    await until(() => b.told.downs.length === 1)
    expect(b.told.causes()).toEqual(['lost'])
    const again = await member(makeA)
    again.links.send(b.address, request('y'.repeat(1 << 20)), 'routing', 'own')
    await until(() => b.told.texts().some((body) => body.startsWith('y')))
  })

  test('a type of the connection that we never send ends it, batch-mates before it count', async () => {
    const a = await member(makeA)
    const b = await member(makeB)
    a.links.send(b.address, request('before'), 'routing', 'own')
    a.links.send(b.address, frameBytes(9, new Uint8Array(8)), 'routing', 'own')
    a.links.send(b.address, request('after'), 'routing', 'own')
    await until(() => b.told.downs.length === 1)
    expect(b.told.texts()).toEqual(['before'])
    expect(b.links.refused().type).toBe(1)
    await turn(0)
  })
})
