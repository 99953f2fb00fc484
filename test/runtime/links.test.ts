import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { Links } from '../../src/runtime/links.ts'
import { SimulatedNetwork } from '../../src/transports/simulated.ts'
import type { Link, Transport, TransportHandler } from '../../src/transports/transport.ts'
import { makeRing, ringOver } from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes, writeFrame } from '../transports/frames.ts'
import { client, clientHello, idOf, limits, member, request, Told, timing } from './links-setup.ts'

let network: SimulatedNetwork

beforeEach(() => {
  network = new SimulatedNetwork({ seed: 7 })
})

describe('hello', () => {
  test('both ends learn who is there, and frames that waited arrive in order', async () => {
    const a = await member(network, '10.0.0.1', { self: { incarnations: [7n, 8n] } })
    const b = await member(network, '10.0.0.2')
    for (let i = 0; i < 5; i++) expect(a.links.send(b.address, request(`m${i}`), 'routing', 'own')).toBe(true)
    await network.run(50)
    expect(b.told.texts()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4'])
    const [there] = b.told.ups
    expect(there).toMatchObject({ role: 'member', address: a.address, purpose: 'accepted', up: true })
    expect(there!.peers).toEqual([
      { id: idOf(a.address, 0), address: a.address, incarnation: 7n },
      { id: idOf(a.address, 1), address: a.address, incarnation: 8n },
    ])
    expect(a.told.ups[0]).toMatchObject({ address: b.address, purpose: 'routing', observedHost: '10.0.0.2' })
    expect(a.links.observedHost).toBe('10.0.0.1')
    expect(a.links.session(b.address)).toBe(a.told.ups[0])
  })

  test('an established session is written to in place, both ways', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    a.links.open(b.address, 'routing')
    await network.run(50)
    const back = b.links.session(a.address)!
    const at = b.links.reserve(back, 40, 'own')
    writeFrame(b.links.tx, at, L.TYPE_REQUEST, new TextEncoder().encode('in place'))
    b.links.commit(back, at, 40)
    await network.run(50)
    expect(a.told.texts()).toEqual(['in place'])
    expect(b.links.counts()).toEqual({ routing: 0, reply: 0, accepted: 1, total: 1 })
  })

  test('a client has a random id and an empty address, and is answered on its session', async () => {
    const b = await member(network, '10.0.0.2')
    const c = client(network, '10.0.0.9')
    c.links.send(b.address, request('hi'), 'routing', 'own')
    await network.run(50)
    const [session] = b.told.ups
    expect(session).toMatchObject({ role: 'client', address: '', incarnations: [0n] })
    expect(session!.peers[0]!.id).toBe(session!.ids[0])
    expect(b.links.sendOn(session!, request('ho'), 'own')).toBe(true)
    await network.run(50)
    expect(c.told.texts()).toEqual(['ho'])
  })

  test.each([
    ['another network', { network: 'other' }, 'network'],
    ['an address that is taken', { address: '10.0.0.2:7000' }, 'duplicate'],
    ['an address that is none', { address: 'nonsense' }, 'hello'],
  ])('%s is refused, and the dialer learns why', async (_, self, rejection) => {
    const a = await member(network, '10.0.0.1', { self })
    const b = await member(network, '10.0.0.2')
    a.links.send(b.address, request('never'), 'routing', 'own')
    await network.run(100)
    expect(a.told.causes()).toEqual([`rejected: ${rejection}`])
    expect(a.told.downs[0]!.session).toBeUndefined()
    expect(b.told.ups).toEqual([])
    expect(b.told.frames).toEqual([])
    expect(b.links.refused()[rejection]).toBe(1)
    expect(b.links.counts().total + a.links.counts().total).toBe(0)
  })

  test('a connection to oneself is noticed, by whatever name', async () => {
    const a = await member(network, '10.0.0.1', { self: { address: 'alias:7000' } })
    a.links.open('10.0.0.1:7000', 'routing')
    await network.run(100)
    expect(a.told.causes()).toEqual(['rejected: self'])
  })

  test('a member that does not know its address learns its host, and is a member once it says so', async () => {
    const a = await member(network, '10.0.0.1', { self: { address: '' } })
    const b = await member(network, '10.0.0.2')
    a.links.open(b.address, 'routing')
    await network.run(50)
    expect(b.told.ups[0]!.role).toBe('client')
    expect(a.links.observedHost).toBe('10.0.0.1')
    a.links.identify({ address: '10.0.0.1:7000' })
    a.links.send(b.address, request('again'), 'routing', 'own')
    await network.run(50)
    expect(b.told.ups[1]).toMatchObject({ role: 'member', address: '10.0.0.1:7000' })
    expect(b.told.causes()).toEqual(['idle'])
    expect(a.told.causes()).toEqual(['local'])
    expect(b.told.texts()).toEqual(['again'])
  })

  test('a contact that says where we are in other than an address is not believed', async () => {
    const a = await member(network, '10.0.0.1', { self: { address: '' } })
    const answer = clientHello({ role: 'member', address: '10.0.0.9:7000', incarnations: [1n], observedHost: 'you' })
    const liar: Transport = network.createTransport('10.0.0.9', {
      handler: {
        opened() {},
        frame(link) {
          const at = liar.reserve(link, answer.length, 'own')
          liar.tx.bytes.set(answer, at)
          liar.commit(link, at, answer.length)
        },
        closed() {},
        drained() {},
        batchEnd() {},
      },
      outputBytes: 1000,
      connections: 1,
    })
    await liar.listen('10.0.0.9', 7000)
    a.links.open('10.0.0.9:7000', 'routing')
    await network.run(50)
    expect(a.told.ups.length).toBe(1)
    expect(a.links.observedHost).toBe(undefined)
  })
})

