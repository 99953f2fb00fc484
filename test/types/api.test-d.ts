/** The public surface, as a program sees it: what compiles, what must not, and what comes out. */
import type { Duplex } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { describe, expectTypeOf, it } from 'vitest'
import {
  type Bodies,
  type BorrowedBatch,
  type ByteStream,
  type Caller,
  ChordError,
  type ChordNode,
  type ClientOptions,
  type Codec,
  connect,
  createNode,
  type ErrorCode,
  type Events,
  Id,
  type Incoming,
  json,
  type Key,
  type Member,
  type MessageType,
  type Metrics,
  type NodeOptions,
  type NodeState,
  type Owner,
  type PackedBodies,
  type PackedKeys,
  type PackedOwners,
  type Peer,
  type Range,
  type RangeChange,
  type Registry,
  type Result,
  raw,
  registry,
  type Service,
  type ServiceNode,
  type StreamInfo,
  utf8,
} from '../../src/index.ts'

interface Greeting {
  name: string
}
const GREET: MessageType<Greeting, number> = { name: 'greet', request: json<Greeting>(), reply: json<number>() }

declare const node: ChordNode
declare const client: Caller
declare const peer: Peer
declare const key: Key

describe('making', () => {
  it('takes known options only', () => {
    expectTypeOf(createNode).parameters.toEqualTypeOf<[o?: NodeOptions]>()
    expectTypeOf(createNode()).toEqualTypeOf<ChordNode>()
    expectTypeOf(connect).toEqualTypeOf<(o: ClientOptions) => Promise<Caller>>()
    createNode({ listen: '127.0.0.1:0', join: ['dns://ring:4000'], timing: { idleMs: 1 }, limits: { hops: 3 } })
    createNode({ record: 'ring.rec' })
    createNode({ record: { path: 'ring.rec', bytesMax: 2 ** 20, files: 2 } })
    // @ts-expect-error needs a path
    createNode({ record: { files: 2 } })
    // @ts-expect-error unknown option
    createNode({ port: 1 })
    // @ts-expect-error unknown option
    createNode({ timing: { idle: 1 } })
    // @ts-expect-error only these two
    createNode({ transport: 'udp' })
    // @ts-expect-error a client needs somewhere to go
    connect({})
  })

  it('starts and leaves', () => {
    expectTypeOf(node.start({ timeoutMs: 5 })).resolves.toEqualTypeOf<ChordNode>()
    expectTypeOf(node.leave()).resolves.toBeVoid()
    expectTypeOf(node.closed).resolves.toEqualTypeOf<ChordError | undefined>()
    expectTypeOf(node.state).toEqualTypeOf<NodeState>()
    expectTypeOf(node.members).toEqualTypeOf<readonly Member[]>()
    expectTypeOf(node.metrics()).toEqualTypeOf<Metrics>()
    expectTypeOf(node.ref().unref()).toEqualTypeOf<ChordNode>()
    expectTypeOf<ChordNode>().toExtend<AsyncDisposable>()
    expectTypeOf<Caller>().toExtend<AsyncDisposable>()
  })

  it('is a caller, and more', () => {
    expectTypeOf<ChordNode>().toExtend<Caller>()
    expectTypeOf<ChordNode>().toExtend<ServiceNode>()
    expectTypeOf<Caller>().not.toExtend<ChordNode>()
  })
})

