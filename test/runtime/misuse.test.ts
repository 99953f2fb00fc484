/** Applications that throw whatever can be thrown, wherever they can: their callers are told, and nobody dies of it. */
import { expect, it } from 'vitest'
import { type ChordError, type ChordNode, json, type MessageType, type RangeChange, raw } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ASK: MessageType<Uint8Array, Uint8Array> = { name: 'ask', request: raw, reply: raw }
const BYTE = new Uint8Array(1)

/** Bytes whose memory has gone to another thread. */
function detached(): Uint8Array {
  const bytes = new Uint8Array(100)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

async function pair(): Promise<{ ring: SimulatedRing; a: ChordNode; b: ChordNode; warnings: ChordError[] }> {
  const ring = new SimulatedRing()
  const [a, b] = (await ring.grow(2)) as [ChordNode, ChordNode]
  const warnings: ChordError[] = []
  b.on('warning', (error) => warnings.push(error))
  return { ring, a, b, warnings }
}

const thenable = (how: PropertyDescriptor) => Object.defineProperty({}, 'then', how)
const textless = Object.create(null) as object
const unreadable = Object.defineProperty(new Error(), 'message', {
  get() {
    throw new Error('no')
  },
})

it.each<[string, () => unknown]>([
  ['nothing', () => undefined],
  ['a promise of nothing', async () => undefined],
  ['a text', () => 'text'],
  ['bytes that are gone', detached],
  ['a promise of bytes that are gone', async () => detached()],
  ['a thenable that throws', () => thenable({ value: () => JSON.parse('{') })],
  ['a thenable that cannot be read', () => thenable({ get: () => JSON.parse('{') })],
])('a handler that returns %s where bytes are due', async (_, handler) => {
  const { ring, a, b } = await pair()
  b.handle(ASK, handler as () => Uint8Array)
  await expect(ring.settle(a.requestTo(b.address, ASK, BYTE))).rejects.toMatchObject({ code: 'ERR_REMOTE' })
  await ring.settle(a.sendTo(b.address, ASK, BYTE))
  // It does not count as at work for ever.
  await ring.settle(b.leave(), 1_000)
})

it.each<[string, unknown]>([
  ['nothing', undefined],
  ['what has no text', textless],
  ['an error whose message throws', unreadable],
])('a handler or codec that throws %s', async (_, thrown) => {
  const { ring, a, b, warnings } = await pair()
  const throws = () => {
    throw thrown
  }
  const types = ['sync', 'async', 'decode', 'encode'].map((name) => ({ ...ASK, name }))
  const [sync, async, decode, encode] = types as [typeof ASK, typeof ASK, typeof ASK, typeof ASK]
  b.handle(sync, throws)
  b.handle(async, () => Promise.reject(thrown))
  b.handle({ ...decode, request: { ...raw, decode: throws } }, () => BYTE)
  b.handle({ ...encode, reply: { ...raw, encode: throws } }, () => BYTE)
  for (const type of types) {
    const code = type === decode ? 'ERR_BAD_BODY' : 'ERR_REMOTE'
    await expect(ring.settle(a.requestTo(b.address, type, BYTE))).rejects.toMatchObject({ code })
  }
  await ring.settle(a.sendTo(b.address, sync, BYTE))
  await ring.settle(a.sendTo(b.address, async, BYTE))
  expect(warnings.map(({ code }) => code)).toEqual(['ERR_HANDLER', 'ERR_HANDLER'])
})

it('a batch handler that fails later, or answers with what is no answer', async () => {
  const { ring, a, b, warnings } = await pair()
  b.handleBatch('later', (async () => {
    throw new Error('later')
  }) as () => void)
  b.handleBatch('text', (batch) => batch.reply(0, 'text' as unknown as Uint8Array))
  for (const name of ['later', 'text']) {
    const asked = a.requestTo(b.address, { ...ASK, name }, BYTE)
    await expect(ring.settle(asked)).rejects.toMatchObject({ code: 'ERR_REMOTE' })
  }
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining('later'),
    expect.stringContaining('Uint8Array'),
  ])
})

