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
