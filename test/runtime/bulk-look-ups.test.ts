/** `lookupMany`: few questions for many keys, and the truth about each of them whatever happens meanwhile. */
import { describe, expect, it } from 'vitest'
import type { Caller, ChordNode, Owner, Result } from '../../src/index.ts'
import { Id } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const KEYS = Array.from({ length: 5_000 }, (_, i) => `key-${i}`)

/** Of whom the ids say that they own the keys. */
function addressesOf(nodes: readonly ChordNode[], keys: readonly string[]): string[] {
  const members = nodes.map((node) => ({ id: node.members[0]!.id, address: node.address }))
  members.sort((a, b) => a.id.compare(b.id))
  return keys.map((key) => {
    const id = Id.hash(key)
    return (members.find((member) => member.id.compare(id) >= 0) ?? members[0]!).address
  })
}

function found(results: readonly Result<Owner>[]): string[] {
  return results.map((result) => (result.ok ? result.value.owner.address : result.error.code))
}

function sentBy(caller: Caller): number {
  return (caller as ChordNode).metrics().calls.sent
}

describe.each([1, 3, 32])('in a ring of %i', (size) => {
  it('every key has its owner, however many keys there are', async () => {
    const ring = new SimulatedRing()
    const nodes = await ring.grow(size)
    await ring.calm()
    const expected = addressesOf(nodes, KEYS)
    const [node] = nodes as [ChordNode]
    const before = sentBy(node)
    expect(found(await ring.settle(node.lookupMany(KEYS)))).toEqual(expected)
    const asked = sentBy(node) - before
    expect(asked).toBeLessThanOrEqual(size === 1 ? 0 : 64 + 3 * size)
    const client = await ring.client()
    expect(found(await ring.settle(client.lookupMany(KEYS)))).toEqual(expected)
    for (const count of [0, 1, 2, 65]) {
      const some = KEYS.slice(0, count)
      expect(found(await ring.settle(client.lookupMany(some)))).toEqual(expected.slice(0, count))
    }
  })
})

it('while nodes die and join, every result was told by an owner within the call', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(9)
  const [node] = nodes as [ChordNode]
  const keys = KEYS.slice(0, 500)
  const all = ring.settle(
    Promise.all(Array.from({ length: 30 }, (_, i) => later(ring, i * 100, () => node.lookupMany(keys)))),
  )
  for (const [i, victim] of nodes.slice(1, 6).entries()) {
    await ring.run(600)
    ring.kill(victim, { silent: i % 2 === 0 })
    void ring.grow(1)
  }
  for (const results of await all) {
    for (const [i, result] of results.entries()) {
      if (!result.ok) throw result.error
      const { range, owner } = result.value
      expect(Id.hash(keys[i]!).isBetweenOrEnd(range.after, range.upTo)).toBe(true)
      expect(range.upTo).toEqual(owner.id)
    }
  }
  await ring.calm()
  expect(found(await ring.settle(node.lookupMany(KEYS)))).toEqual(addressesOf(ring.nodes, KEYS))
  expect(node.metrics().calls.pending).toBe(0)
})

it('keys whose owner cannot be reached fail alone', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(6)
  await ring.calm()
  const [node] = nodes as [ChordNode]
  const expected = addressesOf(nodes, KEYS)
  const victim = nodes[3]!
  // Others still believe in it: nobody takes over before the deadline.
  ring.kill(victim, { silent: true })
  const results = found(await ring.settle(node.lookupMany(KEYS, { timeoutMs: 400 })))
  for (const [i, address] of expected.entries()) {
    expect(results[i]).toBe(address === victim.address ? 'ERR_TIMEOUT' : address)
  }
  expect(node.metrics().calls.pending).toBe(0)
  // Given more time, somebody has taken over.
  const later = found(await ring.settle(node.lookupMany(KEYS)))
  expect(later).toEqual(addressesOf(ring.nodes, KEYS))
})