describe('dialing', () => {
  test('nobody listens: refused; nobody there: unreachable, within connectMs', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    await member(network, '10.0.0.3')
    network.kill(b.address)
    network.kill('10.0.0.3:7000', { silent: true })
    a.links.open(b.address, 'routing')
    a.links.open('10.0.0.3:7000', 'routing')
    a.links.open('not an address', 'routing')
    await network.run(timing.connectMs + 100)
    expect(a.told.downs.map((down) => [down.address, down.cause])).toEqual([
      ['not an address', 'unreachable'],
      [b.address, 'refused'],
      ['10.0.0.3:7000', 'unreachable'],
    ])
  })

  test('names are resolved, all their hosts tried, and the session is found by the name too', async () => {
    const resolve = async (host: string) => {
      if (host !== 'ring.example') throw new Error('no such name')
      return ['10.0.0.8', '10.0.0.2']
    }
    const a = await member(network, '10.0.0.1', { resolve })
    const b = await member(network, '10.0.0.2')
    a.links.send('dns://ring.example:7000', request('x'), 'routing', 'own')
    a.links.open('nowhere.example:7000', 'routing')
    await network.run(100)
    expect(b.told.texts()).toEqual(['x'])
    expect(a.links.session('dns://ring.example:7000')).toBe(a.links.session(b.address))
    expect(a.told.downs).toEqual([{ address: 'nowhere.example:7000', cause: 'unreachable' }])
  })

  test('a resolver that never answers, or throws, is unreachable', async () => {
    const resolve = (host: string) => {
      if (host === 'throws.example') throw new Error('at once')
      return new Promise<never>(() => {})
    }
    const a = await member(network, '10.0.0.1', { resolve })
    a.links.open('hangs.example:7000', 'routing')
    a.links.open('throws.example:7000', 'routing')
    await network.run(timing.connectMs + 10)
    expect(a.told.downs.map((down) => `${down.address} ${down.cause}`)).toEqual([
      'throws.example:7000 unreachable',
      'hangs.example:7000 unreachable',
    ])
  })

  test('what waits for a dial is bounded', async () => {
    const a = await member(network, '10.0.0.1', { limits: { outputBytes: 1000 } })
    const b = await member(network, '10.0.0.2')
    let taken = 0
    while (a.links.send(b.address, request('y'.repeat(100)), 'routing', 'own')) taken++
    expect(taken).toBe(8)
    await network.run(100)
    expect(b.told.frames.length).toBe(8)
  })

  test('both dial at once: everything arrives, and one connection outlives the other', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    a.links.send(b.address, request('from a'), 'routing', 'own')
    b.links.send(a.address, request('from b'), 'routing', 'own')
    await network.run(100)
    expect(a.told.texts()).toEqual(['from b'])
    expect(b.told.texts()).toEqual(['from a'])
    const first = a.links.session(b.address)!
    a.links.close(first)
    const second = a.links.session(b.address)
    expect(second).toBeDefined()
    expect(second).not.toBe(first)
    await network.run(100)
    expect(a.links.counts().total).toBe(1)
  })
})

