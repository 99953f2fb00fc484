/** The experiments of the Chord paper, small: what `npm run bench:paper` shows in full, held to generous bounds. */
import { describe, expect, test } from 'vitest'
import { type Figures, type Modules, measure } from '../../bench/paper/measure.mjs'
import * as id from '../../src/core/id.ts'
import * as router from '../../src/core/router.ts'
import { placeIdeal } from '../../src/sim/placement.ts'
import { streamOf } from '../../src/sim/random.ts'
import { Simulation } from '../../src/sim/simulation.ts'

const MODULES: Modules = { sim: { Simulation, placeIdeal, streamOf }, router, id }

function quickly<P extends keyof Figures>(part: P): Figures[P] {
  return measure(part, MODULES, { quick: true })
}

describe('path length', () => {
  const { rows, distribution } = quickly('path')
  const [paper, ours] = ['paper', 'ours'].map((name) => rows.find(({ exponent }) => exponent === 8)?.[name as 'paper'])

  test('is half the logarithm of the number of nodes', () => {
    expect(paper?.mean).toBeGreaterThan(4 * 0.85)
    expect(paper?.mean).toBeLessThan(4 * 1.15)
  })

  test('is shorter with a list of successors, although the last step counts', () => {
    expect(ours?.mean).toBeLessThan(paper?.mean as number)
  })

  test('is distributed like so many coins', () => {
    expect(distribution.variation).toBeLessThan(0.1)
  })
})

test('load evens out with virtual nodes as a gamma distribution says', () => {
  for (const { virtualNodes, p99, theory } of quickly('load').rows) {
    expect(p99 / theory.p99, `${virtualNodes} virtual nodes`).toBeGreaterThan(0.8)
    expect(p99 / theory.p99, `${virtualNodes} virtual nodes`).toBeLessThan(1.25)
  }
})

test('no look-up fails when half of all nodes fail at once', () => {
  const { rows, recovery } = quickly('failure')
  for (const { share, failed } of recovery) expect(failed, `${share} killed`).toBe(0)
  for (const { share, iterative, recursive } of rows) {
    expect([iterative.failed, recursive.failed], `${share} failed`).toEqual([0, 0])
    // A hop meets share / (1 - share) dead nodes, whoever remembers them.
    const expected = (iterative.path.mean * share) / (1 - share)
    expect(iterative.timeouts.mean).toBeGreaterThanOrEqual(expected * 0.5)
    expect(iterative.timeouts.mean).toBeLessThanOrEqual(expected * 2)
  }
})

test('no look-up fails while nodes join and processes die or leave', () => {
  for (const { way, rate, retried } of quickly('churn').rows) {
    if (way !== 'vanish') expect(retried.failed, `${way} at ${rate}`).toBe(0)
    expect(retried.path.mean).toBeLessThan(6)
  }
})

test('recursive look-ups stretch the way less than iterative ones', () => {
  const { paper, ours } = quickly('stretch').rows.at(-1) as Figures['stretch']['rows'][number]
  expect(paper.recursive.median).toBeLessThan(paper.iterative.median)
  expect(ours?.recursive.median).toBeLessThan(ours?.iterative.median as number)
})

test('a seed gives the same figures again', () => {
  const figures = () => ({ ...quickly('stretch'), cpuMs: 0 })
  expect(figures()).toEqual(figures())
})
