import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const peer = (address: string) => ({ id: Id.hash(address), address, incarnation: 1n })
const config = { successors: 8, onIsolated: 'wait', rememberedPeers: 128, ...DEFAULT_TIMING } as const

/** A seed's connection is up for a while after its goodbye, so it is handed in as a contact on every attempt. */
test('a contact that said goodbye is no reason to try again at once', () => {
  const node = new ChordNode({ self: peer('a'), config, random: new SeededRandom(1) })
  const seed = peer('b')
  node.join([seed], 0)
  node.handleTimeout(0)
  node.departed(seed.address, 1)
  let attempts = 0
  for (let nowMs = 1; nowMs < 1_000; nowMs = node.nextTimeout()) {
    node.handleTimeout(nowMs)
    for (let out = node.poll(); out !== undefined; out = node.poll()) {
      if (out.kind !== 'seeds') continue
      expect(++attempts).toBeLessThan(20)
      node.compareRings(seed, nowMs)
    }
  }
  expect(attempts).toBeGreaterThan(2)
  expect(node.remembered()).toEqual([])
})
