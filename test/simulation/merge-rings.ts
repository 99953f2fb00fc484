/** Rings that are not one: put in place or torn apart, healed under all oracles, and seen through the eyes of each node. */
import { Id } from '../../src/core/id.ts'
import { type Named, placeChains } from '../../src/sim/chains.ts'
import { Oracles } from '../../src/sim/oracles/oracles.ts'
import type { Stream } from '../../src/sim/random.ts'
import { Simulation } from '../../src/sim/simulation.ts'
import { Witness } from './merge-witness.ts'

const DELAY_MS = 3

export interface Healed {
  /** Until everybody has the right neighbors and range, in periods of the self look-up. */
  readonly rounds: number
  readonly orderedMs: number
  /** Nodes that saw that there was another ring. */
  readonly saw: number
}

export interface Start {
  readonly seed: number
  readonly successors: number
  /** What has gone wrong when trouble ends. */
  readonly trouble: (simulation: Simulation) => void
  /** Once it is one ring. */
  readonly rest?: (simulation: Simulation) => void
}

/** Every oracle watches. Throws with what is wrong. */
export function healed(o: Start): Healed {
  const simulation = new Simulation({ seed: o.seed, config: { successors: o.successors } })
  const oracles = new Oracles(simulation)
  const witness = new Witness(simulation)
  simulation.observe(oracles).observe(witness)
  o.trouble(simulation)
  oracles.calm({ delayMs: DELAY_MS })
  const check = () => {
    const [first] = oracles.violations
    if (first !== undefined) throw new Error(`seed ${o.seed}, ${first.oracle}, ${first.atMs} ms: ${first.text}`)
    if (oracles.ideal.sinceMs === Number.POSITIVE_INFINITY && simulation.nowMs > limitMs)
      throw new Error(`seed ${o.seed}: ${simulation.flaws().join('\n')}`)
  }
  const startMs = simulation.nowMs
  const limitMs = startMs + oracles.healWithinMs
  let orderedMs: number | undefined
  while (!oracles.isIdeal) {
    simulation.run(50)
    if (orderedMs === undefined && simulation.flaws().length === 0) orderedMs = simulation.nowMs - startMs
    check()
  }
  o.rest?.(simulation)
  const quietMs = simulation.nowMs + oracles.quietMs
  do simulation.run(1000)
  while (witness.open > 0 && simulation.nowMs < quietMs)
  oracles.end()
  check()
  witness.check()
  orderedMs ??= 0
  return { orderedMs, rounds: Math.ceil(orderedMs / simulation.config.selfLookupMs), saw: witness.saw }
}

/** In ring order. */
export function somebody(random: Stream, count: number): Named[] {
  const word = () => random.nextUint32()
  const ids = Array.from({ length: count }, () => new Id(word(), word(), word(), word(), word()))
  ids.sort((a, b) => a.compare(b))
  return ids.map((id, index) => ({ id, address: `n${index}` }))
}

export type Knowing = 'one' | 'tenth' | 'all' | 'nobody'

/** Rings of their own. `one`: there is a single link between each ring and the next. */
export function placeApart(simulation: Simulation, rings: readonly (readonly Named[])[], knowing: Knowing): void {
  const random = simulation.stream('knowing')
  const links = rings.map((ring, index) => {
    const one = rings.length > 2 || index === 0 ? 1 : 0
    const knowers = drawn(
      random,
      [...ring.keys()],
      { nobody: 0, one, tenth: Math.ceil(ring.length / 10), all: ring.length }[knowing],
    )
    const next = rings[(index + 1) % rings.length] as readonly Named[]
    return new Map(knowers.map((at) => [at, [next[random.below(next.length)] as Named]]))
  })
  placeChains(simulation, rings, (index, at) => links[index]?.get(at) ?? [])
}

export function drawn<T>(random: Stream, all: readonly T[], count: number): T[] {
  const left = [...all]
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] as T)
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number
}
