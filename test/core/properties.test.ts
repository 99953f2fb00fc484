/** Whatever the start: histories are drawn in `test/simulation/seeds.test.ts`, states here. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Id } from '../../src/core/id.ts'
import { Simulation } from '../../src/sim/simulation.ts'
import { nodesOf, randomId, smallId } from './ring.ts'

const settings = {
  seed: Number(process.env.CHORDITE_PROPERTY_SEED ?? 1),
  numRuns: Number(process.env.CHORDITE_PROPERTY_RUNS ?? 40),
}

function expectOneOwnerEach(ring: Simulation): void {
  const random = ring.stream('keys')
  for (let i = 0; i < 50; i++) {
    const key = randomId(random)
    expect(nodesOf(ring).filter((node) => node.owns(key))).toHaveLength(1)
  }
}

it('whatever the neighbours, if everybody remembers the others, one right ring comes of it', () => {
  const node = fc.record({ next: fc.array(fc.nat(11), { minLength: 1, maxLength: 6 }), before: fc.nat(11) })
  const nodes = fc.array(node, { minLength: 3, maxLength: 12 })
  fc.assert(
    fc.property(fc.nat(), nodes, (seed, wanted) => {
      const ring = new Simulation({ seed, config: { successors: 4 } })
      const ids = wanted.map((_, i) => smallId(i))
      const other = (n: number, self: number) =>
        ids[n % ids.length === self ? (self + 1) % ids.length : n % ids.length] as Id
      ring.place(
        wanted.map(({ next, before }, i) => ({
          id: ids[i] as Id,
          address: `n${i}`,
          successors: next.map((n) => other(n, i)),
          predecessor: other(before, i),
          remembered: ids.filter((_, j) => j !== i),
        })),
      )
      ring.settle(120_000, 500)
      expectOneOwnerEach(ring)
    }),
    settings,
  )
})
