/** Frames by key in rings over real sockets: passed on by C++ where there is any, and with the same outcome everywhere. */
import { afterEach, describe, expect, it } from 'vitest'
import { decide } from '../../src/core/router.ts'
import { type Caller, type ChordNode, createNode, Id, json, type MessageType } from '../../src/index.ts'
import { chooseTransport } from '../../src/native/load.ts'
import { coresOf } from '../../src/runtime/node.ts'

const ECHO: MessageType<unknown, unknown> = { name: 'echo', request: json(), reply: json() }

type Kind = 'native' | 'tcp'
const forced = process.env.CHORDITE_TRANSPORT as Kind | undefined
const hasNative = forced !== 'tcp' && chooseTransport().kind === 'native'
const kinds: Kind[] = [...(hasNative ? ['native' as const] : []), ...(forced === 'native' ? [] : ['tcp' as const])]

const open: Caller[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((caller) => caller.close()))
})

/** With one successor each, so that most keys are more than one hop away. */
async function ringOf(count: number, transport: Kind, cachedRanges: number): Promise<ChordNode[]> {
  const nodes: ChordNode[] = []
  for (let i = 0; i < count; i++) {
    const join = i === 0 ? [] : [nodes[0]!.address]
    const timing = { stabilizeMinMs: 20, fingersMinMs: 20 }
    const node = createNode({ transport, join, successors: 1, timing, limits: { cachedRanges } })
    node.handle(ECHO, ({ body }) => ({ body, by: node.address }))
    open.push(node)
    nodes.push(node)
    await node.start({ timeoutMs: 20_000 })
  }
  return nodes
}

/** Whoever each node would send the key to, until it is where it belongs; undefined while the ring is not settled. */
function walk(nodes: readonly ChordNode[], from: ChordNode, key: Id): { owner: string; hops: number } | undefined {
  let at = from
  let final = false
  let steps = 0
  for (let hops = 0; hops < nodes.length; hops++) {
    const decision = decide(coresOf(at), key, final, steps, 0)
    if (decision.kind === 'deliver') return { owner: at.address, hops }
    if (decision.kind !== 'forward') return undefined
    const next = nodes.find((node) => node.address === decision.to.address)
    if (next === undefined) return undefined
    at = next
    final = decision.final
    steps = decision.finalSteps
  }
  return undefined
}

const passedOn = (nodes: readonly ChordNode[]) =>
  nodes.reduce((sum, node) => sum + node.metrics().wire.framesPassedOn, 0)
const forwarded = (nodes: readonly ChordNode[]) => nodes.reduce((sum, node) => sum + node.metrics().routed.forwarded, 0)

describe.each(kinds)('%s', (kind) => {
  it('passes frames on by the tables of the nodes, in as many hops, to the owners', async () => {
    const nodes = await ringOf(8, kind, 0)
    const keys = Array.from({ length: 200 }, (_, i) => Id.hash(`key ${i}`))
    const tables = () => keys.map((key, i) => walk(nodes, nodes[i % 8]!, key))
    await expect.poll(() => tables().filter((way) => way === undefined).length, { timeout: 20_000 }).toBe(0)
    // Until nothing changes while they are on their way.
    await expect
      .poll(
        async () => {
          const before = tables()
          const found = await Promise.all(keys.map((key, i) => nodes[i % 8]!.lookup(key)))
          const same = JSON.stringify(before) === JSON.stringify(tables())
          if (!same) return 'changing'
          return found.filter(({ owner, hops }, i) => owner.address !== before[i]!.owner || hops !== before[i]!.hops)
            .length
        },
        { timeout: 20_000, interval: 10 },
      )
      .toBe(0)
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(keys.map((key, i) => nodes[i % 8]!.request(key, ECHO, i)))
      expect(answers).toEqual(keys.map((key, i) => ({ body: i, by: nodes.find((n) => n.owns(key))!.address })))
    }
    expect(forwarded(nodes)).toBeGreaterThan(200)
    if (kind === 'native') expect(passedOn(nodes)).toBeGreaterThan(100)
    else expect(passedOn(nodes)).toBe(0)
  })

  it('passes frames straight to owners that are remembered', async () => {
    const nodes = await ringOf(8, kind, 4096)
    const [asker] = nodes as [ChordNode]
    const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`)
    await expect
      .poll(
        async () => {
          // Everybody knows everybody's range from answers; whoever asks by key for the first time does not know it yet.
          await Promise.all(nodes.map((node) => Promise.all(keys.map((key) => node.lookup(key)))))
          const found = await Promise.all(keys.map((key) => asker.lookup(key)))
          return Math.max(...found.map(({ hops }) => hops))
        },
        { timeout: 20_000, interval: 10 },
      )
      .toBeLessThanOrEqual(1)
    for (const key of keys) {
      const by = nodes.find((node) => node.owns(key))!.address
      expect(await asker.request(key, ECHO, 1)).toEqual({ body: 1, by })
    }
  })
})