describe('the end of a session', () => {
  test('killed: lost at once; silent: nothing until somebody asks', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    const c = await member(network, '10.0.0.3')
    a.links.open(b.address, 'routing')
    a.links.open(c.address, 'routing')
    await network.run(100)
    network.kill(b.address)
    network.kill(c.address, { silent: true })
    await network.run(10)
    expect(a.told.downs).toMatchObject([{ address: b.address, cause: 'lost' }])
    expect(a.links.session(b.address)).toBeUndefined()
    expect(a.links.session(c.address)).toBeDefined()
  })

  test('idle connections end announced, kept ones stay', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    const c = await member(network, '10.0.0.3')
    a.links.open(b.address, 'routing')
    a.links.open(c.address, 'routing')
    a.links.keep(new Set([b.address]))
    await network.run(2 * timing.idleMs)
    expect(c.told.causes()).toEqual(['idle'])
    expect(a.told.downs).toMatchObject([{ address: c.address, cause: 'local' }])
    expect(a.links.session(b.address)).toBeDefined()
    a.links.keep(new Set())
    await network.run(2 * timing.idleMs)
    expect(a.links.counts().total).toBe(0)
  })

  test('a request that crosses an idle goodbye is still delivered', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    a.links.open(b.address, 'routing')
    await network.run(100)
    a.links.close(a.links.session(b.address)!)
    b.links.send(a.address, request('crossing'), 'reply', 'own')
    await network.run(100)
    expect(a.told.texts()).toEqual(['crossing'])
    expect(b.told.causes()).toEqual(['idle'])
    expect(b.links.counts().total).toBe(0)
  })

  test('reply connections: the least recently used one goes', async () => {
    const a = await member(network, '10.0.0.1')
    const others = []
    for (let i = 0; i < limits.replyConnections + 2; i++) others.push(await member(network, `10.0.1.${i}`))
    for (const other of others) {
      expect(a.links.send(other.address, request('answer'), 'reply', 'own')).toBe(true)
      await network.run(20)
      a.links.send(others[0]!.address, request('again'), 'reply', 'own')
      await network.run(20)
    }
    expect(a.links.counts()).toMatchObject({ reply: limits.replyConnections, total: limits.replyConnections })
    expect(a.links.session(others[0]!.address)).toBeDefined()
    expect(a.links.session(others[1]!.address)).toBeUndefined()
    expect(others[1]!.told.causes()).toEqual(['idle'])
    expect(others.every((other) => other.told.texts().includes('answer'))).toBe(true)
  })

  test('a reply connection is kept for its address only once it is a routing one', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    const c = await member(network, '10.0.0.3')
    for (const { address } of [b, c]) a.links.open(address, 'reply')
    await network.run(100)
    a.links.keep(new Set([b.address, c.address]))
    a.links.open(c.address, 'routing')
    expect(a.links.counts()).toMatchObject({ routing: 1, reply: 1 })
    await network.run(2 * timing.idleMs)
    expect(b.told.causes()).toEqual(['idle'])
    expect(c.told.causes()).toEqual([])
  })

  test('leaving is said to all, and resolves when they have closed', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    const c = client(network, '10.0.0.3')
    a.links.open(b.address, 'routing')
    c.links.open(a.address, 'routing')
    await network.run(100)
    await network.settle(a.links.leave(), 100)
    expect(b.told.causes()).toEqual(['leaving'])
    expect(c.told.causes()).toEqual(['leaving'])
    expect(a.links.send(b.address, request('x'), 'routing', 'own')).toBe(false)
    b.links.open(a.address, 'routing')
    await network.run(100)
    expect(b.told.causes()).toEqual(['leaving', 'refused'])
  })
})

