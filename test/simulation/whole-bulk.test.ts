import { expect, test } from 'vitest'
import { Id } from '../../src/index.ts'
import { swarm } from '../../src/sim/index.ts'

const KEYS = Array.from({ length: 400 }, (_, i) => `key-${i}`)
const IDS = KEYS.map((key) => Id.hash(key))
const TIMEOUT_MS = 1_500
/** Two ticks of the wheel of calls, and the turn in which they are seen. */
const LATE_MS = 25

/** More by CHORDITE_SEEDS=1000, one by CHORDITE_SEED=17. */
test('look-ups in bulk: an owner that told so, or the reason why not, in time; all of them once it is calm', async () => {
  let found = 0
  await swarm({ seeds: 10 }, async (world) => {
    const clients = [await world.client(), await world.client()]
    for (let i = 0; i < 12; i++) {
      const caller = i % 3 === 2 ? world.nodes[0]! : clients[i % 2]!
      const startMs = world.nowMs
      const results = await caller.lookupMany(KEYS, { timeoutMs: TIMEOUT_MS })
      // A node may have been held up, a client never is.
      if (i % 3 !== 2) expect(world.nowMs - startMs).toBeLessThanOrEqual(TIMEOUT_MS + LATE_MS)
      for (const [k, result] of results.entries()) {
        if (!result.ok) continue
        const { range, owner } = result.value
        expect(range.upTo).toEqual(owner.id)
        expect(IDS[k]!.isBetweenOrEnd(range.after, range.upTo)).toBe(true)
        found++
      }
      await world.run(world.random.below(1_000))
    }
    await world.calm()
    for (const node of world.nodes) {
      const addresses = (await node.lookupMany(KEYS)).map((result) => result.ok && result.value.owner.address)
      expect(addresses).toEqual(KEYS.map((key) => world.owners(key)[0]!.address))
    }
  })
  expect(found).toBeGreaterThan(1_000)
}, 300_000)
