/** Plans become short without being played: what fails is made up here. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { minimize } from '../../src/sim/minimize.ts'
import type { Action, Plan } from '../../src/sim/plan.ts'
import { kindOfFailure, shrink } from '../../src/sim/shrink.ts'
import { swarm } from '../../src/sim/swarm.ts'

describe('minimize', () => {
  it('keeps just what it takes to fail, in its order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(99), { maxLength: 12 }), (needed) => {
        const items = Array.from({ length: 100 }, (_, i) => i)
        const left = minimize(items, (rest) => needed.every((n) => rest.includes(n)))
        expect(left).toEqual([...needed].sort((a, b) => a - b))
      }),
      { seed: 1 },
    )
  })

  it('takes a number of tries that grows with what is left, not with what there was', () => {
    let tries = 0
    minimize(
      Array.from({ length: 1000 }, (_, i) => i),
      (rest) => {
        tries++
        return rest.includes(617)
      },
    )
    expect(tries).toBeLessThan(60)
  })

  it('tells what nothing at all would do as well', () => {
    expect(minimize([1, 2, 3], () => true)).toEqual([])
  })
})

describe('shrink', () => {
  const verbs = (plan: Plan) => plan.actions.map(({ verb }) => verb)
  const has = (plan: Plan, matches: (action: Action) => boolean) => plan.actions.some(matches)

  /** A seed with enough in it. */
  function planWith(matches: (action: Action) => boolean): Plan {
    for (let seed = 1; ; seed++) {
      const plan = swarm(seed)
      if (plan.actions.length > 20 && has(plan, matches)) return plan
    }
  }

  it('leaves the actions that it takes, with one name each and no needless settings', () => {
    const isLoud = (action: Action) => action.verb === 'kill' && action.processes.length > 1
    const plan = planWith(isLoud)
    const killed = (plan.actions.find(isLoud) as Action & { processes: string[] }).processes.at(-1) as string
    const small = shrink(plan, (one) => has(one, (a) => a.verb === 'kill' && a.processes.includes(killed)), {
      tries: 5000,
    })
    expect(small.actions).toEqual([{ verb: 'kill', processes: [killed] }])
    expect(small.settings).toEqual({})
    expect(small.seed).toBe(plan.seed)
  })

  it('makes waits short, and ids small in the same order', () => {
    const plan = planWith(({ verb }) => verb === 'run')
    const waited = (one: Plan) => one.actions.reduce((sum, action) => sum + (action.verb === 'run' ? action.ms : 0), 0)
    const starts = (one: Plan) => one.actions.filter(({ verb }) => verb === 'start').length
    const small = shrink(plan, (one) => waited(one) >= 100 && starts(one) >= 2, { tries: 5000 })
    expect(verbs(small).filter((verb) => verb !== 'start')).toEqual(['run'])
    expect(waited(small)).toBeLessThan(220)
    const ids = small.actions.flatMap((action) => (action.verb === 'start' ? action.ids : []))
    expect(ids.map((id) => Number.parseInt(id, 16)).sort((a, b) => a - b)).toEqual([0, 4])
  })

  it('ends when it has tried often enough, with the best so far', () => {
    const plan = planWith(() => true)
    let tries = 0
    const small = shrink(
      plan,
      (one) => {
        tries++
        return one.actions.length > 5
      },
      { tries: 3 },
    )
    expect(tries).toBe(3)
    expect(small.actions.length).toBeLessThan(plan.actions.length)
  })
})

it('tells failures of different kinds apart, and not by ids or numbers', () => {
  const kind = (text: string) => kindOfFailure({ oracle: 'ranges', text })
  expect(kind('n1, n2 and 10.0.0.7 own (3a, 4f12] at 700 ms')).toBe(kind('n12 and 10.0.0.9 own (77, 9b01] at 8.5 ms'))
  expect(kind('n1 owns nothing')).not.toBe(kind('n1 owns too much'))
  expect(kindOfFailure({ oracle: 'mace', text: 'n1' })).not.toBe(kind('n1'))
})
