/**
 * Random lives of rings. A failure prints the seed and the shortest history that still fails; put `seed` and `path` into
 * `fc.assert`'s options to replay it.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChordNode } from '../../src/core/chord-node.ts'
import { Invariants } from './invariants.ts'
import { randomId, SimRing } from './sim-ring.ts'

type Kind = 'join' | 'leave' | 'kill' | 'restart'
interface Step {
  readonly kind: Kind
  readonly pick: number
  readonly thenMs: number
}
interface Plan {
  readonly seed: number
  readonly successors: number
  readonly virtualNodes: number
  readonly servicesMs: number
  readonly lossPercent: number
  readonly silentDeaths: boolean
  readonly steps: readonly Step[]
}

const HEAL_MS = 30_000
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

/** Plays a plan, within what the lists are there to survive: fewer processes go at a time than a list holds. */
class Life {
  readonly ring: SimRing
  readonly #plan: Plan
  #processes = 0
  #gone = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.ring = new SimRing(plan.seed, { successors: plan.successors })
    this.ring.servicesMs = plan.servicesMs
    this.ring.silentDeaths = plan.silentDeaths
  }

  play(): void {
    const { ring } = this
    this.#join(undefined)
    ring.filter = () => ring.random.below(100) >= this.#plan.lossPercent
    for (const step of this.#plan.steps) {
      this.#do(step)
      ring.seeds = this.#members()
      ring.run(step.thenMs)
    }
    this.#heal()
  }

  #do(step: Step): void {
    const members = this.#members()
    const pick = members[step.pick % members.length] as string
    if (step.kind === 'join') return this.#join(pick)
    // Whoever is left alone by a death is isolated, and rightly stays so.
    if (members.length < 3) return
    if (++this.#gone >= Math.max(2, this.#plan.successors)) {
      this.#heal()
      this.#gone = 1
    }
    if (this.ring.at(pick).length === 0) return
    if (step.kind === 'leave') this.ring.leave(pick)
    else this.ring.kill(pick)
    if (step.kind === 'restart')
      this.#add(
        pick,
        members.find((address) => address !== pick),
      )
  }

  #join(via: string | undefined): void {
    this.#add(`m${this.#processes++}`, via)
  }

  #add(address: string, via: string | undefined): void {
    const { ring } = this
    const ids = this.#ids(address)
    for (const [index, id] of ids.entries()) ring.add(id, via ?? (index === 0 ? undefined : address), address)
  }

  readonly #idsOf = new Map<string, ReturnType<typeof randomId>[]>()
  #ids(address: string) {
    const known = this.#idsOf.get(address)
    if (known !== undefined) return known
    const ids = Array.from({ length: this.#plan.virtualNodes }, () => randomId(this.ring.random))
    this.#idsOf.set(address, ids)
    return ids
  }

  /** Addresses of those that are in, and stay. */
  #members(): string[] {
    const inside = (node: ChordNode) => node.status === 'member' || node.status === 'isolated'
    const addresses = new Set(
      this.ring
        .sorted()
        .filter(inside)
        .map((node) => node.self.address),
    )
    return [...addresses].sort()
  }

  #heal(): void {
    const { filter } = this.ring
    this.ring.filter = () => true
    this.ring.settle(HEAL_MS)
    this.ring.filter = filter
  }
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
