import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Invariants } from './invariants.ts'
import { randomId, SimRing } from './sim-ring.ts'

type Op = { kind: 'join' | 'leave' | 'kill' | 'restart'; pick: number; ms: number }
function op(kinds: readonly Op['kind'][]): fc.Arbitrary<Op> {
  return fc.record({ kind: fc.constantFrom(...kinds), pick: fc.nat(), ms: fc.integer({ min: 0, max: 400 }) })
}

describe('peaceful', () => {
  it('orderly', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom(1, 2, 3, 8, 16),
        fc.constantFrom(0, 5, 60),
        fc.array(op(['join', 'join', 'leave']), { minLength: 3, maxLength: 40 }),
        (seed, successors, servicesMs, ops) => {
          const ring = new SimRing(seed, { successors })
          ring.servicesMs = servicesMs
          new Invariants(ring, { disjoint: true, covered: true })
          ring.add(randomId(ring.random), undefined, 'm0')
          let n = 1
          for (const o of ops) {
            const stay = ring.sorted().filter((x) => x.status !== 'leaving' && x.core.joined)
            if (o.kind === 'join') ring.add(randomId(ring.random), stay[o.pick % stay.length]!.self.address, `m${n++}`)
            else if (
              stay.filter((x) => x.status === 'member').length > 1 &&
              ring.sorted().filter((x) => x.status === 'leaving').length < successors
            )
              ring.leave(stay[o.pick % stay.length]!.self.address)
            ring.seeds = ring
              .sorted()
              .filter((x) => x.status === 'member')
              .slice(0, 2)
              .map((x) => x.self.address)
            ring.run(o.ms)
          }
          ring.settle(20_000)
          expect(ring.flaws()).toEqual([])
        },
      ),
      { seed: Number(process.env.SEED ?? 1), numRuns: Number(process.env.RUNS ?? 100) },
    )
  })
})
