/**
 * Rings that are not one, and all of whose neighbors agree with each other: no stabilization finds anything wrong with
 * them. Looking up one's own id through whomever one remembers does (protocol.md, rule 8).
 *
 *     CHORDITE_MERGE=11 npx vitest run --project units test/simulation/merge.test.ts
 *
 * plays so many seeds of each and prints the tables of docs/evaluation.md.
 */
import { afterAll, describe, expect, it, vi } from 'vitest'
import { Id } from '../../src/core/id.ts'
import { type Named, placeChains, wound } from '../../src/sim/chains.ts'
import { streamOf } from '../../src/sim/random.ts'
import type { Simulation } from '../../src/sim/simulation.ts'
import { type Healed, healed, type Knowing, median, placeApart, somebody } from './merge-rings.ts'

/** In periods of the self look-up; one of three of them asks somebody who is remembered. */
const LOOP_ROUNDS = 2
const RINGS_ROUNDS = 6

const seedsOf = (usual: number) => Number(process.env.CHORDITE_MERGE ?? usual)
const printed: string[] = []

if (process.env.CHORDITE_MERGE !== undefined) vi.setConfig({ testTimeout: 300_000 })

afterAll(() => {
  if (process.env.CHORDITE_MERGE !== undefined) console.log(printed.join('\n'))
})

describe('a loop of which everybody knows its own table alone', () => {
  const cases = [6, 15, 40, 100].flatMap((nodes) => [2, 3, 5].map((winds) => [nodes, winds] as const))

  it.each(cases)('of %d nodes that winds %d times', (nodes, winds) => {
    const cells = [1, 2, 8].map((successors) => {
      const all = play(seedsOf(nodes > 20 ? 1 : 3), successors, (simulation, seed) => {
        placeChains(simulation, [wound(somebody(streamOf(seed, 'loop'), nodes), winds)], () => [])
      })
      for (const { rounds, saw } of all) {
        expect(rounds).toBeLessThanOrEqual(LOOP_ROUNDS)
        expect(saw).toBeGreaterThan(0)
      }
      return seconds(all)
    })
    printed.push(`| ${nodes} | ${winds} | ${cells.join(' | ')} |`)
  })
})

describe('rings between each other', () => {
  const cases = [6, 16, 64, 256].flatMap((nodes) => [2, 3].map((rings) => [nodes, rings] as const))

  it.each(cases)('of %d nodes, %d of them', (nodes, rings) => {
    const cells = (['at random', 'in blocks'] as const).flatMap((mixed) =>
      (['one', 'tenth', 'all'] as const).map((knowing) => {
        // The largest are long to play: one kind for each number of rings.
        if (nodes > 100 && process.env.CHORDITE_MERGE === undefined && !(knowing === 'one' && rings === 2)) return ''
        return seconds(playRings(nodes, rings, mixed, knowing))
      }),
    )
    printed.push(`| ${nodes} | ${rings} | ${cells.join(' | ')} |`)
  })

  it('of which nobody remembers any, and one of them has the seeds', () => {
    const all = play(seedsOf(3), 8, (simulation, seed) => {
      const [left, right] = mix(somebody(streamOf(seed, 'seeds'), 20), 2, 'at random', seed) as [Named[], Named[]]
      placeApart(simulation, [left, right], 'nobody')
      simulation.seeds = left.slice(0, 2).map(({ address }) => address)
    })
    for (const { rounds, saw } of all) {
      expect(rounds).toBeLessThanOrEqual(RINGS_ROUNDS)
      expect(saw).toBeGreaterThan(0)
    }
    printed.push(`seeds alone: ${seconds(all)}`)
  })
})

/** What the published protocol ends in, and this one cannot, while its assumptions hold, get to. */
describe('the end of', () => {
  const ENDS: Readonly<Record<string, readonly (readonly number[])[]>> = {
    'T3, two rings of one': [[0], [2]],
    'T6, disordered': [[0, 4, 2]],
    'T7, two rings of one': [[0], [3]],
    'T8, two rings of one': [[1], [4]],
    'T9, disordered': [[1, 4, 2]],
  }

  it.each(Object.keys(ENDS))('%s', (name) => {
    const chains = (ENDS[name] ?? []).map((chain) =>
      chain.map((n) => ({ id: new Id(0, 0, 0, 0, n), address: `n${n}` })),
    )
    for (const successors of [2, 8]) {
      const all = play(seedsOf(3), successors, (simulation) => {
        // They had each other in their tables before.
        const others = (chain: number) => chains.filter((_, index) => index !== chain).flat()
        placeChains(simulation, chains, (chain) => others(chain))
      })
      for (const { rounds, saw } of all) {
        expect(rounds).toBeLessThanOrEqual(RINGS_ROUNDS)
        // Of three on a loop each has both others in its table: they put themselves in order, and meet no stranger.
        expect(saw > 0).toBe(chains.length > 1)
      }
    }
  })
})

describe('nobody reports a split', () => {
  it('while nodes join a ring, leave it and die, and it stays one', () => {
    for (const seed of [1, 2, 3, 4]) {
      const { saw } = healed({
        seed,
        successors: 4,
        trouble: (simulation) => {
          const ring = somebody(streamOf(seed, 'one'), 12)
          placeApart(simulation, [ring], 'nobody')
          simulation.run(20_000)
          for (const [index, { address }] of ring.slice(0, 9).entries()) {
            if (index % 3 === 0) simulation.crash(address)
            else if (index % 3 === 1) simulation.leave(address)
            else
              simulation.start({
                address: `late${index}`,
                ids: [somebody(streamOf(seed, index), 1)[0]!.id],
                via: 'n11',
              })
            simulation.run(8_000)
          }
        },
      })
      expect({ seed, saw }).toEqual({ seed, saw: 0 })
    }
  })
})

function playRings(nodes: number, rings: number, mixed: 'at random' | 'in blocks', knowing: Knowing): Healed[] {
  const all = play(seedsOf(nodes > 20 ? 1 : 2), 8, (simulation, seed) => {
    placeApart(simulation, mix(somebody(streamOf(seed, 'rings'), nodes), rings, mixed, seed), knowing)
  })
  for (const { rounds, saw } of all) {
    expect(rounds).toBeLessThanOrEqual(RINGS_ROUNDS)
    expect(saw).toBeGreaterThan(0)
  }
  return all
}

/** Nobody's ring is empty. */
function mix(all: readonly Named[], rings: number, mixed: 'at random' | 'in blocks', seed: number): Named[][] {
  const random = streamOf(seed, 'mix')
  const parts: Named[][] = Array.from({ length: rings }, () => [])
  for (const [index, one] of all.entries()) {
    const part = mixed === 'in blocks' ? Math.floor((index * rings) / all.length) : random.below(rings)
    parts[index < rings && mixed === 'at random' ? index : part]?.push(one)
  }
  return parts
}

function play(seeds: number, successors: number, place: (simulation: Simulation, seed: number) => void): Healed[] {
  return Array.from({ length: seeds }, (_, index) => {
    const seed = index + 1
    return healed({ seed, successors, trouble: (simulation) => place(simulation, seed) })
  })
}

/** Median and most. */
function seconds(all: readonly Healed[]): string {
  const times = all.map(({ orderedMs }) => orderedMs / 1000)
  return `${median(times).toFixed(1)} (${Math.max(...times).toFixed(1)})`
}
