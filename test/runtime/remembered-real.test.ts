/** The same over real sockets: rings come to one hop, and stay right while nodes come and go. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ChordNode, createNode, Id, type MessageType, type NodeOptions, raw } from '../../src/index.ts'
import { chooseTransport } from '../../src/native/load.ts'

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }
const KEYS = Array.from({ length: 300 }, (_, i) => `key-${i}`)

const forced = process.env.CHORDITE_TRANSPORT
const kinds = (['native', 'tcp'] as const).filter(
  (kind) => (forced ?? kind) === kind && (kind === 'tcp' || chooseTransport().kind === 'native'),
)

describe.each(kinds)('over %s', (transport) => {
  const nodes: ChordNode[] = []

  async function start(options: NodeOptions = {}): Promise<ChordNode> {
    const join = nodes.slice(0, 1).map(({ address }) => address)
    const node = createNode({ transport, successors: 2, join, ...options })
    node.handle(ECHO, () => new TextEncoder().encode(node.address))
    nodes.push(node)
    return node.start()
  }

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.close()))
  })

  function ownersOf(keys: readonly string[]): string[] {
    const members = nodes.map((node) => ({ id: node.members[0]!.id, address: node.address }))
    members.sort((a, b) => a.id.compare(b.id))
    return keys.map((key) => (members.find(({ id }) => id.compare(Id.hash(key)) >= 0) ?? members[0]!).address)
  }

  async function goesStraight(node: ChordNode): Promise<boolean> {
    const found = await Promise.all(KEYS.map((key) => node.lookup(key)))
    const expected = ownersOf(KEYS)
    return found.every(({ owner, hops }, i) => hops <= 1 && owner.address === expected[i])
  }

  it('comes to one hop, again after a join, a leave and a crash, and every answer is the owner’s', async () => {
    for (let i = 0; i < 8; i++) await start()
    const [caller] = nodes as [ChordNode]
    const arrive = () => vi.waitUntil(() => goesStraight(caller), { timeout: 20_000, interval: 100 })
    const changes = [
      async () => {},
      async () => void (await start()),
      async () => void (await nodes.pop()!.leave()),
      async () => void (await nodes.pop()!.close()),
    ]
    for (const change of changes) {
      await change()
      await arrive()
      const { hits, misses } = caller.metrics().ranges
      const answers = await Promise.all(KEYS.map((key) => caller.request(key, ECHO, new Uint8Array(0))))
      expect(answers.map((bytes) => new TextDecoder().decode(bytes))).toEqual(ownersOf(KEYS))
      const after = caller.metrics().ranges
      expect(after.hits - hits).toBeGreaterThan(after.misses - misses)
    }
  })
})