describe('keys and ids', () => {
  it('are strings, bytes or ids', () => {
    expectTypeOf<Key>().toEqualTypeOf<string | Uint8Array | Id>()
    expectTypeOf(Id.hash('a')).toEqualTypeOf<Id>()
    expectTypeOf(Id.parse('a').bytes).toExtend<Uint8Array>()
    expectTypeOf(Id.hash('a').compare(Id.hash('b'))).toEqualTypeOf<-1 | 0 | 1>()
    // @ts-expect-error numbers are no keys
    node.lookup(5)
  })

  it('are looked up in what is remembered, and packed', () => {
    expectTypeOf(client.lookup(key, { cached: true })).resolves.toEqualTypeOf<Owner>()
    expectTypeOf(client.lookupMany(['a'], { cached: true })).resolves.toEqualTypeOf<readonly Result<Owner>[]>()
    expectTypeOf(client.lookupMany(['a'], { packed: true })).resolves.toEqualTypeOf<PackedOwners>()
    expectTypeOf(client.lookupMany(['a'], { packed: false, timeoutMs: 5 })).resolves.toEqualTypeOf<
      readonly Result<Owner>[]
    >()
    expectTypeOf<PackedOwners['errors']>().toEqualTypeOf<ReadonlyMap<number, ChordError>>()
    // @ts-expect-error look-ups of many have no way to choose
    client.lookupMany(['a'], { route: 'iterative' })
    // @ts-expect-error only of look-ups
    client.request(key, GREET, { name: 'x' }, { cached: true })
  })

  it('are looked up alone or together', () => {
    expectTypeOf(client.lookup(key, { route: 'iterative' })).resolves.toEqualTypeOf<Owner>()
    expectTypeOf(client.lookupMany(['a', 'b'])).resolves.toEqualTypeOf<readonly Result<Owner>[]>()
    client.lookupMany({ bytes: new Uint8Array(), offsets: new Uint32Array() } satisfies PackedKeys)
    // @ts-expect-error no such route
    client.lookup(key, { route: 'straight' })
    expectTypeOf<Owner['range']>().toEqualTypeOf<Range>()
    expectTypeOf(node.owns(key)).toEqualTypeOf<Member | undefined>()
  })
})

describe('messages', () => {
  it('are typed by their codecs', () => {
    expectTypeOf(json<Greeting>()).toEqualTypeOf<Codec<Greeting>>()
    expectTypeOf(utf8).toEqualTypeOf<Codec<string>>()
    expectTypeOf(raw).toEqualTypeOf<Codec<Uint8Array>>()
    expectTypeOf(client.request(key, GREET, { name: 'x' })).resolves.toEqualTypeOf<number>()
    expectTypeOf(client.requestTo(peer, GREET, { name: 'x' }, { idempotent: true })).resolves.toEqualTypeOf<number>()
    expectTypeOf(client.send(key, GREET, { name: 'x' }, { ack: false })).resolves.toBeVoid()
    expectTypeOf(client.sendTo('127.0.0.1:1', GREET, { name: 'x' })).resolves.toBeVoid()
    // @ts-expect-error another body
    client.request(key, GREET, 5)
    // @ts-expect-error no acknowledgement to choose: a request has an answer
    client.request(key, GREET, { name: 'x' }, { ack: true })
  })

  it('go to many keys at once', () => {
    const all = [{ name: 'x' }]
    expectTypeOf(client.requestMany(['a'], GREET, all)).resolves.toEqualTypeOf<readonly Result<number>[]>()
    expectTypeOf(client.sendMany(['a'], GREET, all, { ack: false })).resolves.toEqualTypeOf<readonly Result<void>[]>()
    const packed: PackedKeys = { bytes: new Uint8Array(), offsets: new Uint32Array() }
    client.requestMany(packed, GREET, { all: { name: 'x' } }, { idempotent: true })
    client.requestMany(packed, GREET, packed satisfies PackedBodies, { timeoutMs: 5 })
    client.requestMany([Id.hash('a')], GREET, [{ name: 'x' }] satisfies Bodies<Greeting>)
    // @ts-expect-error another body
    client.requestMany(['a'], GREET, [5])
    // @ts-expect-error one body for all is said to be that
    client.requestMany(['a'], GREET, { name: 'x' })
    // @ts-expect-error no acknowledgement to choose: a request has an answer
    client.requestMany(['a'], GREET, all, { ack: true })
  })

  it('call back without a promise', () => {
    const callback = (result: Result<number>) => {
      if (result.ok) expectTypeOf(result.value).toBeNumber()
      else expectTypeOf(result.error).toEqualTypeOf<ChordError>()
    }
    expectTypeOf(client.requestTo(peer, GREET, { name: 'x' }, {}, callback)).toBeVoid()
    expectTypeOf(client.request(key, GREET, { name: 'x' }, { timeoutMs: 5 }, callback)).toBeVoid()
    // @ts-expect-error options are not optional before a callback
    client.requestTo(peer, GREET, { name: 'x' }, callback)
  })

  it('are handled, until disposed of', () => {
    const handler = node.handle(GREET, (message) => {
      expectTypeOf(message).toEqualTypeOf<Incoming<Greeting>>()
      expectTypeOf(message.body.name).toBeString()
      expectTypeOf(message.key).toEqualTypeOf<Id | undefined>()
      expectTypeOf(message.signal).toEqualTypeOf<AbortSignal>()
      return 1
    })
    expectTypeOf(handler).toEqualTypeOf<Disposable>()
    node.handle(GREET, async () => 1)
    // @ts-expect-error another reply
    node.handle(GREET, () => 'x')
    expectTypeOf(node.handleBatch).parameters.toEqualTypeOf<[name: string, fn: (batch: BorrowedBatch) => void]>()
    node.handleBatch('raw', (batch) => batch.reply(0, batch.body(0)))
  })
})

