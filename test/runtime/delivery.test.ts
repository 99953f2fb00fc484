/** What a receiver does with frames that come twice, late, too often or with nonsense; said by a member made by hand. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ChordNode, Id, type MessageType, raw } from '../../src/index.ts'
import { Links } from '../../src/runtime/links.ts'
import { idOf, Peers } from '../../src/runtime/peers.ts'
import type { Self, Session } from '../../src/runtime/session.ts'
import { decodeFailure, FAIL_HOP_LIMIT, FAIL_UNSETTLED, readOwner } from '../../src/wire/answers.ts'
import {
  type FrameMemory,
  frameCopy,
  frameMemory,
  methodOf,
  originBytes,
  readHigh,
  readLow,
  readType,
  writeDeadline,
  writeHeader,
  writeMethod,
  writeOrigin,
  writeTarget,
} from '../../src/wire/frames.ts'
import { bodyOffset } from '../../src/wire/framing.ts'
import {
  AT_HOPS,
  EXT_DEADLINE,
  EXT_ORIGIN,
  EXT_OWNER,
  EXT_TARGET,
  FLAG_FINAL,
  FLAG_IDEMPOTENT,
  FRAME_BYTES_MAX,
  HEADER_BYTES,
  ROLE_MEMBER,
  TYPE_FAILURE,
  TYPE_REPLY,
  TYPE_REQUEST,
} from '../../src/wire/layout.ts'
import { SimulatedRing } from './simulated-ring.ts'

const COUNT: MessageType<Uint8Array, Uint8Array> = { name: 'count', request: raw, reply: raw }
const ADDRESS = '10.9.0.1:7000'
const INCARNATION = 77n
const NOTHING = new Uint8Array(0)

let ring: SimulatedRing
let served = 0
let links: Links
let session: Session
let received: FrameMemory[]

beforeEach(async () => {
  served = 0
  received = []
  ring = new SimulatedRing()
  await ring.grow(1, { limits: { duplicates: 4 } }, (node) => {
    node.handle(COUNT, () => Uint8Array.of(++served))
  })
  links = connections('10.9.0.1', {
    role: 'member',
    network: 'chordite',
    address: ADDRESS,
    incarnations: [INCARNATION],
  })
  await links.listen('10.9.0.1', 7_000)
  links.open(ring.nodes[0]!.address, 'routing')
  await ring.run(20)
})

afterEach(() => links.destroy())

/** `session` is the one to the first node. */
function connections(host: string, self: Self): Links {
  const { network } = ring
  return new Links({
    transport: (options) => network.createTransport(host, options),
    handler: {
      peerFrame: (_, memory, at, length) => {
        if (readType(memory, at) >= 64) received.push(frameCopy(memory, at, length))
      },
      sessionUp: (up) => {
        if (up.address === ring.nodes[0]!.address) session = up
      },
      sessionDown: () => {},
      sessionEnded: () => {},
      drained: () => {},
      batchEnd: () => {},
    },
    clock: network.clock,
    random: network.random.fork(),
    self,
    idOf,
    limits: {
      outputBytes: 2 ** 20,
      connections: 100,
      replyConnections: 8,
      reassemblyBytes: 2 ** 22,
      payloadBytes: 2 ** 20,
    },
    timing: { connectMs: 3_000, idleMs: 30_000 },
  })
}

interface Made {
  name?: string
  key: string
  high: number
  flags?: number
  deadlineMs?: number
  hops?: number
  body?: Uint8Array
  low?: number
  /** Who is said to ask. */
  address?: string
  id?: Id
}

/** The same as who asks says it to the owner: without a word of itself. */
function bare(made: Made): FrameMemory {
  const m = request({ ...made, flags: FLAG_FINAL | (made.flags ?? 0), body: NOTHING })
  const body = made.body ?? new Uint8Array(3)
  const short = frameMemory(HEADER_BYTES + 40 + body.length)
  short.bytes.set(m.bytes.subarray(0, HEADER_BYTES + 40))
  short.bytes.set(body, HEADER_BYTES + 40)
  short.words[0] = short.bytes.length
  short.halves[9] = EXT_TARGET | EXT_DEADLINE
  return short
}