describe('misbehavior', () => {
  test('frame types that no version of ours sends close the session, counted', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    a.links.open(b.address, 'routing')
    await network.run(100)
    const session = a.links.session(b.address)!
    const at = a.links.reserve(session, 32, 'own')
    a.links.commit(session, at, writeFrame(a.links.tx, at, 9, new Uint8Array()))
    await network.run(100)
    expect(b.told.causes()).toEqual(['lost'])
    expect(b.links.refused().type).toBe(1)
    expect(a.told.causes()).toEqual(['lost'])
  })

  test('whatever frames come, the session goes on or ends, counted', async () => {
    const interesting = fc.oneof(fc.integer({ min: 0, max: 80 }), fc.nat(0xffffffff))
    const anyFrame = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.array(interesting, { maxLength: 16 }), fc.nat(31))
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 8 }), async (frames) => {
        network = new SimulatedNetwork()
        const a = await member(network, '10.0.0.1')
        const b = await member(network, '10.0.0.2')
        a.links.open(b.address, 'routing')
        await network.run(20)
        for (const [type, words, extensions] of frames) {
          const frame = frameBytes(type, new Uint8Array(new Uint32Array(words).buffer))
          frame[L.AT_EXTENSIONS] = type === L.TYPE_FRAGMENT ? L.EXT_FRAGMENT : extensions
          a.links.send(b.address, frame.subarray(0, L.HEADER_BYTES + 4 * words.length), 'routing', 'own')
        }
        await network.run(20)
        const refused = Object.values(b.links.refused()).reduce((sum, count) => sum + count, 0)
        const goodbyes = frames.some(([type]) => type === L.TYPE_GOODBYE)
        expect(b.links.counts().accepted === 1 || refused > 0 || goodbyes).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('who connects and says nothing is closed after connectMs', async () => {
    const b = await member(network, '10.0.0.2')
    const quiet = network.createTransport('10.0.0.9', {
      handler: { opened() {}, frame() {}, closed() {}, drained() {}, batchEnd() {} },
      outputBytes: 1000,
      connections: 1,
    })
    quiet.dial('10.0.0.2', 7000)
    await network.run(100)
    expect(b.links.counts().total).toBe(1)
    await network.run(timing.connectMs)
    expect(b.links.counts().total).toBe(0)
    expect(b.links.refused().silence).toBe(1)
  })
})