describe('events', () => {
  it('have their own types', () => {
    expectTypeOf(node.on('range', () => {})).toEqualTypeOf<ChordNode>()
    node.on('range', (change) => expectTypeOf(change).toEqualTypeOf<RangeChange>())
    node.on('warning', (error) => expectTypeOf(error.code).toEqualTypeOf<ErrorCode>())
    node.on('peer:up', (up) => expectTypeOf(up).toEqualTypeOf<Peer>())
    node.on('state', ({ previous, current }) => expectTypeOf([previous, current]).toEqualTypeOf<NodeState[]>())
    expectTypeOf<keyof Events>().not.toExtend<'error'>()
    // @ts-expect-error there is no such event
    node.on('error', () => {})
  })
})

describe('services', () => {
  it('come with the package or from outside', () => {
    expectTypeOf(registry()).toEqualTypeOf<Registry>()
    expectTypeOf<Registry>().toExtend<Service>()
    expectTypeOf(node.use(registry())).toEqualTypeOf<ChordNode>()
    const mine: Service = { name: 'mine', start: ({ clock }) => void clock.nowMs(), stop: async () => {} }
    node.use(mine)
    // @ts-expect-error a service can be stopped
    node.use({ name: 'mine', start: () => {} })
  })
})

it('errors have codes', () => {
  expectTypeOf(new ChordError('ERR_BUSY', 'x').code).toEqualTypeOf<ErrorCode>()
  // @ts-expect-error no such code
  new ChordError('ERR_WHATEVER', 'x')
})

describe('streams', () => {
  it('open to keys and peers', () => {
    expectTypeOf(node.openStream(key, 'name')).resolves.toEqualTypeOf<ByteStream>()
    expectTypeOf(client.openStream(peer, 'name', { timeoutMs: 5, head: new Uint8Array(1) })).resolves.toExtend<Duplex>()
    expectTypeOf(client.openStreamTo('127.0.0.1:4000', 'name')).resolves.toEqualTypeOf<ByteStream>()
    // @ts-expect-error a key is no address
    client.openStreamTo(new Uint8Array(1), 'name')
    // @ts-expect-error unknown option
    client.openStream(key, 'name', { idleMs: 5 })
    // @ts-expect-error clients take none
    client.handleStream('name', () => {})
  })

  it('come to handlers, and are web streams too', () => {
    const handling = node.handleStream('name', async (stream, info) => {
      expectTypeOf(stream).toEqualTypeOf<ByteStream>()
      expectTypeOf(info).toEqualTypeOf<StreamInfo>()
      expectTypeOf(info.key).toEqualTypeOf<Id | undefined>()
      expectTypeOf(stream.toWeb().readable).toExtend<ReadableStream<Uint8Array>>()
      new Response(stream.toWeb().readable as globalThis.ReadableStream)
    })
    expectTypeOf(handling).toExtend<Disposable>()
  })
})
