/**
 * A running ring is torn apart in whatever way, and healed: one ordered ring, ranges that part it among its members, look-ups
 * that find the owner. For a moment, or until each side has buried the other, and taken over what it owned.
 */
import { describe, expect, it } from 'vitest'
import type { Stream } from '../../src/sim/random.ts'
import type { Simulation } from '../../src/sim/simulation.ts'
import { healed, placeApart, somebody } from './merge-rings.ts'

const SEEDS = [1, 2, 3]
const NODES = 14
const LATE = Array.from({ length: 8 }, (_, index) => `late${index}`)
const BRIEF_MS = 2_000
/** Everybody on the other side is dead to everybody: three misses each, one after the other. */
const LONG_MS = 60_000

type Cut = (simulation: Simulation, names: readonly string[], random: Stream) => void

/** At random, so that neighbors are apart. */
const sides = (count: number): Cut => {
  return (simulation, names, random) => {
    const parts: string[][] = Array.from({ length: count }, () => [])
    for (const name of names) parts[random.below(count)]?.push(name)
    simulation.cut(parts)
  }
}

const CUTS: Readonly<Record<string, Cut>> = {
  'two sides': sides(2),
  'three sides': sides(3),
  'four sides': sides(4),
  'two arcs': (simulation, names) => simulation.cut([names.slice(0, 5), names.slice(5)]),
  'a side of one': (simulation, names) => simulation.cut([names.slice(3, 4)]),
  'everybody alone': (simulation, names) => simulation.cut(names.map((name) => [name])),
  // Some still hear both sides.
  'two sides and a bridge': (simulation, names, random) => {
    const [left, right] = halves(names.slice(2), random)
    simulation.block(left, right)
    simulation.block(right, left)
  },
  'one way': (simulation, names, random) => simulation.block(...halves(names, random)),
  'every third link': (simulation, names, random) => {
    for (const from of names) for (const to of names) if (random.chance(33)) simulation.block([from], [to])
  },
}

/** What happens on the sides meanwhile. */
const MEANWHILE: Readonly<Record<string, (simulation: Simulation, names: readonly string[], random: Stream) => void>> =
  {
    nothing: () => {},
    'nodes come, die and leave on every side': (simulation, names, random) => {
      for (const [index, name] of names.slice(0, 8).entries()) {
        simulation.run(random.below(3000))
        if (index % 4 === 0) simulation.crash(name)
        else if (index % 4 === 1) simulation.leave(name)
        else simulation.start({ address: LATE[index] as string, ids: [somebody(random, 1)[0]!.id], via: name })
      }
    },
    'nodes leave on one side, and start again on another': (simulation, names, random) => {
      for (const [index, name] of names.slice(0, 3).entries()) {
        simulation.leave(name)
        simulation.run(2000 + random.below(3000))
        if (simulation.isAlive(name)) simulation.crash(name)
        const via =
          names.slice(4).find((other) => simulation.isAlive(other) && random.chance(40)) ?? (names[5] as string)
        simulation.cut([[name, via], names.slice(6 + index)])
        simulation.restart(name, { memory: 'kept', via })
      }
    },
  }

function halves(names: readonly string[], random: Stream): [string[], string[]] {
  const left = names.filter(() => random.chance(50))
  return [left, names.filter((name) => !left.includes(name))]
}

describe.each(Object.keys(CUTS))('%s', (shape) => {
  it.each([BRIEF_MS, LONG_MS])('for %d ms', (forMs) => {
    for (const seed of SEEDS) torn(seed, shape, 'nothing', forMs)
  })
})

describe.each(Object.keys(MEANWHILE).slice(1))('%s', (meanwhile) => {
  it.each(['two sides', 'three sides', 'one way'])('%s', (shape) => {
    for (const seed of SEEDS) torn(seed, shape, meanwhile, LONG_MS)
  })
})

function torn(seed: number, shape: string, meanwhile: string, forMs: number): void {
  let failed = 0
  const { rounds } = healed({
    seed,
    successors: [1, 2, 8][seed % 3] as number,
    trouble: (simulation) => {
      const random = simulation.stream(shape, meanwhile)
      const ring = somebody(random, NODES)
      placeApart(simulation, [ring], 'nobody')
      simulation.run(10_000)
      const names = ring.map(({ address }) => address)
      // Those who are going to join are on some side as well.
      CUTS[shape]?.(simulation, [...names, ...LATE], random)
      MEANWHILE[meanwhile]?.(simulation, names, random)
      simulation.run(forMs)
      simulation.mend()
      // Where somebody came who could not join.
      simulation.seeds = names.slice(8, 10)
    },
    rest: (simulation) => {
      for (const { node, process } of simulation.sorted()) {
        simulation.lookup(process.address, node.self.id.addPowerOfTwo(100), {
          done: ({ answer }) => {
            if (answer === undefined) failed++
          },
        })
      }
    },
  })
  expect(failed).toBe(0)
  expect({ seed, rounds: rounds <= 12 }).toEqual({ seed, rounds: true })
}
