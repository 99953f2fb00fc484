import { expect, test } from 'vitest'
import { type ChordNode, type MessageType, raw } from '../../src/index.ts'
import { World } from '../../src/sim/index.ts'

const PUT: MessageType<Uint8Array, Uint8Array> = { name: 'put', request: raw, reply: raw }
const DELAY_MS = 50
/** A look-up there and back, either way behind a window that has left, with room for turns. */
const PROMPT_MS = 2 * (DELAY_MS + DELAY_MS) + 25

/** As much as there is room for, again and again, to everybody: connections are full, since a window leaves every 50 ms. */
async function saturate(node: ChordNode, world: World, untilMs: number): Promise<number> {
  const keys = Array.from({ length: 600 }, (_, i) => `key-${i}`)
  const bodies = keys.map(() => new Uint8Array(10_000))
  let done = 0
  while (world.nowMs < untilMs) {
    const results = await node.requestMany(keys, PUT, bodies, { timeoutMs: 5_000 })
    done += results.filter((result) => result.ok).length
  }
  return done
}

test('look-ups and maintenance do not wait for what is called many at a time', async () => {
  const world = new World({ seed: 3, delay: { kind: 'constant', ms: DELAY_MS } })
  await world.play(async () => {
    const nodes = await world.grow(3, {}, (node) => node.handle(PUT, () => new Uint8Array(1)))
    await world.calm()
    world.always('the ring stays as it is', () => world.flaws().length === 0)
    const untilMs = world.nowMs + 10_000
    const bulk = nodes.map((node) => saturate(node, world, untilMs))
    await world.run(1_000)
    const [node] = nodes as [ChordNode]
    let queuedMost = 0
    for (let i = 0; world.nowMs < untilMs - 1_000; i++) {
      const startMs = world.nowMs
      await node.lookup(`name-${i}`)
      expect(world.nowMs - startMs).toBeLessThanOrEqual(PROMPT_MS)
      queuedMost = Math.max(queuedMost, node.metrics().wire.queuedBytes)
      await world.run(20)
    }
    expect(queuedMost).toBeGreaterThan(500_000)
    const done = await Promise.all(bulk)
    for (const count of done) expect(count).toBeGreaterThan(1_000)
  })
}, 60_000)
