/** Bulk and turns over real sockets: many calls, few writes. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Caller, type ChordNode, connect, createNode, Id, type MessageType, raw } from '../../src/index.ts'
import { chooseTransport } from '../../src/native/load.ts'

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }
const KEYS = Array.from({ length: 10_000 }, (_, i) => `key-${i}`)
const SIZE = 4

const forced = process.env.CHORDITE_TRANSPORT
const kinds = (['native', 'tcp'] as const).filter(
  (kind) => (forced ?? kind) === kind && (kind === 'tcp' || chooseTransport().kind === 'native'),
)

describe.each(kinds)('over %s', (transport) => {
  const nodes: ChordNode[] = []
  let client: Caller

  beforeAll(async () => {
    for (let i = 0; i < SIZE; i++) {
      const node = createNode({ transport, join: nodes.slice(0, 1).map((first) => first.address) })
      node.handle(ECHO, ({ body }) => body)
      nodes.push(node)
      await node.start()
    }
    // Each knows all: then every call is one step, and its connection is there.
    const others = (node: ChordNode) => new Set(node.members[0]!.successors.map(({ address }) => address)).size
    await vi.waitUntil(() => nodes.every((node) => others(node) === SIZE - 1), { timeout: 20_000 })
    client = await connect({ transport, to: [nodes[0]!.address] })
    for (const node of nodes) await node.requestMany(KEYS, ECHO, { all: Uint8Array.of(1) })
  })

  afterAll(async () => {
    await Promise.all([client, ...nodes].map((one) => one?.close()))
  })

  function ownersOf(keys: readonly string[]): string[] {
    const members = nodes.map((node) => ({ id: node.members[0]!.id, address: node.address }))
    members.sort((a, b) => a.id.compare(b.id))
    return keys.map((key) => (members.find(({ id }) => id.compare(Id.hash(key)) >= 0) ?? members[0]!).address)
  }

  it('finds all owners, for members and clients', async () => {
    const expected = ownersOf(KEYS)
    for (const caller of [...nodes, client]) {
      const results = await caller.lookupMany(KEYS)
      expect(results.map((result) => result.ok && result.value.owner.address)).toEqual(expected)
    }
  })

  it('calls of one turn share a write for each node that they go to', async () => {
    // Calls for what is its own leave nobody: the one that owns the fewest keys.
    const owners = ownersOf(KEYS.slice(0, 64))
    const owned = ({ address }: ChordNode) => owners.filter((owner) => owner === address).length
    const [node, ...others] = nodes.toSorted((a, b) => owned(a) - owned(b)) as [ChordNode, ...ChordNode[]]
    const turns: [string, () => Promise<unknown>][] = [
      ['requestTo', () => Promise.all(others.flatMap(({ address }) => calls(100, () => toNode(node, address))))],
      ['request', () => Promise.all(calls(300, (i) => node.request(KEYS[i]!, ECHO, Uint8Array.of(1))))],
      ['lookup', () => Promise.all(calls(300, (i) => node.lookup(KEYS[i]!)))],
      ['requestMany', () => node.requestMany(KEYS.slice(0, 64), ECHO, { all: Uint8Array.of(1) })],
    ]
    for (const [name, turn] of turns) {
      const { writes, framesOut } = node.metrics().wire
      await turn()
      const after = node.metrics().wire
      expect(after.framesOut - framesOut, name).toBeGreaterThan(30)
      // Upkeep may come in between.
      expect(after.writes - writes, name).toBeLessThanOrEqual(SIZE - 1 + 4)
    }
  })

  it('asks all owners, for members and clients', async () => {
    const bodies = KEYS.map((key) => new TextEncoder().encode(key))
    for (const caller of [nodes[1]!, client]) {
      const results = await caller.requestMany(KEYS, ECHO, bodies)
      const bytes = results.flatMap((result) => (result.ok ? [result.value] : []))
      expect(Buffer.concat(bytes).equals(Buffer.concat(bodies))).toBe(true)
      const sent = await caller.sendMany(KEYS, ECHO, { all: Uint8Array.of(7) }, { ack: false })
      expect(sent.every((result) => result.ok)).toBe(true)
    }
  })
})

function calls<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

function toNode(node: ChordNode, address: string): Promise<Uint8Array> {
  return node.requestTo(address, ECHO, Uint8Array.of(1))
}