function request(made: Made): FrameMemory {
  const { key, high, flags = 0, deadlineMs = 1_000, hops = 0, body = new Uint8Array(3) } = made
  const { name = COUNT.name, low = 5, address = ADDRESS, id = idOf(ADDRESS, 0) } = made
  const length = HEADER_BYTES + 32 + 8 + originBytes(address) + body.length
  const m = frameMemory(length)
  writeHeader(m, 0, length, TYPE_REQUEST, flags, EXT_TARGET | EXT_DEADLINE | EXT_ORIGIN, 0, low, high)
  const method = methodOf(name)
  writeMethod(m, 0, method.low, method.high)
  m.bytes[AT_HOPS] = hops
  let p = writeTarget(m, HEADER_BYTES, Id.hash(key), 0n)
  p = writeDeadline(m, p, deadlineMs)
  p = writeOrigin(m, p, address, 0, ROLE_MEMBER, INCARNATION, id)
  m.bytes.set(body, p)
  return m
}

async function say(made: Made): Promise<void> {
  expect(links.sendOn(session, request(made).bytes, 'own')).toBe(true)
  await ring.run(20)
}

function failures(): number[] {
  return received
    .filter((m) => readType(m, 0) === TYPE_FAILURE)
    .map((m) => decodeFailure(m.bytes, bodyOffset(m, 0), m.bytes.length)!.code)
}

it('handles a request once, however often it comes', async () => {
  await say({ key: 'a', high: 1 })
  await say({ key: 'a', high: 1 })
  await say({ key: 'a', high: 2 })
  expect(served).toBe(2)
  expect(received.map((m) => [readType(m, 0), readHigh(m, 0)])).toEqual([
    [TYPE_REPLY, 1],
    [TYPE_REPLY, 2],
  ])
  expect(ring.nodes[0]!.metrics().handled.duplicates).toBe(1)
})

it('repeats the answer to an idempotent one', async () => {
  await say({ key: 'a', high: 1, flags: FLAG_IDEMPOTENT })
  await say({ key: 'a', high: 1, flags: FLAG_IDEMPOTENT })
  expect(served).toBe(1)
  expect(received.map((m) => m.bytes[bodyOffset(m, 0)])).toEqual([1, 1])
})

it('handles an idempotent one again that failed, or whose answer is not kept', async () => {
  const node = ring.nodes[0]!
  const fails = { ...COUNT, name: 'fails' }
  node.handle(fails, () => {
    throw new Error(`failed ${++served}`)
  })
  node.handleBatch('batch', (batch) => {
    for (let i = 0; i < batch.length; i++) batch.reply(i, Uint8Array.of(++served))
  })
  for (const [low, name] of ['fails', 'batch'].entries()) {
    const made = { key: 'a', high: 3, low, name }
    await say({ ...made, flags: FLAG_IDEMPOTENT })
    await say({ ...made, flags: FLAG_IDEMPOTENT })
    await say({ ...made, high: 4 })
    await say({ ...made, high: 4 })
  }
  expect(received.map((m) => readHigh(m, 0))).toEqual([3, 3, 4, 3, 3, 4])
  expect(served).toBe(6)
})

it('remembers the latest requests until their deadline, and never refuses one for that', async () => {
  for (let high = 1; high <= 5; high++) await say({ key: 'a', high, deadlineMs: 1_000 })
  expect(served).toBe(5)
  for (let high = 3; high <= 5; high++) await say({ key: 'a', high, deadlineMs: 1_000 })
  expect(served).toBe(5)
  await say({ key: 'a', high: 1, deadlineMs: 1_000 })
  expect(served).toBe(6)
  await ring.run(1_000)
  await say({ key: 'a', high: 1 })
  expect(served).toBe(7)
  expect(failures()).toEqual([])
})

it('gives frames back that have gone too far, or cannot be passed on', async () => {
  const other = await ring.start({}, (node) => node.handle(COUNT, () => Uint8Array.of(99)))
  await ring.run(2_000)
  let key = 'k'
  while (other.owns(key) === undefined) key += 'k'
  await say({ key, high: 1 })
  expect(received.map((m) => m.bytes[bodyOffset(m, 0)])).toEqual([99])
  await say({ key, high: 2, hops: 62 })
  expect(received.length).toBe(2)
  await say({ key, high: 3, hops: 63 })
  expect(failures()).toEqual([FAIL_HOP_LIMIT])
  await say({ key, high: 4, body: new Uint8Array(70_000) })
  await ring.run(200)
  expect(failures()).toEqual([FAIL_HOP_LIMIT, FAIL_UNSETTLED])
  const passed = ring.nodes[0]!.metrics().routed
  await say({ key, high: 5, deadlineMs: 0 })
  expect(ring.nodes[0]!.metrics().routed.forwarded).toBe(passed.forwarded)
})

