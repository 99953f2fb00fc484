import { describe, expect, it } from 'vitest'
import { type Exploration, explore } from '../../src/sim/explore/explorer.ts'
import { core } from '../../src/sim/explore/index.ts'
import { refines } from '../../src/sim/refinement/explored.ts'

const ROW: Exploration = {
  ...{ nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, crashes: 0, leaves: 0, losses: 0, duplicates: 0, late: 0 },
  ...{ selfLookups: false, refuses: true, successors: 2, evictAfterMisses: 2, onIsolated: 'wait' },
  ...{ fairEvery: 20, limit: 100_000 },
}

describe('a bounded exploration of cores', () => {
  it('sees every state of two nodes and a joiner, and all of them heal', () => {
    const found = explore(ROW, () => undefined, refines)
    expect(found.violation).toBeUndefined()
    expect(found.complete).toBe(true)
    expect(found.worlds).toBeGreaterThan(500)
    expect(found.fairRuns).toBeGreaterThan(10)
  })

  it('finds the same again', () => {
    const o = { ...ROW, losses: 1, limit: 1_000 }
    expect(explore(o, () => undefined)).toEqual(explore(o, () => undefined))
  })

  it('has more states with more in flight, or with more that may happen', () => {
    const worlds = (given: Partial<Exploration>) => explore({ ...ROW, ...given }, () => undefined).worlds
    const plain = worlds({})
    expect(worlds({ selfLookups: true })).toBeGreaterThan(plain)
    expect(worlds({ duplicates: 1 })).toBeGreaterThan(plain)
    expect(worlds({ joins: 0 })).toBeLessThan(plain)
  })

  it('names each step on the way to what a check finds wrong', () => {
    const { violation } = explore(
      { ...ROW, ring: [0, 1, 2], joins: 0, crashes: 1 },
      () => undefined,
      (_, input) => () => {
        return input.kind === 'refused' ? 'nobody may be refused' : undefined
      },
    )
    expect(violation?.property).toBe('nobody may be refused')
    const steps = violation?.way.map(({ step }) => step) ?? []
    expect(steps[0]).toBe('ideal ring')
    expect(steps).toContain('crash 0')
    expect(steps.at(-1)).toMatch(/hears that 0 refused$/)
    expect(violation?.way[0]?.world).toContain('0: member succ 1 2 pred 2 owns (2,0]')
  })

  it('is a check that can be limited, and refuses what it does not know', () => {
    const outcome = core.run({ limit: 200, nodes: 4 }, () => undefined)
    expect(outcome.violations).toEqual([])
    expect(outcome.complete).toBe(false)
    expect(outcome.states).toBeGreaterThanOrEqual(200)
    expect(() => core.run({ without: ['sleep'] }, () => undefined)).toThrow('nothing to switch off')
  })
})
