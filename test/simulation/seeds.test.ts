/** Rings from seeds, with every oracle on: a first handful of what `chordite sim` plays by the thousand. */
import { describe, expect, it } from 'vitest'
import { play } from '../../src/sim/play.ts'
import { swarm } from '../../src/sim/swarm.ts'

/** CHORDITE_SEEDS=1..2000 for others. */
const [from = 200, to = 240] = (process.env.CHORDITE_SEEDS ?? '').split('..').filter(Boolean).map(Number)
const SEEDS = Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Not more than some tenths of a second each. */
const SMALL = SEEDS.filter((seed) => swarm(seed).actions.filter(({ verb }) => verb === 'start').length <= 24)

const CALM = new Set(['run', 'start', 'leave', 'clock', 'seeds'])

describe('seeds', () => {
  it('keep every promise', () => {
    for (const seed of SMALL) {
      const [first] = play(swarm(seed)).violations
      if (first !== undefined) expect.fail(`${first.oracle}: ${first.text}\n  npx chordite sim --seed ${seed}`)
    }
  })

  it('go the same way each time', () => {
    for (const seed of SMALL.slice(0, 10)) expect(play(swarm(seed))).toEqual(play(swarm(seed)))
  })

  it('leave no key without an owner while nobody dies, is taken for dead, or too many leave at once', () => {
    let peaceful = 0
    for (const { actions, ...plan } of SMALL.map(swarm)) {
      if (actions.some(({ verb }) => !CALM.has(verb))) continue
      const { numbers } = play({ ...plan, actions })
      if (numbers.suspicions !== 0 || Object.keys(numbers).some((name) => name.startsWith('breach'))) continue
      peaceful++
      // A share of the ring, added up from floating-point ones.
      expect({ seed: plan.seed, nobodys: numbers.nobodysShareMax! < 1e-9 }).toEqual({ seed: plan.seed, nobodys: true })
    }
    expect(peaceful).toBeGreaterThan(2)
  })
})