it('ends as a whole when told to, when closed, and at the deadline', async () => {
  const ring = new SimulatedRing()
  const [a, b, c] = (await ring.grow(3)) as [ChordNode, ChordNode, ChordNode]
  await ring.calm()
  const own = KEYS.filter((key) => a.owns(key) !== undefined).length
  for (const node of [b, c]) ring.kill(node, { silent: true })
  const failures = async (o: object, meanwhile: () => void) => {
    const startMs = ring.network.clock.nowMs()
    ring.network.clock.setTimer(100, meanwhile)
    const results = await ring.settle(a.lookupMany(KEYS, o))
    const codes = new Set(found(results.filter((result) => !result.ok)))
    expect(results.filter((result) => result.ok)).toHaveLength(own)
    return [[...codes], Math.round(ring.network.clock.nowMs() - startMs)]
  }
  const stop = new AbortController()
  expect(await failures({ signal: stop.signal }, () => stop.abort())).toEqual([['ERR_ABORTED'], 100])
  expect(await failures({ timeoutMs: 150 }, () => {})).toEqual([['ERR_TIMEOUT'], 150])
  expect(a.metrics().calls.pending).toBe(0)
  await expect(a.lookupMany(KEYS, { signal: stop.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(await failures({}, () => void a.close())).toEqual([['ERR_CLOSED'], 100])
  expect(new Set(found(await a.lookupMany(KEYS)))).toEqual(new Set(['ERR_CLOSED']))
})

it('takes turns with others where few calls may wait', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(8, { limits: { pendingCalls: 2 } })
  await ring.calm()
  const [node] = nodes as [ChordNode]
  const expected = addressesOf(nodes, KEYS)
  const both = await ring.settle(Promise.all([node.lookupMany(KEYS), node.lookupMany(KEYS)]))
  expect(both.map(found)).toEqual([expected, expected])
})

it('packed results say the same', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(5)
  await ring.calm()
  const [node] = nodes as [ChordNode]
  const expected = addressesOf(nodes, KEYS)
  const { owners, indexes, errors } = await ring.settle(node.lookupMany(KEYS, { packed: true }))
  expect([...indexes].map((index) => owners[index]!.owner.address)).toEqual(expected)
  expect(errors.size).toBe(0)
  const ids = KEYS.map((key) => Id.hash(key))
  expect(found(await ring.settle(node.lookupMany(ids)))).toEqual(expected)
  const mixed = KEYS.map((key, i) => [key, ids[i]!, Buffer.from(key)][i % 3]!)
  expect(found(await ring.settle(node.lookupMany(mixed)))).toEqual(expected)
})

it('what is cached is answered at once, what is not fails alone', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(3)
  await ring.calm()
  const [node] = nodes as [ChordNode]
  const before = sentBy(node)
  const own = KEYS.find((key) => node.owns(key) !== undefined)!
  const { owners, indexes, errors } = await node.lookupMany(KEYS, { cached: true, packed: true })
  const all = await node.lookupMany(KEYS, { cached: true })
  for (const [i, key] of KEYS.entries()) {
    const isOwn = node.owns(key) !== undefined
    if (isOwn) expect(owners[indexes[i]!]!.owner.address).toBe(node.address)
    if (indexes[i]! < 0) expect(errors.get(i)!.code).toBe('ERR_NOT_CACHED')
    expect(all[i]!.ok).toBe(indexes[i]! >= 0)
  }
  expect(await node.lookup(own, { cached: true })).toMatchObject({ hops: 0, epoch: node.members[0]!.epoch })
  const stranger = Id.hash('nobody has asked for this')
  const answer = node.lookup(stranger, { cached: true })
  if (node.owns(stranger) === undefined) await expect(answer).rejects.toMatchObject({ code: 'ERR_NOT_CACHED' })
  expect(sentBy(node)).toBe(before)
  await expect(node.lookup(own, { cached: true, route: 'iterative' })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' })
  await ring.settle(node.close())
  await expect(node.lookup(own, { cached: true })).rejects.toMatchObject({ code: 'ERR_CLOSED' })
})

it('what owners have told is remembered: answered without a message, and asked about once for each owner', async () => {
  const ring = new SimulatedRing()
  const nodes = await ring.grow(6)
  await ring.calm()
  const expected = addressesOf(nodes, KEYS)
  const [node] = nodes as [ChordNode]
  for (const caller of [node, await ring.client()]) {
    await ring.settle(caller.lookupMany(KEYS))
    const before = sentBy(node)
    expect(found(await caller.lookupMany(KEYS, { cached: true }))).toEqual(expected)
    const { owners, indexes } = await caller.lookupMany(KEYS, { cached: true, packed: true })
    expect([...indexes].map((index) => owners[index]!.owner.address)).toEqual(expected)
    expect((await caller.lookup(KEYS[7]!, { cached: true })).owner.address).toBe(expected[7])
    expect(sentBy(node)).toBe(before)
    expect(found(await ring.settle(caller.lookupMany(KEYS)))).toEqual(expected)
    // The range round zero may be asked for twice.
    if (caller === node) expect(sentBy(node) - before).toBeLessThanOrEqual(nodes.length)
  }
})

function later<T>(ring: SimulatedRing, ms: number, fn: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    ring.network.clock.setTimer(ms, () => void fn().then(resolve, reject))
  })
}
