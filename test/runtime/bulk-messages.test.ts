/** `sendMany` and `requestMany`: as many single messages, only cheaper. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Caller, ChordNode, MessageType, Result } from '../../src/index.ts'
import { Id, json, raw, utf8 } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ECHO: MessageType<string, string> = { name: 'echo', request: utf8, reply: utf8 }
const BYTES: MessageType<Uint8Array, Uint8Array> = { name: 'bytes', request: raw, reply: raw }
const KEYS = Array.from({ length: 3_000 }, (_, i) => `key-${i}`)

function values<T>(results: readonly Result<T>[]): (T | string)[] {
  return results.map((result) => (result.ok ? result.value : result.error.code))
}

function codes(results: readonly Result<unknown>[]): Set<string> {
  return new Set(results.map((result) => (result.ok ? 'ok' : result.error.code)))
}

interface Heard {
  node: ChordNode
  key: Id
  body: string
}

async function ringOf(size: number, heard: Heard[] = [], options: object = {}) {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(size, options, (node) => {
    node.handle(ECHO, ({ body, key }) => {
      heard.push({ node, key: key!, body })
      if (body === 'throw') throw new Error('as told')
      return `${body}!`
    })
    node.handle(BYTES, ({ body }) => body)
  })
  await ring.calm()
  return { ring, nodes, first: nodes[0]! }
}

describe.each([
  ['a member', (ring: SimulatedRing): Promise<Caller> => Promise.resolve(ring.nodes[0]!)],
  ['a client', (ring: SimulatedRing): Promise<Caller> => ring.client()],
])('%s', (_, make) => {
  let ring: SimulatedRing
  let caller: Caller
  let heard: Heard[]

  beforeEach(async () => {
    heard = []
    ring = (await ringOf(4, heard)).ring
    caller = await make(ring)
  })

  it('asks the owner of each key once, and hears in the order of the keys', async () => {
    const results = await ring.settle(caller.requestMany(KEYS, ECHO, KEYS))
    expect(values(results)).toEqual(KEYS.map((key) => `${key}!`))
    expect(heard).toHaveLength(KEYS.length)
    for (const { node, key, body } of heard) {
      expect(key).toEqual(Id.hash(body))
      expect(node.owns(key)).toBeDefined()
    }
  })

  it('sends to the owner of each key once, with and without acknowledgement', async () => {
    for (const ack of [true, false]) {
      heard.length = 0
      const results = await ring.settle(caller.sendMany(KEYS, ECHO, { all: 'x' }, { ack }))
      expect(codes(results)).toEqual(new Set(['ok']))
      expect(results.map((result) => result.ok && result.value)).toEqual(KEYS.map(() => undefined))
      if (!ack) await ring.run(1_000)
      expect(heard).toHaveLength(KEYS.length)
      expect(new Set(heard.map(({ key }) => String(key))).size).toBe(KEYS.length)
      for (const { node, key } of heard) expect(node.owns(key)).toBeDefined()
    }
  })

  it('takes keys and bodies as arrays, packed, and one body for all', async () => {
    const bytes = new TextEncoder().encode(KEYS.join(''))
    const offsets = new Uint32Array(KEYS.length + 1)
    for (const [i, key] of KEYS.entries()) offsets[i + 1] = offsets[i]! + key.length
    const packed = { bytes, offsets }
    const expected = KEYS.map((key) => `${key}!`)
    expect(values(await ring.settle(caller.requestMany(packed, ECHO, packed)))).toEqual(expected)
    expect(values(await ring.settle(caller.requestMany(packed, ECHO, KEYS)))).toEqual(expected)
    const ids = KEYS.map((key) => Id.hash(key))
    expect(values(await ring.settle(caller.requestMany(ids, ECHO, packed, { idempotent: true })))).toEqual(expected)
    const all = await ring.settle(caller.requestMany(packed, ECHO, { all: 'same' }))
    expect(values(all)).toEqual(KEYS.map(() => 'same!'))
    expect(await caller.requestMany([], ECHO, [])).toEqual([])
    expect(await caller.sendMany([], ECHO, { all: 'x' })).toEqual([])
  })

  it('what fails fails alone', async () => {
    const picky: MessageType<string, string> = {
      name: 'echo',
      request: {
        encode: (text) => {
          if (text === 'key-7') throw new Error('not this one')
          return utf8.encode(text === 'key-8' ? 'x'.repeat(2_000_000) : text)
        },
        decode: utf8.decode,
      },
      reply: { encode: utf8.encode, decode: (bytes) => (bytes.length === 7 ? [][0]! : utf8.decode(bytes)) },
    }
    const bodies = KEYS.slice(0, 20)
    bodies[3] = 'throw'
    const results = values(await ring.settle(caller.requestMany(KEYS.slice(0, 20), picky, bodies)))
    const expected: (string | undefined)[] = bodies.map((body) => (body.length === 6 ? undefined : `${body}!`))
    expected[3] = 'ERR_REMOTE'
    expected[7] = 'ERR_BAD_BODY'
    expected[8] = 'ERR_PAYLOAD_TOO_LARGE'
    expect(results).toEqual(expected)
    const nobody = { ...ECHO, name: 'nobody' }
    expect(codes(await ring.settle(caller.requestMany(KEYS, nobody, { all: 'x' })))).toEqual(
      new Set(['ERR_NO_HANDLER']),
    )
  })

  it('refuses what is none', async () => {
    const bad = { code: 'ERR_BAD_OPTION' }
    const bytes = new Uint8Array(4)
    const wrong: unknown[] = [
      ['a', 'b', 'c'],
      'ab',
      null,
      5,
      {},
      { all: undefined, bytes },
      { bytes, offsets: Uint32Array.of(0, 1) },
      { bytes, offsets: Uint32Array.of(0, 2, 1) },
      { bytes, offsets: Uint32Array.of(0, 2, 5) },
      { bytes, offsets: [0, 1, 2] },
    ]
    for (const bodies of wrong) {
      const code = bodies !== null && typeof bodies === 'object' && 'all' in bodies ? 'ERR_BAD_BODY' : bad.code
      const type = { name: 'x', request: { ...raw, encode: (body: Uint8Array) => body }, reply: raw }
      await expect(caller.requestMany(['a', 'b'], type, bodies as never)).rejects.toMatchObject({ code })
    }
    for (const keys of [null, 'ab', [1, 2], new Array(2), { bytes }]) {
      await expect(caller.sendMany(keys as never, ECHO, ['a', 'b'])).rejects.toMatchObject(bad)
    }
    for (const o of [{ ack: true }, { route: 'iterative' }, { timeoutMs: 0 }, { signal: {} }]) {
      await expect(caller.requestMany(['a'], ECHO, ['a'], o as never)).rejects.toMatchObject(bad)
    }
    await expect(caller.sendMany(['a'], ECHO, ['a'], { idempotent: true } as never)).rejects.toMatchObject(bad)
    await expect(caller.requestMany(['a'], {} as never, ['a'] as never)).rejects.toMatchObject(bad)
    await expect(caller.lookupMany(['a'], { route: 'iterative' } as never)).rejects.toMatchObject(bad)
  })

  it('ends when told to, at the deadline, and when closed', async () => {
    for (const node of ring.nodes) if ((caller as unknown) !== node) ring.kill(node, { silent: true })
    const ended = async (o: object, meanwhile: () => void) => {
      const startMs = ring.network.clock.nowMs()
      ring.network.clock.setTimer(50, meanwhile)
      const results = await ring.settle(caller.requestMany(KEYS, ECHO, KEYS, o))
      const tookMs = ring.network.clock.nowMs() - startMs
      expect(tookMs).toBeLessThan(200)
      const found = codes(results)
      found.delete('ok')
      return found
    }
    const stop = new AbortController()
    expect(await ended({ signal: stop.signal }, () => stop.abort())).toEqual(new Set(['ERR_ABORTED']))
    // Of those that have left nobody knows; the others waited for them.
    const late = [...(await ended({ timeoutMs: 100 }, () => {}))]
    expect(late).toContain('ERR_OUTCOME_UNKNOWN')
    expect(late.filter((code) => code !== 'ERR_OUTCOME_UNKNOWN' && code !== 'ERR_TIMEOUT')).toEqual([])
    expect(await ended({}, () => void caller.close())).toEqual(new Set(['ERR_CLOSED']))
    await expect(caller.requestMany(KEYS, ECHO, KEYS)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

it('more messages than calls may wait, and more bytes than queues hold', async () => {
  const { ring, nodes, first } = await ringOf(5, [], { limits: { pendingCalls: 5, outputBytes: 20_000 } })
  const both = [first.requestMany(KEYS, ECHO, KEYS), first.requestMany(KEYS, ECHO, KEYS)]
  for (const results of await ring.settle(Promise.all(both)))
    expect(values(results)).toEqual(KEYS.map((key) => `${key}!`))
  const bodies = KEYS.slice(0, 200).map((_, i) => new Uint8Array(9_000).fill(i))
  const echoed = await ring.settle(first.requestMany(KEYS.slice(0, 200), BYTES, bodies))
  expect(codes(echoed)).toEqual(new Set(['ok']))
  for (const [i, result] of echoed.entries()) expect(result.ok && result.value[8_999]).toBe(i)
  // A node that takes nothing for a while is waited for.
  ring.choked.add(nodes[2]!.address.split(':')[0]!)
  ring.network.clock.setTimer(500, () => ring.choked.clear())
  expect(codes(await ring.settle(first.requestMany(KEYS, ECHO, KEYS)))).toEqual(new Set(['ok']))
  expect(first.metrics().calls.pending).toBe(0)
})

it('large bodies go straight to their owners', async () => {
  const { ring, first } = await ringOf(4)
  const bodies = KEYS.slice(0, 12).map((_, i) => new Uint8Array(200_000).fill(i))
  const results = await ring.settle(first.requestMany(KEYS.slice(0, 12), BYTES, bodies))
  for (const [i, result] of results.entries()) {
    expect(result.ok && [result.value.length, result.value[199_999]]).toEqual([200_000, i])
  }
})

it('messages to one receiver arrive in the order of their keys', async () => {
  const heard: Heard[] = []
  const { ring, nodes, first } = await ringOf(4, heard)
  await ring.settle(first.lookupMany(KEYS))
  await ring.settle(first.requestMany(KEYS, ECHO, KEYS))
  heard.length = 0
  const results = await ring.settle(first.sendMany(KEYS, ECHO, KEYS))
  expect(codes(results)).toEqual(new Set(['ok']))
  for (const node of nodes) {
    const order = heard.filter((one) => one.node === node).map(({ body }) => KEYS.indexOf(body))
    expect(order).toEqual([...order].sort((a, b) => a - b))
  }
})

it('while nodes die, each message tells the truth about itself', async () => {
  const counts = new Map<string, number>()
  const ring = new SimulatedRing()
  const once: MessageType<string, string> = { name: 'once', request: json(), reply: json() }
  const nodes = await ring.grow(8, {}, (node) => {
    node.handle(once, ({ body }) => {
      counts.set(body, (counts.get(body) ?? 0) + 1)
      return body
    })
  })
  await ring.calm()
  const [first] = nodes as [ChordNode]
  const work = ring.settle(first.requestMany(KEYS, once, KEYS))
  for (const [i, victim] of nodes.slice(1, 4).entries()) {
    await ring.run(1 + i)
    ring.kill(victim, { silent: i === 1 })
  }
  const results = await work
  expect(codes(results)).toContain('ok')
  for (const [i, result] of results.entries()) {
    const handled = counts.get(KEYS[i]!) ?? 0
    expect(handled).toBeLessThanOrEqual(1)
    if (result.ok) expect(handled).toBe(1)
    else if (result.error.code !== 'ERR_OUTCOME_UNKNOWN')
      expect([result.error.code, handled]).toEqual(['ERR_TIMEOUT', 0])
  }
  counts.clear()
  await ring.calm()
  expect(codes(await ring.settle(first.requestMany(KEYS, once, KEYS)))).toEqual(new Set(['ok']))
})
