/** The abstract models: counts of small cases as by the reference models, properties, traces, packed states. */
import { describe, expect, it } from 'vitest'
import { ours, zave, zaveAtomic } from '../../src/sim/model/checks.ts'
import { CorrectedChord, isIdeal } from '../../src/sim/model/corrected.ts'
import { drawRing, drawShape } from '../../src/sim/model/draw.ts'
import { fairRound } from '../../src/sim/model/heal.ts'
import { PUBLISHED } from '../../src/sim/model/model.ts'
import { between, NONE, Nodes, principals, type Ring } from '../../src/sim/model/nodes.ts'
import { OriginalChord } from '../../src/sim/model/original.ts'
import type { Check, CheckOptions } from '../../src/sim/model/outcome.ts'
import { PROPERTIES, shapeOf } from '../../src/sim/model/properties.ts'
import { OURS, ZAVE } from '../../src/sim/model/rules.ts'
import { States } from '../../src/sim/model/states.ts'
import { playTrace, TRACES } from '../../src/sim/model/traces.ts'

const quiet = (): void => {}

describe('counts', () => {
  // As the reference models give them, run with the same bounds; the published ones take `chordite check all`.
  const small = { nodes: 4, initial: [0, 1, 2] }
  const cases: [name: string, check: Check, options: CheckOptions, states: number][] = [
    ['zave', zave, { ...small, principals: 3 }, 2577],
    ['zave', zave, { ...small, principals: 2 }, 71_535],
    ['zave-atomic', zaveAtomic, { ...small, principals: 3 }, 555],
    ['ours', ours, { ...small, principals: 3 }, 4794],
    ['ours', ours, { nodes: 4, initial: [0, 2], principals: 0, with: ['fresh'] }, 1883],
    ['ours', ours, { nodes: 5, initial: [0, 2, 4], principals: 0, with: ['fresh'] }, 15_349],
  ]
  for (const [name, check, options, states] of cases) {
    it(`${name} ${JSON.stringify(options)}: ${states} states`, () => {
      const outcome = check.run(options, quiet)
      expect(outcome).toMatchObject({ states, complete: true, violations: [] })
    })
  }

  it('a limit ends an exploration, which says so', () => {
    expect(ours.run({ limit: 1000 }, quiet)).toMatchObject({ states: 1000, complete: false, violations: [] })
  })

  it('only what was published is expected to be as published', () => {
    expect(ours.run({ limit: 1 }, quiet).expected).toBeUndefined()
    expect(zave.run({ nodes: 4, initial: [0, 1, 2] }, quiet).expected).toBeUndefined()
  })
})

describe('nodes', () => {
  it('between', () => {
    expect(between(1, 2, 3)).toBe(true)
    expect(between(3, 0, 1)).toBe(true)
    expect(between(3, 1, 1)).toBe(false)
    expect(between(2, 3, 2)).toBe(true)
    expect(between(2, 2, 2)).toBe(false)
    expect(between(2, 2, 3)).toBe(false)
  })

  it('equal means identical, and a code says all', () => {
    const nodes = new Nodes(5, 2)
    const node = nodes.live(1, [2, 4], 0, 'rectify', 0)
    expect(nodes.live(1, [2, 4], 0, 'rectify', 0)).toBe(node)
    expect(nodes.ofCode(1, node.code)).toBe(node)
    expect(nodes.live(1, [2, 4], NONE, 'rectify', 0)).not.toBe(node)
    expect(nodes.absent(1, true)).not.toBe(nodes.absent(1, false))
  })

  it('every value of a node has its own code', () => {
    const nodes = new Nodes(3, 2)
    const ids = [0, 1, 2]
    const lists = [[], ...ids.map((a) => [a]), ...ids.flatMap((a) => ids.map((b) => [a, b]))]
    const codes = new Set([nodes.absent(0, false).code, nodes.absent(0, true).code])
    for (const list of lists)
      for (const pred of [NONE, ...ids])
        for (const due of ['stabilize', 'rectify', 'adopt'] as const)
          for (const from of [NONE, ...ids]) codes.add(nodes.live(0, list, pred, due, from).code)
    expect(codes.size).toBe(2 + lists.length * 4 * 3 * 4)
    expect(Math.max(...codes)).toBeLessThan(nodes.codes)
  })

  it('principals are the live that nobody skips', () => {
    const model = new CorrectedChord({ ...PUBLISHED, nodes: 5 }, OURS)
    expect(principals(model.ideal([0, 2, 4]))).toBe(0b10101)
    const skipping = model.ideal([0, 1, 4]).with(0, model.nodes.live(0, [4], 4))
    expect(principals(skipping)).toBe(0b10001)
  })
})