it('closes the connection of a member that does not say who asks', async () => {
  const m = request({ key: 'a', high: 1 })
  const bare = frameMemory(HEADER_BYTES + 40)
  bare.bytes.set(m.bytes.subarray(0, bare.bytes.length))
  bare.words[0] = bare.bytes.length
  bare.halves[9] = EXT_TARGET | EXT_DEADLINE
  links.sendOn(session, bare.bytes, 'own')
  await ring.run(20)
  expect(session.up).toBe(false)
  expect(ring.nodes[0]!.metrics().refused.origin).toBe(1)
  expect(served).toBe(0)
})

it('answers a member that asks the owner straight without saying who it is', async () => {
  expect(links.sendOn(session, bare({ key: 'a', high: 1 }).bytes, 'own')).toBe(true)
  await ring.run(20)
  expect(received.map((m) => [readType(m, 0), readHigh(m, 0), m.bytes[18]])).toEqual([[TYPE_REPLY, 1, 0]])
  const hopped = bare({ key: 'a', high: 2, hops: 1 })
  links.sendOn(session, hopped.bytes, 'own')
  await ring.run(20)
  expect([session.up, served, ring.nodes[0]!.metrics().refused.origin]).toEqual([false, 1, 1])
})

it('passes on what came straight to the wrong one as its sender’s, and so does whoever has it next', async () => {
  const from: unknown[] = []
  const other = await ring.start({}, (node) => {
    node.handle(COUNT, (message) => {
      from.push([message.from.address, message.from.incarnation, String(message.from.id)])
      return Uint8Array.of(99)
    })
  })
  await ring.run(2_000)
  let key = 'k'
  while (other.owns(key) === undefined) key += 'k'
  links.sendOn(session, bare({ key, high: 1 }).bytes, 'own')
  await ring.run(50)
  expect(received.map((m) => [readHigh(m, 0), m.bytes[bodyOffset(m, 0)]])).toEqual([[1, 99]])
  // Its owner is told of, because who asked did not know it.
  expect(readOwner(received[0]!, 0, new Peers(idOf))).toMatchObject({ owner: { address: other.address } })
  expect(from).toEqual([[ADDRESS, INCARNATION, String(idOf(ADDRESS, 0))]])
  // The same request by another way is the same request.
  await say({ key, high: 1 })
  await ring.run(50)
  expect([from.length, other.metrics().handled.duplicates]).toEqual([1, 1])
  // With its sender it does not fit into a frame.
  links.sendOn(session, bare({ key, high: 2, body: new Uint8Array(FRAME_BYTES_MAX - HEADER_BYTES - 40) }).bytes, 'own')
  await ring.run(50)
  expect(failures()).toEqual([FAIL_UNSETTLED])
})

it('closes the connection of who asks and says who owns the key, and of a client that answers by key', async () => {
  const m = bare({ key: 'a', high: 1, body: new Uint8Array(64) })
  m.halves[9] = EXT_TARGET | EXT_DEADLINE | EXT_OWNER
  links.sendOn(session, m.bytes, 'own')
  await ring.run(20)
  expect([session.up, ring.nodes[0]!.metrics().refused.origin]).toEqual([false, 1])
  const client = connections('10.9.0.2', { role: 'client', network: 'chordite', address: '', incarnations: [] })
  client.open(ring.nodes[0]!.address, 'routing')
  await ring.run(20)
  const answer = bare({ key: 'a', high: 1 })
  answer.halves[2] = TYPE_REPLY
  client.sendOn(session, answer.bytes, 'own')
  await ring.run(20)
  expect([session.up, ring.nodes[0]!.metrics().refused.origin]).toEqual([false, 2])
  expect(served).toBe(0)
  await client.destroy()
})

it('closes the connection of who says that somebody else asks one node', async () => {
  const client = connections('10.9.0.2', { role: 'client', network: 'chordite', address: '', incarnations: [] })
  client.open(ring.nodes[0]!.address, 'routing')
  await ring.run(20)
  const m = request({ key: 'a', high: 1 })
  // For nobody's key: for the node itself.
  const direct = frameMemory(m.bytes.length - 32)
  direct.bytes.set(m.bytes.subarray(0, HEADER_BYTES))
  direct.bytes.set(m.bytes.subarray(HEADER_BYTES + 32), HEADER_BYTES)
  direct.words[0] = direct.bytes.length
  direct.halves[9] = EXT_DEADLINE | EXT_ORIGIN
  client.sendOn(session, direct.bytes, 'own')
  await ring.run(20)
  expect(session.up).toBe(false)
  expect(ring.nodes[0]!.metrics().refused.origin).toBe(1)
  expect([served, received.length]).toEqual([0, 0])
  await client.destroy()
})

