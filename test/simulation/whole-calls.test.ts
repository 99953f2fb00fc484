import { expect, test } from 'vitest'
import { swarm } from '../../src/sim/index.ts'
import { Calls } from '../../src/sim/whole/calls.ts'

/** More by CHORDITE_SEEDS=1000, one by CHORDITE_SEED=17. */
test('calls: handled once at most, no success that nobody served, nothing lost, in time', async () => {
  let calls: Calls | undefined
  let ok = 0
  const setUp = (node: Parameters<typeof Calls.serve>[0]) => Calls.serve(node, () => calls)
  const { events, faults } = await swarm({ seeds: 12, setUp }, async (world) => {
    calls = new Calls(world)
    await calls.run(200, 20_000)
    await world.calm()
    await calls.finish()
    ok += calls.made.filter(({ ended }) => ended === 'ok').length
  })
  expect(events).toBeGreaterThan(1_000)
  expect(Object.keys(faults).length).toBeGreaterThan(5)
  expect(ok).toBeGreaterThan(20)
}, 300_000)
