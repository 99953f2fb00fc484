/** The models' checks of `chordite check`: bounds, rules and published counts. */
import { CorrectedChord } from './corrected.ts'
import { drawRing, drawShape, drawStep } from './draw.ts'
import { type Exploration, explore, pathTo, type Step } from './explore.ts'
import { fairRound, healing } from './heal.ts'
import { type Bounds, type Model, PUBLISHED } from './model.ts'
import { NONE } from './nodes.ts'
import { OriginalChord } from './original.ts'
import type { Check, CheckOptions, Counterexample, Outcome, Report } from './outcome.ts'
import { PERMANENT, PROPERTIES, type Property } from './properties.ts'
import { OURS, type Rules, SWITCHES, type SwitchName, switchedOff, switchedOn, ZAVE } from './rules.ts'

export const zave: Check = correctedCheck({
  name: 'zave',
  about: "Zave's abstraction of the corrected protocol, stabilize in two steps",
  rules: ZAVE,
  published: 777_771,
})

export const zaveAtomic: Check = correctedCheck({
  name: 'zave-atomic',
  about: "Zave's abstraction, stabilize in one step",
  rules: { ...ZAVE, merged: true },
  published: 333_681,
})

export const ours: Check = correctedCheck({
  name: 'ours',
  about: 'the protocol with our rules: lists cut, no predecessor at join',
  rules: OURS,
  published: 5_386_847,
})

/** It must lose its ring: that is what it is here for. */
export const original: Check = {
  name: 'original',
  about: 'the protocol as published in 2001–2003, which loses its ring',
  loses: true,
  run(options, report) {
    const on = (name: string): boolean => !options.without?.includes(name)
    refuseUnknown(options, ORIGINAL_SWITCHES)
    const model = new OriginalChord({
      nodes: options.nodes ?? 4,
      stabilizeChecks: on('ask'),
      joinChecks: on('ask-at-join'),
      keepsAnEntry: on('an-entry'),
    })
    const found = explore(model, { ...searchOf(options), first: true }, report)
    return summary('original', found, model)
  },
}

export const ORIGINAL_SWITCHES = {
  ask: 'stabilize adopts only the living (off: T1)',
  'ask-at-join': 'a node joins only before a living successor (off: T2)',
  'an-entry': 'nobody fails whose failure leaves a list without a live entry',
}

interface Published {
  readonly name: string
  readonly about: string
  readonly rules: Rules
  readonly published: number
}

function correctedCheck({ name, about, rules: base, published }: Published): Check {
  return {
    name,
    about,
    run(options, report) {
      refuseUnknown(options, SWITCHES)
      const rules = rulesOf(base, options)
      const bounds = boundsOf(options)
      const model = new CorrectedChord(bounds, rules)
      const found = explore(model, searchOf(options), report)
      const asPublished = rules === base && sameBounds(bounds) && options.limit === undefined
      const outcome: Outcome = { ...summary(name, found, model), ...(asPublished ? { expected: published } : {}) }
      return options.heal && found.complete ? withHealing(outcome, model, found, report) : outcome
    },
  }
}

function withHealing(outcome: Outcome, model: CorrectedChord, found: Exploration, report: Report): Outcome {
  const healed = healing(model, found, (states) => report({ states, depth: found.depth }))
  const notes = [
    `${healed.healing} states heal within ${healed.rounds} rounds once nobody joins or fails any more`,
    ...(healed.stuck > 0 ? [`${healed.stuck} states never heal`] : []),
  ]
  if (healed.example === undefined) return { ...outcome, notes }
  const after = fairRound(model, found.states.at(healed.example))
  const steps = drawnPath(model, pathTo(model, found.states, healed.example), `a round later: ${drawRing(after)}`)
  return { ...outcome, notes, violations: [...outcome.violations, { property: 'Heals', steps }] }
}

function summary(name: string, found: Exploration, model: Model): Outcome {
  const { states, transitions, depth, complete } = found
  const violations = [...found.lost].map(([property, path]) => ({
    property,
    steps: drawnPath(model, path, drawShape(path.at(-1)?.ring ?? model.initial())),
  }))
  return { name, states: states.count, transitions, depth, complete, violations, notes: [] }
}

/** From the initial state on; something is said beneath the last one. */
function drawnPath(model: Model, path: readonly Step[], remark: string): Counterexample['steps'] {
  const steps = [{ step: 'start', state: drawRing(model.initial()) }]
  for (const { name, at, other, ring } of path) {
    steps.push({ step: drawStep(name, at, name === 'rectify' ? NONE : other), state: drawRing(ring) })
  }
  const last = steps.pop()!
  return [...steps, { ...last, state: `${last.state}\n${remark}` }]
}

function rulesOf(base: Rules, { without = [], with: added = [] }: CheckOptions): Rules {
  let rules = base
  for (const name of without) if (name !== 'principals') rules = switchedOff(rules, name as SwitchName)
  for (const name of added) rules = switchedOn(rules, name as SwitchName)
  return rules
}

function boundsOf({ nodes, successors, initial, principals, without }: CheckOptions): Bounds {
  const kept = without?.includes('principals') ? 0 : (principals ?? PUBLISHED.principals)
  const bounds: Bounds = {
    nodes: nodes ?? PUBLISHED.nodes,
    successors: successors ?? PUBLISHED.successors,
    initial: initial ?? PUBLISHED.initial,
    principals: kept,
  }
  const ascending = bounds.initial.every((id, at) => id < bounds.nodes && (at === 0 || id > bounds.initial[at - 1]!))
  if (!ascending || bounds.initial.length < 2)
    throw new Error(`the initial ring must be two or more ascending ids below ${bounds.nodes}`)
  return bounds
}

function sameBounds(bounds: Bounds): boolean {
  return JSON.stringify(bounds) === JSON.stringify(PUBLISHED)
}

function searchOf({ properties, limit, heal }: CheckOptions): Parameters<typeof explore>[1] {
  const chosen: Record<string, Property> = {}
  for (const name of properties ?? Object.keys(PERMANENT)) {
    const property = PROPERTIES[name]
    if (!property) throw new Error(`no property '${name}': ${Object.keys(PROPERTIES).join(', ')}`)
    chosen[name] = property
  }
  return { properties: chosen, ...(limit === undefined ? {} : { limit }), first: !heal }
}

function refuseUnknown({ without = [], with: added = [] }: CheckOptions, known: object): void {
  const names = [...Object.keys(known), ...(known === SWITCHES ? ['principals'] : [])]
  for (const name of [...without, ...added]) {
    if (!names.includes(name)) throw new Error(`no rule '${name}': ${names.join(', ')}`)
  }
}