it('a batch handler that answers with parts of bytes, or what is no message', async () => {
  const { ring, a, b, warnings } = await pair()
  const codes: string[] = []
  b.handleBatch('ask', (batch) => {
    const bytes = new Uint8Array(100).fill(0xff)
    const mistakes = [
      () => batch.reply(0, bytes, 0, 2.5),
      () => batch.reply(0, bytes, 0.5, 2),
      () => batch.reply(0, bytes, 0, 2 ** 32 + 2),
      () => batch.reply(0, detached()),
      () => batch.reply(0.5, bytes),
      () => batch.memory(0.5),
      () => batch.start(0.5),
      () => batch.body(Number.NaN),
      () => batch.key(-1),
    ]
    for (const mistake of mistakes) {
      try {
        mistake()
      } catch (error) {
        codes.push((error as ChordError).code)
      }
    }
    batch.reply(0, bytes, 1, 4)
  })
  expect(await ring.settle(a.requestTo(b.address, ASK, BYTE))).toEqual(Uint8Array.of(255, 255, 255))
  expect(codes).toEqual([...Array(4).fill('ERR_BAD_BODY'), ...Array(5).fill('ERR_STATE')])
  expect(warnings).toEqual([])
})

it('a codec that encodes to bytes that are gone, or stops the call', async () => {
  const { ring, a, b } = await pair()
  b.handle(ASK, () => new Promise<Uint8Array>(() => {}))
  const encoding = (encode: () => Uint8Array) => ({ ...ASK, request: { ...raw, encode } })
  const stop = new AbortController()
  const stops = encoding(() => {
    stop.abort()
    return BYTE
  })
  for (const to of [b.address, a.address]) {
    await expect(a.requestTo(to, encoding(detached), BYTE)).rejects.toMatchObject({ code: 'ERR_BAD_BODY' })
  }
  const stopped = a.requestTo(b.address, stops, BYTE, { signal: stop.signal })
  await expect(ring.settle(stopped)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(a.metrics().calls).toMatchObject({ pending: 0, sent: 0 })
})

it('listeners and commits that fail later', async () => {
  const ring = new SimulatedRing()
  const warnings: string[] = []
  const fails = (async () => {
    throw new Error('later')
  }) as (change: RangeChange) => void
  await ring.start({}, (node) => {
    node.on('range', fails).on('warning', ({ message }) => warnings.push(message))
    node.use({ name: 'fails', start: () => {}, stop: async () => {}, commit: fails })
  })
  await ring.run(1)
  expect(warnings.sort()).toEqual(["a listener of 'range' threw", "commit of the service 'fails' threw: later"])
})

it('a codec that aborts its own call, or closes the node', async () => {
  const { ring, a, b } = await pair()
  b.handle(ASK, ({ body }) => body)
  const stop = new AbortController()
  const decoding = (decode: () => never | Uint8Array) => ({ ...ASK, reply: { ...raw, decode } })
  const aborts = decoding(() => {
    stop.abort()
    return BYTE
  })
  const aborted = a.requestTo(b.address, aborts, BYTE, { signal: stop.signal })
  await expect(ring.settle(aborted)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(a.metrics().calls).toMatchObject({ pending: 0, succeeded: 0, failed: 1 })
  const closes = decoding(() => {
    void a.close()
    throw new Error('and throws')
  })
  await expect(ring.settle(a.requestTo(b.address, closes, BYTE))).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  expect(a.metrics().calls).toMatchObject({ pending: 0, succeeded: 0, failed: 2 })
})

it('keys, callbacks and indexes that are none', async () => {
  const { ring, a, b } = await pair()
  const bad = { code: 'ERR_BAD_OPTION' }
  for (const keys of [null, undefined, 5, 'text', [null], new Array(2), [{}], { bytes: BYTE }]) {
    await expect(a.lookupMany(keys as never)).rejects.toMatchObject(bad)
  }
  for (const offsets of [
    [0, 2],
    [1, 0],
  ]) {
    const packed = { bytes: BYTE, offsets: Uint32Array.from(offsets) }
    await expect(a.lookupMany(packed)).rejects.toMatchObject(bad)
  }
  expect(await a.lookupMany({ bytes: BYTE, offsets: new Uint32Array(0) })).toEqual([])
  expect(await a.lookupMany({ bytes: BYTE, offsets: Uint32Array.of(1) })).toEqual([])
  expect(await ring.settle(a.lookupMany({ bytes: BYTE, offsets: Uint32Array.of(0, 0, 1) }))).toHaveLength(2)
  const type = { name: 'x', request: json<number>(), reply: json<number>() }
  expect(() => a.requestTo(b.address, type, 1, {}, 5 as never)).toThrow(expect.objectContaining(bad))
  expect(() => a.request('key', type, 1, {}, {} as never)).toThrow(expect.objectContaining(bad))
})
