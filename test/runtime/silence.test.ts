/** Nodes whose timers would notice after minutes, and a machine that vanishes: what is handed to it makes them ask. */
import { expect, test } from 'vitest'
import { SimulatedRing } from './simulated-ring.ts'

const SLOW = { stabilizeMaxMs: 240_000, fingersMaxMs: 900_000, selfLookupMs: 900_000 }

test('a look-up is answered by who takes over from a machine that vanished', async () => {
  const ring = new SimulatedRing({ silenceMs: 600_000 })
  await ring.grow(6, { timing: SLOW })
  await ring.run(1_000_000)
  const asker = ring.nodes[0]!
  const owner = ring.nodes[3]!
  const key = owner.members[0]!.id
  ring.kill(owner, { silent: true })
  const found = await ring.settle(asker.lookup(key))
  expect(found.owner.address).not.toBe(owner.address)
  expect(ring.owners(String(key)).length).toBeLessThanOrEqual(1)
})