describe('large messages', () => {
  test('arrive whole, in order; small ones overtake them', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    const large = ['x', 'y', 'z'].map((letter) => letter.repeat(500_000))
    for (const body of large) expect(a.links.send(b.address, request(body), 'routing', 'own')).toBe(true)
    await network.run(2)
    const session = a.links.session(b.address)
    if (session !== undefined) a.links.sendOn(session, request('small'), 'own')
    await network.run(1000)
    const texts = b.told.texts()
    expect(texts.filter((body) => body !== 'small')).toEqual(large)
    expect(texts.at(-1)).not.toBe('small')
  })

  test('leave room in the queue of a link that does not move', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    a.links.open(b.address, 'routing')
    await network.run(100)
    const { link } = a.links.session(b.address)!
    network.partition(['10.0.0.2'])
    for (let i = 0; i < 3; i++) a.links.send(b.address, request('m'.repeat(1 << 20)), 'routing', 'own')
    await network.run(1000)
    expect(link.queuedBytes).toBeGreaterThan(0)
    expect(link.queuedBytes).toBeLessThanOrEqual(3 * 32_768)
    network.heal()
    await network.run(3000)
    expect(b.told.frames.length).toBe(3)
  })

  test('too many of them are refused, the rest arrives', async () => {
    const a = await member(network, '10.0.0.1')
    const b = await member(network, '10.0.0.2')
    a.links.open(b.address, 'routing')
    await network.run(100)
    let sent = 0
    while (sent < 100 && a.links.send(b.address, request('m'.repeat(1 << 20)), 'routing', 'own')) sent++
    expect(sent).toBeGreaterThan(3)
    expect(sent).toBeLessThan(8)
    await network.run(5000)
    expect(b.told.frames.length).toBe(sent)
  })

  test('thousands of small unfinished ones make room for a large one', async () => {
    // A transport that only hears: no network could bring so many connections about here.
    let handler!: TransportHandler
    const told = new Told()
    const links = new Links({
      transport: (options) => {
        handler = options.handler
        const nothing = () => {}
        const transport = {
          tx: makeRing(1024),
          reserve: () => 0,
          commit: nothing,
          close: nothing,
          closeReasons: () => ({}),
        }
        return transport as unknown as Transport
      },
      handler: told,
      clock: network.clock,
      random: network.random,
      self: { role: 'member', network: 'test', address: '10.0.0.1:1', incarnations: [1n] },
      idOf,
      limits,
      timing,
    })
    const hear = (link: Link, frame: Uint8Array) =>
      handler.frame(link, ringOver(frame.buffer as ArrayBuffer, 0, frame.length), 0, frame.length)
    const begin = (total: number) => {
      const link = { dialed: false, remoteHost: '10.0.0.2', session: undefined } as unknown as Link
      handler.opened(link)
      hear(link, clientHello())
      const fragment = makeRing(L.HEADER_BYTES + L.FRAGMENT_BYTES + 8)
      writeFrame(fragment, 0, L.TYPE_FRAGMENT, new Uint8Array(L.FRAGMENT_BYTES + 8))
      fragment.halves[L.AT_EXTENSIONS >>> 1] = L.EXT_FRAGMENT
      fragment.words.set([total, 0, 1], L.HEADER_BYTES >>> 2)
      hear(link, fragment.bytes)
    }
    for (let i = 0; i < 14_000; i++) begin(33)
    for (let i = 0; i < 31; i++) begin(1 << 20)
    expect(links.refused().reassembly ?? 0).toBe(0)
    begin(1 << 20)
    expect(links.refused().reassembly).toBe(14_000)
  })

  test('over the limit of a message: the session ends', async () => {
    const a = await member(network, '10.0.0.1', { limits: { payloadBytes: 4 << 20 } })
    const b = await member(network, '10.0.0.2')
    a.links.send(b.address, request('m'.repeat(2 << 20)), 'routing', 'own')
    await network.run(1000)
    expect(b.told.frames).toEqual([])
    expect(b.links.refused().fragment).toBe(1)
    expect(a.told.causes()).toEqual(['lost'])
  })
})

test('the same seed gives the same run', async () => {
  const trace = async () => {
    const net = new SimulatedNetwork({ seed: 11 })
    const ends = await Promise.all([1, 2, 3, 4].map((i) => member(net, `10.0.0.${i}`)))
    for (const from of ends) for (const to of ends) from.links.send(to.address, request(from.address), 'routing', 'own')
    await net.run(500)
    return ends.map((end) => [end.told.texts(), end.told.causes(), end.links.transport.counters()])
  }
  expect(await trace()).toEqual(await trace())
})
