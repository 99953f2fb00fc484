/** The same scenarios over real sockets: all native, all portable, and half of each. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Caller, type ChordNode, connect, createNode, json, type MessageType, raw } from '../../src/index.ts'
import { chooseTransport } from '../../src/native/load.ts'

const ECHO: MessageType<unknown, unknown> = { name: 'echo', request: json(), reply: json() }
const BYTES: MessageType<Uint8Array, Uint8Array> = { name: 'bytes', request: raw, reply: raw }

type Kind = 'native' | 'tcp'
const forced = process.env.CHORDITE_TRANSPORT as Kind | undefined
const hasNative = forced !== 'tcp' && chooseTransport().kind === 'native'
const mixes: [string, readonly Kind[]][] = [
  ...(hasNative ? [['native', ['native']] as [string, Kind[]]] : []),
  ...(forced === 'native' ? [] : [['portable', ['tcp']] as [string, Kind[]]]),
  ...(hasNative && forced === undefined ? [['half and half', ['native', 'tcp']] as [string, Kind[]]] : []),
]

const open: Caller[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((caller) => caller.close()))
})

async function ringOf(count: number, kinds: readonly Kind[], virtualNodes = 1): Promise<ChordNode[]> {
  const nodes: ChordNode[] = []
  for (let i = 0; i < count; i++) {
    const join = i === 0 ? [] : [nodes[0]!.address]
    const node = createNode({ transport: kinds[i % kinds.length]!, join, virtualNodes })
    node.handle(ECHO, ({ body }) => ({ body, by: node.address }))
    node.handle(BYTES, ({ body }) => body)
    open.push(node)
    nodes.push(node)
    expect(node.transport).toBe(kinds[i % kinds.length])
    if (i === 0) await node.start()
  }
  await Promise.all(nodes.slice(1).map((node) => node.start({ timeoutMs: 20_000 })))
  await untilCorrect(nodes)
  return nodes
}

/** Every member follows and is followed by the right one, and owns what lies between. */
async function untilCorrect(nodes: readonly ChordNode[]): Promise<void> {
  await expect
    .poll(
      () => {
        const ring = nodes.flatMap((node) => node.members).sort((a, b) => a.id.compare(b.id))
        return ring.filter((member, i) => {
          const before = ring[(i + ring.length - 1) % ring.length]!.id
          const after = ring[(i + 1) % ring.length]!.id
          const isAlone = ring.length === 1
          if (!member.range?.after.equals(before)) return true
          return !isAlone && (!member.predecessor?.id.equals(before) || !member.successors[0]?.id.equals(after))
        }).length
      },
      { timeout: 20_000, interval: 20 },
    )
    .toBe(0)
}

const keys = Array.from({ length: 60 }, (_, i) => `key ${i}`)

function ownerOf(nodes: readonly ChordNode[], key: string): string {
  return nodes.find((node) => node.owns(key) !== undefined)!.address
}

describe.each(mixes)('%s', (_, kinds) => {
  it('finds owners and reaches them, from members and clients', async () => {
    const nodes = await ringOf(6, kinds)
    const clients = await Promise.all(
      kinds.map((transport) => connect({ to: [nodes[1]!.address, nodes[2]!.address], transport })),
    )
    open.push(...clients)
    for (const [i, key] of keys.entries()) {
      const by = ownerOf(nodes, key)
      for (const caller of [nodes[i % 6]!, ...clients]) {
        expect((await caller.lookup(key)).owner.address).toBe(by)
        expect(await caller.request(key, ECHO, i)).toEqual({ body: i, by })
      }
    }
    const found = await clients[0]!.lookup('x', { route: 'iterative' })
    expect(found.owner.address).toBe(ownerOf(nodes, 'x'))
  })

  it('moves large bodies', async () => {
    const nodes = await ringOf(4, kinds)
    const body = Uint8Array.from({ length: 900_000 }, (_, i) => i * 31)
    for (const node of nodes) {
      const [byKey, byAddress] = await Promise.all([
        nodes[0]!.request(`large ${node.address}`, BYTES, body),
        nodes[1]!.requestTo(node.address, BYTES, body),
      ])
      expect(Buffer.compare(byKey, body)).toBe(0)
      expect(Buffer.compare(byAddress, body)).toBe(0)
    }
  })

  it('heals around nodes that vanish, and lets others leave', async () => {
    const nodes = await ringOf(8, kinds)
    const [a, b, c, d, ...rest] = nodes as [ChordNode, ChordNode, ChordNode, ChordNode, ...ChordNode[]]
    await Promise.all([b.close(), c.close()])
    await untilCorrect([a, d, ...rest])
    await Promise.all([a.leave(), d.leave()])
    await untilCorrect(rest)
    for (const [i, key] of keys.entries()) {
      expect(await rest[i % 4]!.request(key, ECHO, i)).toEqual({ body: i, by: ownerOf(rest, key) })
    }
  })

  it('serves several virtual nodes of each process', async () => {
    const nodes = await ringOf(4, kinds, 6)
    for (const key of keys) expect((await nodes[0]!.lookup(key)).owner.address).toBe(ownerOf(nodes, key))
    const delivered = nodes.map((node) => node.metrics().routed.delivered)
    expect(delivered.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(keys.length)
  })

  it('disposes of what it opened', async () => {
    let left: ChordNode | undefined
    {
      await using node = await createNode({ transport: kinds[0]! }).start()
      await using client = await connect({ to: [node.address], transport: kinds[0]! })
      expect((await client.lookup('k')).owner.address).toBe(node.address)
      left = node
    }
    expect(left.state).toBe('closed')
    await expect(connect({ to: [left.address] })).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' })
  })
})

it('refuses what it cannot open', async () => {
  const node = createNode()
  open.push(node)
  await node.start()
  const second = createNode({ listen: node.address })
  await expect(second.start()).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
  expect(second.state).toBe('closed')
  const elsewhere = createNode({ listen: '192.0.2.1:4000' })
  await expect(elsewhere.start()).rejects.toMatchObject({ code: 'ERR_LISTEN' })
  const stranger = createNode({ join: [node.address], network: 'another' })
  await expect(stranger.start({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'ERR_JOIN_TIMEOUT' })
  await expect(connect({ to: ['nowhere'] })).rejects.toMatchObject({ code: 'ERR_BAD_ADDRESS' })
  await expect(connect({ to: [node.address], network: 'another' })).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' })
})