describe('packed states', () => {
  it('come back as they went in, each once, with its parent, however many there are', () => {
    const model = new CorrectedChord({ ...PUBLISHED, principals: 0 }, ZAVE)
    const states = new States(model.nodes)
    const rings: Ring[] = [model.initial()]
    states.add(rings[0]!, -1)
    for (let at = 0; rings.length < 10_000; at++) {
      model.steps(rings[at]!, (next) => {
        if (states.add(next, at)) rings.push(next)
      })
    }
    expect(new Set(rings.map(drawRing)).size).toBe(rings.length)
    expect(states.count).toBe(rings.length)
    for (const [index, ring] of rings.entries()) {
      expect(states.indexOf(ring)).toBe(index)
      if (states.at(index).some((node, id) => node !== ring[id])) expect.fail(`${drawRing(ring)} came back otherwise`)
      if (states.add(ring, 0)) expect.fail(`${drawRing(ring)} went in twice`)
    }
  })
})

describe('traces', () => {
  for (const trace of TRACES) {
    it(`${trace.name} ends in ${trace.ends}`, () => {
      const end = playTrace(trace).at(-1)!
      expect(drawShape(end)).toBe(trace.ends)
      const property = PROPERTIES[trace.loses]
      if (property) expect(property(shapeOf(end))).toBe(false)
    })
  }

  it('T5 drops a live node from the ring by way of a list that skips it', () => {
    const rings = playTrace(TRACES.find(({ name }) => name === 'T5')!)
    expect(PROPERTIES.ValidSuccessorList!(shapeOf(rings.at(-3)!))).toBe(false)
    expect(drawShape(rings.at(-3)!)).toBe('ring 0 → 1 → 2 → 3 → 0')
  })

  for (const [name, heals] of Object.entries({ T1: false, T2: false, T3: false, T4: true, T5: true, T6: false })) {
    it(`the original protocol ${heals ? 'heals' : 'never heals'} the end of ${name}`, () => {
      const trace = TRACES.find((each) => each.name === name)!
      const healed = rounds(trace.model as OriginalChord, playTrace(trace).at(-1)!, 20)
      const { live, members } = shapeOf(healed)
      const whole = Object.values(PROPERTIES).every((property) => property(shapeOf(healed))) && members === live
      expect(whole).toBe(heals)
    })
  }

  for (const name of ['T7', 'T8', 'T9']) {
    // In rings so small, whoever is its own successor still has the other as its predecessor.
    it(`stabilizing heals the end of ${name}`, () => {
      const trace = TRACES.find((each) => each.name === name)!
      const model = trace.model as CorrectedChord
      let ring = playTrace(trace).at(-1)!
      for (let round = 0; round < 4; round++) ring = fairRound(model, ring)
      expect(isIdeal(model, ring)).toBe(true)
    })
  }

  it('a step that the model cannot do is refused', () => {
    const model = new OriginalChord({ nodes: 3, stabilizeChecks: true, joinChecks: true, keepsAnEntry: true })
    expect(() => playTrace({ model, steps: 'join 1; fail 2' })).toThrow("the model cannot do 'fail 2'")
  })

  /** Every operation of every node, round after round. */
  function rounds(model: OriginalChord, from: Ring, times: number): Ring {
    let ring = from
    for (let round = 0; round < times; round++) {
      for (const operation of ['update', 'flush', 'stabilize', 'reconcile']) {
        for (const { id } of ring) {
          const before = ring
          model.steps(before, (next, name, at) => {
            if (name === operation && at === id) ring = next
          })
        }
      }
    }
    return ring
  }
})

it('what nobody knows is refused', () => {
  expect(() => ours.run({ without: ['gravity'] }, quiet)).toThrow("no rule 'gravity'")
  expect(() => ours.run({ properties: ['Beauty'] }, quiet)).toThrow("no property 'Beauty'")
  expect(() => ours.run({ initial: [2, 0] }, quiet)).toThrow('ascending')
  expect(() => ours.run({ initial: [0, 7] }, quiet)).toThrow('below 5')
})
