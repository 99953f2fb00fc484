/** Messages and calls of whole nodes, in virtual time. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type Caller,
  type ChordNode,
  Id,
  type Incoming,
  json,
  type MessageType,
  type Result,
  raw,
  utf8,
} from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ECHO: MessageType<unknown, unknown> = { name: 'echo', request: json(), reply: json() }
const BYTES: MessageType<Uint8Array, Uint8Array> = { name: 'bytes', request: raw, reply: raw }
const NOTE: MessageType<string, void> = { name: 'note', request: utf8, reply: json() }
const SLOW: MessageType<number, string> = { name: 'slow', request: json(), reply: json() }
const FAIL: MessageType<string, void> = { name: 'fail', request: utf8, reply: json() }

let ring: SimulatedRing
let seen: { node: ChordNode; message: Incoming<unknown> }[]

function setUp(node: ChordNode): void {
  const note = (message: Incoming<unknown>) => seen.push({ node, message })
  node.handle(ECHO, (message) => {
    note(message)
    return { got: message.body, by: node.address }
  })
  node.handle(BYTES, (message) => message.body)
  node.handle(NOTE, (message) => {
    note(message)
  })
  node.handle(SLOW, async (message) => {
    note(message)
    await new Promise<void>((resolve) => ring.network.clock.setTimer(message.body, resolve))
    return 'done'
  })
  node.handle(FAIL, (message) => {
    throw new Error(message.body)
  })
}

beforeEach(async () => {
  seen = []
  ring = new SimulatedRing()
  await ring.grow(6, {}, setUp)
})

/** A key of another node than `not`. */
function keyOf(owner: ChordNode): string {
  for (let i = 0; ; i++) if (owner.owns(`key-${i}`) !== undefined) return `key-${i}`
}