it('gives back what fits into a frame only without its originator', async () => {
  const node = ring.nodes[0]!
  await ring.start({}, (other) => {
    other.handle(COUNT, () => Uint8Array.of(++served))
  })
  const client = connections('10.9.0.2', { role: 'client', network: 'chordite', address: '', incarnations: [] })
  client.open(node.address, 'routing')
  await ring.run(1_000)
  let key = 0
  while (node.owns(`key-${key}`) !== undefined) key++
  const originless = HEADER_BYTES + 40
  for (const [high, length] of [FRAME_BYTES_MAX, FRAME_BYTES_MAX - originBytes(node.address)].entries()) {
    const m = frameMemory(length)
    m.bytes.set(request({ key: `key-${key}`, high: high + 1 }).bytes.subarray(0, originless))
    m.words[0] = length
    m.halves[9] = EXT_TARGET | EXT_DEADLINE
    expect(client.sendOn(session, m.bytes, 'own')).toBe(true)
    await ring.run(50)
  }
  expect(failures()).toEqual([FAIL_UNSETTLED])
  expect(received.map((m) => [readType(m, 0), readHigh(m, 0)])).toEqual([
    [TYPE_FAILURE, 1],
    [TYPE_REPLY, 2],
  ])
  await client.destroy()
})

it('survives every kind of nonsense in frames that pass framing', async () => {
  const random = ring.network.random.fork()
  for (let round = 0; round < 400; round++) {
    if (!session.up) {
      links.open(ring.nodes[0]!.address, 'routing')
      await ring.run(20)
    }
    const length = HEADER_BYTES + (random.nextUint32() % 200)
    const m = frameMemory(length)
    for (let i = HEADER_BYTES; i < length; i++) m.bytes[i] = random.nextUint32()
    const type = 16 + (random.nextUint32() % 60)
    const target = random.nextUint32() % 2 === 0 && length >= HEADER_BYTES + 32
    writeHeader(m, 0, length, type, random.nextUint32() & 7, target ? EXT_TARGET : 0, 0, 1, round)
    links.sendOn(session, m.bytes, 'own')
    await ring.run(2)
  }
  await ring.run(1_000)
  const node = ring.nodes[0]!
  expect(node.state).toBe('member')
  expect((await ring.settle(node.request('k', COUNT, new Uint8Array(1))))[0]).toBeGreaterThan(0)
})

it('answers an originator that it has no connection to over a new one', async () => {
  const owners: ChordNode[] = await ring.grow(2, {}, (node) => node.handle(COUNT, () => Uint8Array.of(7)))
  for (const owner of owners) {
    let key = 'k'
    while (owner.owns(key) === undefined) key += 'k'
    received = []
    await say({ key, high: 1 })
    await ring.run(50)
    expect(received.map((m) => [readType(m, 0), m.bytes[bodyOffset(m, 0)]])).toEqual([[TYPE_REPLY, 7]])
  }
})

it('routes an answer back by the ring when its originator cannot be reached', async () => {
  const [owner, caller] = await ring.grow(2, {}, (node) => node.handle(COUNT, () => Uint8Array.of(7)))
  let key = 'k'
  while (owner!.owns(key) === undefined) key += 'k'
  // A call that only we know of, and that another node will answer.
  const call = caller!.requestTo(ADDRESS, COUNT, new Uint8Array(1))
  await ring.run(50)
  const asked = received.find((m) => readType(m, 0) === TYPE_REQUEST)!
  const [low, high] = [readLow(asked, 0), readHigh(asked, 0)]
  await say({ key, low, high, address: '10.99.0.1:9', id: caller!.members[0]!.id })
  expect((await ring.settle(call))[0]).toBe(7)
})

it('derives ids, so that a peer cannot choose its own', () => {
  const book = new Peers(idOf)
  expect(book.peer(ADDRESS, 3, 1n)?.id).toEqual(Id.hash(`${ADDRESS}/3`))
  expect(book.peer('nowhere', 0, 1n)).toBeUndefined()
  const outside = { id: idOf(ADDRESS, 9), address: ADDRESS, incarnation: 1n }
  expect(book.indexOf(outside)).toBe(9)
})
