import { expect, test } from 'vitest'
import { playWhole, swarm } from '../../src/sim/index.ts'
import { ORDERLY, SoftState } from '../../src/sim/whole/soft-state.ts'

/** More by CHORDITE_SEEDS=1000, one by CHORDITE_SEED=17. */
test.each([
  ['keeps every value while nodes join and take leave', true],
  ['finds nothing that was never put, whatever happens', false],
])(
  'the registry %s',
  async (_, isKept) => {
    const state = new SoftState()
    const options = { node: state.node, setUp: state.setUp, ...(isKept && { faults: ORDERLY, everyMs: 1_500 }) }
    const { events, faults } = await swarm({ seeds: 19, ...options }, (world) => state.run(world, 6, 10, isKept))
    expect(events).toBeGreaterThan(1_000)
    expect(faults.leave).toBeGreaterThan(0)
  },
  300_000,
)

/**
 * A range that goes from one virtual node to another of its process; an heir that is passed over since it leaves too; a
 * leaver that reads what its heir has changed meanwhile.
 */
test.each([536, 698, 396])('chordite sim --whole --seed %d lost values or read old ones', async (seed) => {
  expect((await playWhole(seed)).violations).toEqual([])
})
