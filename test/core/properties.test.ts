/**
 * Random lives of rings. A failure prints the shortest history that still fails; put it into CHORDITE_PLAN to see every
 * message of it: CHORDITE_PLAN='{"seed":…}' npx vitest run test/core/properties.test.ts -t replay
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Id } from '../../src/core/id.ts'
import { Invariants } from './invariants.ts'
import { type Kind, Life, type Plan } from './life.ts'
import { randomId, SimRing, smallId } from './sim-ring.ts'
import { trace } from './trace.ts'

const runs = Number(process.env.CHORDITE_PROPERTY_RUNS ?? 40)
const settings = { seed: Number(process.env.CHORDITE_PROPERTY_SEED ?? 1), numRuns: runs }

function plans(kinds: readonly Kind[], o: Partial<Record<keyof Plan, fc.Arbitrary<unknown>>> = {}): fc.Arbitrary<Plan> {
  const step = fc.record({
    kind: fc.constantFrom(...kinds),
    pick: fc.nat(1000),
    thenMs: fc.integer({ min: 0, max: 500 }),
  })
  return fc.record({
    seed: fc.nat(),
    successors: fc.constantFrom(2, 3, 8, 16),
    virtualNodes: fc.constantFrom(1, 1, 3),
    servicesMs: fc.constantFrom(0, 5, 60),
    lossPercent: fc.constant(0),
    silentDeaths: fc.constant(false),
    steps: fc.array(step, { minLength: 3, maxLength: 40 }),
    ...o,
  }) as fc.Arbitrary<Plan>
}

function expectOneOwnerEach(ring: SimRing): void {
  for (let i = 0; i < 50; i++) {
    const key = randomId(ring.random)
    expect([...ring.live.values()].filter((node) => node.owns(key))).toHaveLength(1)
  }
}

describe('any history', () => {
  it('in peace every key has an owner at every step, and only one but for a hand-over that is being told', () => {
    fc.assert(
      fc.property(plans(['join', 'join', 'leave']), (plan) => {
        const life = new Life(plan)
        new Invariants(life.ring, { disjoint: true, covered: true })
        life.play()
        expectOneOwnerEach(life.ring)
      }),
      settings,
    )
  })

  it('with deaths, restarts, loss and silence: lists stay well formed and the ring becomes ideal again', () => {
    const rough = {
      lossPercent: fc.constantFrom(0, 1, 10),
      silentDeaths: fc.boolean(),
    }
    fc.assert(
      fc.property(plans(['join', 'join', 'leave', 'kill', 'restart'], rough), (plan) => {
        const life = new Life(plan)
        new Invariants(life.ring, { disjoint: false, covered: false })
        life.play()
        expectOneOwnerEach(life.ring)
      }),
      settings,
    )
  })
})

describe('any start', () => {
  it('whatever the neighbours, if everybody remembers the others, one right ring comes of it', () => {
    const nodes = fc.array(
      fc.record({ next: fc.array(fc.nat(11), { minLength: 1, maxLength: 6 }), before: fc.nat(11) }),
      {
        minLength: 3,
        maxLength: 12,
      },
    )
    fc.assert(
      fc.property(fc.nat(), nodes, (seed, wanted) => {
        const ring = new SimRing(seed, { successors: 4 })
        const ids = wanted.map((_, i) => smallId(i))
        const other = (n: number, self: number) =>
          ids[n % ids.length === self ? (self + 1) % ids.length : n % ids.length] as Id
        ring.place(
          wanted.map(({ next, before }, i) => ({
            id: ids[i] as Id,
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
})

it.skipIf(process.env.CHORDITE_PLAN === undefined)('replay', () => {
  const plan = JSON.parse(process.env.CHORDITE_PLAN as string) as Plan
  const life = new Life(plan)
  const peace = plan.steps.every(({ kind }) => kind === 'join' || kind === 'leave') && plan.lossPercent === 0
  new Invariants(life.ring, { disjoint: peace, covered: peace })
  trace(life.ring, (line) => console.log(line))
  life.play()
})