/** `toEqual` takes seconds for a megabyte. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

const callers: [string, () => Promise<Caller>][] = [
  ['a member', async () => ring.nodes[0]!],
  ['a client', () => ring.client()],
]

describe.each(callers)('%s', (_, make) => {
  let caller: Caller
  beforeEach(async () => {
    caller = await make()
  })

  it('finds owners, by others and step by step', async () => {
    for (const owner of ring.nodes) {
      const key = keyOf(owner)
      for (const route of ['recursive', 'iterative'] as const) {
        const found = await ring.settle(caller.lookup(key, { route }))
        expect(found.owner.address).toBe(owner.address)
        expect(found.range).toEqual(owner.members[0]!.range)
        expect(found.epoch).toBe(owner.members[0]!.epoch)
      }
    }
  })

  it('looks up many at once, strings and packed', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`)
    const results = await ring.settle(caller.lookupMany(keys))
    results.forEach((result, i) => {
      expect(result.ok && result.value.owner.address).toBe(ring.owners(keys[i]!)[0]!.address)
    })
    const bytes = new TextEncoder().encode(keys.join(''))
    const offsets = new Uint32Array(keys.length + 1)
    keys.forEach((key, i) => {
      offsets[i + 1] = offsets[i]! + key.length
    })
    expect(await ring.settle(caller.lookupMany({ bytes, offsets }))).toEqual(results)
  })

  it('asks the owner of a key', async () => {
    for (const owner of ring.nodes) {
      const key = keyOf(owner)
      expect(await ring.settle(caller.request(key, ECHO, [key]))).toEqual({ got: [key], by: owner.address })
      const { message } = seen.at(-1)!
      expect(message.key).toEqual(Id.hash(key))
      expect(message.member.address).toBe(owner.address)
      expect(message.oneWay).toBe(false)
      const isClient = caller !== ring.nodes[0]
      expect(message.from.address).toBe(isClient ? '' : ring.nodes[0]!.address)
    }
  })

  it('asks one node, by address and as a peer', async () => {
    for (const node of ring.nodes) {
      for (const peer of [node.address, node.members[0]!]) {
        expect(await ring.settle(caller.requestTo(peer, ECHO, 1))).toEqual({ got: 1, by: node.address })
        expect(seen.at(-1)!.message.key).toBeUndefined()
      }
    }
  })

  it('calls back instead of promising', async () => {
    const results: Result<unknown>[] = []
    expect(caller.request(keyOf(ring.nodes[3]!), ECHO, 1, {}, (r) => results.push(r))).toBeUndefined()
    expect(caller.requestTo(ring.nodes[2]!.address, ECHO, 2, {}, (r) => results.push(r))).toBeUndefined()
    caller.requestTo(ring.nodes[2]!.address, ECHO, 2, { timeoutMs: -1 }, (r) => results.push(r))
    expect(results).toEqual([])
    await ring.run(100)
    expect(results.map((r) => (r.ok ? 'ok' : r.error.code)).sort()).toEqual(['ERR_BAD_OPTION', 'ok', 'ok'])
  })

  it('calls back in the context of the call, if asked to', async () => {
    const storage = new AsyncLocalStorage<string>()
    const found: (string | undefined)[] = []
    const note = () => found.push(storage.getStore())
    const { address } = ring.nodes[2]!
    storage.run('kept', () => {
      caller.requestTo(address, ECHO, 1, { asyncContext: true }, note)
      caller.request(keyOf(ring.nodes[2]!), ECHO, 1, { asyncContext: true }, note)
      caller.requestTo(address, ECHO, 1, { asyncContext: true, timeoutMs: -1 }, note)
    })
    caller.requestTo(address, ECHO, 1, {}, note)
    await ring.run(100)
    expect(found.sort()).toEqual(['kept', 'kept', 'kept', undefined])
  })

  it('sends, with and without acknowledgement', async () => {
    const key = keyOf(ring.nodes[4]!)
    await ring.settle(caller.send(key, NOTE, 'a'))
    expect(seen.map(({ node, message }) => [node.address, message.body, message.oneWay])).toEqual([
      [ring.nodes[4]!.address, 'a', true],
    ])
    await ring.settle(caller.send(key, NOTE, 'b', { ack: false }))
    await ring.settle(caller.sendTo(ring.nodes[1]!.address, NOTE, 'c', { ack: false }))
    await ring.settle(caller.sendTo(ring.nodes[1]!.address, NOTE, 'd'))
    await ring.run(50)
    expect(seen.map(({ message }) => message.body).sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('tells why the other side did not serve it', async () => {
    const key = keyOf(ring.nodes[2]!)
    const other: MessageType<unknown, unknown> = { name: 'nobody handles this', request: json(), reply: json() }
    const broken = { ...ECHO, request: raw } as MessageType<Uint8Array, unknown>
    await expect(ring.settle(caller.request(key, other, 1))).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
    await expect(ring.settle(caller.request(key, FAIL, 'why'))).rejects.toMatchObject({
      code: 'ERR_REMOTE',
      message: 'why',
    })
    await expect(ring.settle(caller.request(key, broken, Uint8Array.of(123)))).rejects.toMatchObject({
      code: 'ERR_BAD_BODY',
    })
    const stale = { ...ring.nodes[1]!.members[0]!, incarnation: 5n }
    await expect(ring.settle(caller.requestTo(stale, ECHO, 1))).rejects.toMatchObject({ code: 'ERR_NOT_MEMBER' })
    const nowhere = caller.requestTo('10.9.9.9:1', ECHO, 1)
    await expect(ring.settle(nowhere)).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' })
    // A throwing one-way handler has taken the message all the same.
    await ring.settle(caller.send(key, FAIL as MessageType<string, unknown>, 'x'))
  })

  it('moves large bodies, both ways, to a key and to a node', async () => {
    const body = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 7) & 255)
    for (const owner of ring.nodes) {
      expect(isSame(await ring.settle(caller.request(keyOf(owner), BYTES, body)), body)).toBe(true)
    }
    expect(isSame(await ring.settle(caller.requestTo(ring.nodes[3]!.address, BYTES, body)), body)).toBe(true)
    const tooLarge = caller.request('k', BYTES, new Uint8Array(2 ** 20 + 1))
    await expect(tooLarge).rejects.toMatchObject({ code: 'ERR_PAYLOAD_TOO_LARGE' })
    // Around the size of a frame, where the entry hop's addition matters.
    for (let size = 65_536 - 420; size < 65_540; size += 6) {
      const key = keyOf(ring.nodes[1 + (size % 5)]!)
      expect((await ring.settle(caller.request(key, BYTES, body.subarray(0, size)))).length).toBe(size)
    }
  })

  it('gives up at the deadline, and says whether it may have been served', async () => {
    const key = keyOf(ring.nodes[2]!)
    const start = ring.network.clock.nowMs()
    await expect(ring.settle(caller.request(key, SLOW, 5_000, { timeoutMs: 300 }))).rejects.toMatchObject({
      code: 'ERR_OUTCOME_UNKNOWN',
    })
    expect(ring.network.clock.nowMs() - start).toBeLessThan(350)
    expect(await ring.settle(caller.request(key, SLOW, 5_000, { timeoutMs: 9_000 }))).toBe('done')
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(caller.request(key, ECHO, 1, { timeoutMs })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' })
    }
    const misspelt = { timeoutMS: 5 } as object
    await expect(caller.request(key, ECHO, 1, misspelt)).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' })
  })

  it('stops waiting when told to', async () => {
    const controller = new AbortController()
    const call = caller.request(keyOf(ring.nodes[2]!), SLOW, 1_000, { signal: controller.signal })
    ring.network.clock.setTimer(50, () => controller.abort())
    await expect(ring.settle(call)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(caller.lookup('k', { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('ends what waits when it closes, and takes nothing more', async () => {
    const call = caller.request(keyOf(ring.nodes[2]!), SLOW, 1_000)
    const outcome = expect(call).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await ring.run(20)
    await ring.settle(caller.close())
    await outcome
    await expect(caller.lookup('k')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(await caller.closed).toBeUndefined()
    await caller.close()
  })

  it('goes on when nodes die', async () => {
    ring.kill(ring.nodes[3]!)
    ring.kill(ring.nodes[4]!)
    for (let i = 0; i < 40; i++) {
      const { owner } = await ring.settle(caller.lookup(`key-${i}`))
      expect(ring.nodes.map((node) => node.address)).toContain(owner.address)
    }
    await ring.run(2_000)
    for (let i = 0; i < 40; i++) {
      expect(await ring.settle(caller.request(`key-${i}`, ECHO, i))).toEqual({
        got: i,
        by: ring.owners(`key-${i}`)[0]!.address,
      })
    }
  })
})

describe('handlers', () => {
  it('hear when the caller has given up', async () => {
    const reasons: unknown[] = []
    const type: MessageType<void, void> = { name: 'patient', request: json(), reply: json() }
    ring.nodes[1]!.handle(type, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reasons.push(signal.reason.code)
      await new Promise(() => {})
    })
    const call = ring.nodes[0]!.requestTo(ring.nodes[1]!.address, type, undefined, { timeoutMs: 200 })
    await expect(ring.settle(call)).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
    await ring.run(20)
    expect(reasons).toEqual(['ERR_TIMEOUT'])
  })

  it('are one for a name, and can be taken away', () => {
    const node = ring.create()
    ring.forget(node)
    const handler = node.handle(ECHO, () => 1)
    expect(() => node.handle(ECHO, () => 1)).toThrow(expect.objectContaining({ code: 'ERR_DUPLICATE_HANDLER' }))
    handler[Symbol.dispose]()
    node.handle(ECHO, () => 1)
  })

  it('own their body', async () => {
    const kept: Uint8Array[] = []
    const type: MessageType<Uint8Array, Uint8Array> = { name: 'keep', request: raw, reply: raw }
    for (const node of ring.nodes) {
      node.handle(type, ({ body }) => {
        kept.push(body)
        return body
      })
    }
    for (const node of ring.nodes) {
      const body = Uint8Array.of(1, 2, 3)
      const reply = await ring.settle(ring.nodes[0]!.requestTo(node.address, type, body))
      body.fill(9)
      reply.fill(8)
    }
    for (const body of kept) {
      expect(body).toEqual(Uint8Array.of(1, 2, 3))
      expect(body.buffer.byteLength).toBeLessThan(100)
    }
  })

  it('take batches of views', async () => {
    const node = ring.nodes[1]!
    const lengths: number[] = []
    let late: (() => Uint8Array) | undefined
    node.handleBatch('batch', (batch) => {
      lengths.push(batch.length)
      late = () => batch.body(0)
      for (let i = 0; i < batch.length; i++) {
        const body = batch.body(i)
        expect(batch.from(i).address).toBe(ring.nodes[0]!.address)
        if (body[0] !== 99) batch.reply(i, Uint8Array.of(body[0]! + 1))
      }
    })
    const type: MessageType<Uint8Array, Uint8Array> = { name: 'batch', request: raw, reply: raw }
    const calls = Array.from({ length: 20 }, (_, i) => ring.nodes[0]!.requestTo(node.address, type, Uint8Array.of(i)))
    const replies = await ring.settle(Promise.all(calls))
    expect(replies.map((reply) => reply[0])).toEqual(calls.map((_, i) => i + 1))
    expect(Math.max(...lengths)).toBeGreaterThan(1)
    const unanswered = ring.nodes[0]!.requestTo(node.address, type, Uint8Array.of(99))
    await expect(ring.settle(unanswered)).rejects.toMatchObject({ code: 'ERR_REMOTE' })
    expect(() => late?.()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }))
    const key = keyOf(node)
    expect((await ring.settle(ring.nodes[0]!.request(key, type, Uint8Array.of(5))))[0]).toBe(6)
  })

  it('read batches where they lie and answer with parts of memory', async () => {
    const node = ring.nodes[1]!
    const type: MessageType<Uint8Array, Uint8Array> = { name: 'lies', request: raw, reply: raw }
    const wrong: unknown[] = []
    let late: (() => unknown)[] = []
    node.handleBatch('lies', (batch) => {
      late = [() => batch.memory(0), () => batch.start(0), () => batch.end(0), () => batch.reply(0, new Uint8Array(1))]
      for (let i = 0; i < batch.length; i++) {
        const memory = batch.memory(i)
        const start = batch.start(i)
        const end = batch.end(i)
        expect(memory.subarray(start, end)).toEqual(batch.body(i))
        expect(start % 8).toBe(0)
        for (const [from, to] of [
          [-1, 0],
          [2, 1],
          [0, memory.length + 1],
          [Number.NaN, 1],
        ] as const) {
          try {
            batch.reply(i, memory, from, to)
          } catch (error) {
            wrong.push((error as { code: string }).code)
          }
        }
        // Without the first byte; a second answer counts for nothing.
        batch.reply(i, memory, start + 1, end)
        batch.reply(i, memory, 0, 0)
      }
      for (const index of [-1, batch.length, 0.5, Number.NaN]) expect(() => batch.body(index)).toThrow(/is gone/)
    })
    const sizes = [1, 2, 5, 64, 65, 127, 128, 129, 130, 1_000, 70_000]
    const bodies = sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => i * 3 + size))
    const direct = bodies.map((body) => ring.nodes[0]!.requestTo(node.address, type, body))
    const routed = bodies.map((body) => ring.nodes[0]!.request(keyOf(node), type, body))
    const replies = await ring.settle(Promise.all([...direct, ...routed]))
    expect(replies).toEqual([...bodies, ...bodies].map((body) => body.subarray(1)))
    expect(wrong).toEqual(Array(8 * bodies.length).fill('ERR_BAD_BODY'))
    for (const read of late) expect(read).toThrow(expect.objectContaining({ code: 'ERR_STATE' }))
  })

  it('may close their own node', async () => {
    const node = ring.nodes[1]!
    const type: MessageType<void, void> = { name: 'close', request: json(), reply: json() }
    node.handle(type, async () => {
      await node.close()
    })
    ring.forget(node)
    await expect(ring.settle(ring.nodes[0]!.requestTo(node.address, type, undefined))).rejects.toMatchObject({
      code: 'ERR_OUTCOME_UNKNOWN',
    })
    expect(node.state).toBe('closed')
  })
})
