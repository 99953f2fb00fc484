/** A client sends straight to owners that it remembers and reaches, and by its entry hop to all others. */
import { expect, it } from 'vitest'
import { type Caller, type ChordNode, type MessageType, utf8 } from '../../src/index.ts'
import type { WorldPaths } from '../../src/sim/whole/paths.ts'
import { SimulatedRing } from './simulated-ring.ts'

const WHO: MessageType<string, string> = { name: 'who', request: utf8, reply: utf8 }
const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`)
/** Of the first client of a world. */
const CLIENT = '10.1.0.0'

let handled = new Map<string, number>()

function serve(node: ChordNode): void {
  node.handle(WHO, ({ body }) => {
    handled.set(body, (handled.get(body) ?? 0) + 1)
    return node.address
  })
}

async function ringOf(size: number): Promise<SimulatedRing> {
  handled = new Map()
  const ring = new SimulatedRing()
  await ring.grow(size, { successors: 2 }, serve)
  return ring
}

/** Neither hears of the other any more. */
function cut(ring: SimulatedRing, node: ChordNode): void {
  const paths = ring.network.paths as WorldPaths
  const host = node.address.split(':')[0]!
  for (const path of [paths.of(CLIENT, host), paths.of(host, CLIENT)]) path.isCut = true
}

let said = 0
async function ask(ring: SimulatedRing, client: Caller): Promise<string[]> {
  const answers: string[] = []
  for (const key of KEYS) answers.push(await ring.settle(client.request(key, WHO, `${said++}`)))
  expect(answers).toEqual(KEYS.map((key) => ring.owners(key)[0]!.address))
  return answers
}

/** Until nothing has to be passed on; connections are opened one by one, and not all at once. */
async function warm(ring: SimulatedRing, client: Caller): Promise<void> {
  for (let round = 0; round < 12; round++) {
    const before = forwarded(ring)
    await ask(ring, client)
    if (forwarded(ring) === before) return
  }
  expect.fail('messages are passed on for ever')
}

const forwarded = (ring: SimulatedRing) => ring.nodes.reduce((sum, node) => sum + node.metrics().routed.forwarded, 0)
const accepted = (ring: SimulatedRing) => ring.nodes.reduce((sum, node) => sum + node.metrics().connections.accepted, 0)

it('messages come to go straight, look-ups too, and again after others join and leave', async () => {
  const ring = await ringOf(6)
  const client = await ring.client()
  for (let change = 0; change < 3; change++) {
    if (change === 1) await ring.start({ successors: 2 }, serve)
    if (change === 2) await ring.leave(ring.nodes[3]!)
    await ring.calm()
    await warm(ring, client)
    const before = forwarded(ring)
    await ask(ring, client)
    for (const key of KEYS) expect((await ring.settle(client.lookup(key))).hops).toBe(1)
    expect(forwarded(ring)).toBe(before)
  }
  expect(Math.max(...handled.values())).toBe(1)
})

it('opens as many connections as it may, and closes none that answers are to come by', async () => {
  const ring = await ringOf(8)
  const before = accepted(ring)
  const client = await ring.client({ limits: { replyConnections: 2 } })
  for (let round = 0; round < 3; round++) await ask(ring, client)
  expect(accepted(ring) - before).toBeGreaterThan(1)
  expect(accepted(ring) - before).toBeLessThanOrEqual(3)
  const slow: MessageType<string, string> = { ...WHO, name: 'slow' }
  for (const node of ring.nodes) {
    node.handle(slow, () => new Promise((resolve) => void ring.network.clock.setTimer(1_500, () => resolve('late'))))
  }
  const late = KEYS.map((key) => client.request(key, slow, ''))
  for (let round = 0; round < 2; round++) await ask(ring, client)
  expect(new Set(await ring.settle(Promise.all(late)))).toEqual(new Set(['late']))
})

it('nothing is remembered and nobody else is dialed if it is told so', async () => {
  const ring = await ringOf(4)
  const before = accepted(ring)
  const client = await ring.client({ limits: { cachedRanges: 0 } })
  for (let round = 0; round < 2; round++) await ask(ring, client)
  expect(accepted(ring) - before).toBe(1)
})

it('behind a wall that lets it reach only its entry hop, it goes by that, and does not try for ever', async () => {
  const ring = await ringOf(5)
  const client = await ring.client()
  for (const node of ring.nodes.slice(1)) {
    cut(ring, node)
  }
  for (let round = 0; round < 3; round++) await ask(ring, client)
  await ring.run(4_000)
  const before = forwarded(ring)
  const startMs = ring.network.clock.nowMs()
  await ask(ring, client)
  expect(ring.network.clock.nowMs() - startMs).toBeLessThan(1_000)
  expect(forwarded(ring)).toBeGreaterThan(before)
  // The wall is gone: after a while they are tried again.
  ring.heal()
  await ring.run(40_000)
  await warm(ring, client)
})

it('an owner that has fallen silent is left to the entry hop, and one that dies to whoever takes over', async () => {
  const ring = await ringOf(6)
  const client = await ring.client()
  await warm(ring, client)
  const [, silent, dead] = ring.nodes as [ChordNode, ChordNode, ChordNode]
  cut(ring, silent)
  const mine = KEYS.filter((key) => ring.owners(key)[0] === silent)
  const codes: string[] = []
  for (let n = 0; n < 40; n++) {
    await ring.run(100)
    for (const key of mine) {
      const call = client.request(key, WHO, `silent ${n} ${key}`)
      void call.then(
        () => codes.push('ok'),
        (error) => codes.push(error.code),
      )
    }
  }
  await ring.run(6_000)
  expect(codes).toHaveLength(40 * mine.length)
  expect(new Set(codes)).toEqual(new Set(mine.length === 0 ? [] : ['ok', 'ERR_OUTCOME_UNKNOWN']))
  expect(codes.slice(-mine.length).every((code) => code === 'ok' || code === 'ERR_OUTCOME_UNKNOWN')).toBe(true)
  await ask(ring, client)
  ring.heal()
  ring.kill(dead)
  await ring.calm()
  await ask(ring, client)
  expect(Math.max(...handled.values())).toBe(1)
})
