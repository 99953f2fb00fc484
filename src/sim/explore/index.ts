/** `chordite check core`: every order of events among a few real cores, each step of which must be one of the model. */
import type { Check, CheckOptions, Counterexample, Outcome, Report } from '../model/outcome.ts'
import { refines } from '../refinement/explored.ts'
import { explore, type Found } from './explorer.ts'
import { ROWS, type Row } from './rows.ts'

export const core: Check = {
  name: 'core',
  about: 'real cores: all orders of messages, timers, joins, crashes and leaves within bounds (--with large: more)',
  run(options, report) {
    refuseUnknown(options)
    const rows = rowsFor(options)
    const found: [Row, Found][] = []
    for (const row of rows) {
      const { exploration } = row
      const limit = options.limit ?? exploration.limit
      const successors = options.successors ?? exploration.successors
      const check = options.without?.includes('refinement') ? undefined : refines
      found.push([row, explore({ ...exploration, limit, successors }, progress(found, report), check)])
    }
    return summary(found)
  },
}

/** `large`: those that take longer instead; `refinement`: steps are compared with the model. */
function refuseUnknown(options: CheckOptions): void {
  for (const name of options.with ?? []) if (name !== 'large') throw new Error(`nothing to switch on: ${name}`)
  for (const name of options.without ?? []) if (name !== 'refinement') throw new Error(`nothing to switch off: ${name}`)
}

function rowsFor({ nodes, initial, with: on }: CheckOptions): readonly Row[] {
  const isLarge = on?.includes('large') ?? false
  return ROWS.filter(({ large, exploration }) => {
    if (large !== isLarge || (nodes !== undefined && exploration.nodes !== nodes)) return false
    return initial === undefined || exploration.ring.join() === initial.join()
  })
}

function progress(found: readonly [Row, Found][], report: Report): Report {
  const before = found.reduce((sum, [, { worlds }]) => sum + worlds, 0)
  return ({ states, depth }) => report({ states: before + states, depth })
}

function summary(found: readonly [Row, Found][]): Outcome {
  const sum = (of: (one: Found) => number) => found.reduce((total, [, one]) => total + of(one), 0)
  return {
    name: 'core',
    states: sum(({ worlds }) => worlds),
    transitions: sum(({ transitions }) => transitions),
    depth: found.reduce((most, [, { depth }]) => Math.max(most, depth), 0),
    complete: found.every(([, { complete, cutOff }]) => complete && cutOff === 0),
    violations: found.flatMap(([row, one]) => counterexample(row, one)),
    notes: [
      ...found.map(([row, one]) => note(row, one)),
      `${format(sum(({ steps }) => steps))} different steps of single cores, each compared with the model`,
      `${format(sum(({ fairRuns }) => fairRuns))} fair runs from among these states, all of which end in an ideal ring`,
    ],
  }
}

function counterexample({ name }: Row, { violation }: Found): Counterexample[] {
  if (violation === undefined) return []
  const steps = violation.way.map(({ step, world }) => ({ step, state: world }))
  return [{ property: `${name}: ${violation.property}`, steps }]
}

function note({ name, exploration }: Row, { worlds, depth, complete, exempt }: Found): string {
  const { inFlight, ring } = exploration
  const promised = exempt === 0 ? '' : `, ${format(exempt)} of them after the precondition was lost`
  return `m = ${inFlight}, ring of ${ring.length}, ${name}: ${format(worlds)} states, ${depth} deep${promised}${complete ? '' : ' (not all)'}`
}

function format(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
