/** A random history of a ring, and how it is played: for property tests, and to replay what they found. */
import type { ChordNode } from '../../src/core/chord-node.ts'
import type { Id } from '../../src/core/id.ts'
import { randomId, SimRing } from './sim-ring.ts'

export type Kind = 'join' | 'leave' | 'kill' | 'restart'
export interface Step {
  readonly kind: Kind
  readonly pick: number
  readonly thenMs: number
}
export interface Plan {
  readonly seed: number
  readonly successors: number
  readonly virtualNodes: number
  readonly servicesMs: number
  readonly lossPercent: number
  readonly silentDeaths: boolean
  readonly steps: readonly Step[]
}

const HEAL_MS = 30_000
/** Plays a plan, within what the lists are there to survive: fewer processes go at a time than a list holds. */
export class Life {
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

  readonly #idsOf = new Map<string, Id[]>()
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
