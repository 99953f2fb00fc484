/** What each rule is good for: what is lost without it, in how few steps, within bounds small enough to try at once. */
import { original, ours, zave } from './checks.ts'
import type { Check, CheckOptions, Report } from './outcome.ts'

export interface Row {
  readonly rule: string
  readonly check: Check
  readonly options: CheckOptions
  /** Of what is lost, that which takes the fewest steps, and how many; nothing: every state was seen, and all is kept. */
  readonly lost?: readonly [property: string, steps: number]
}

const ring = { nodes: 4, initial: [0, 1, 2] }
const two = { nodes: 4, initial: [0, 2] }
const heal = true

export const ROWS: readonly Row[] = [
  row('all rules', ours, { ...ring, principals: 2, heal }),
  row('ask before adopting (T1)', ours, { ...ring, without: ['ask'] }, ['LiveSuccessor', 8]),
  row('the whole list at join', ours, { ...ring, principals: 2, without: ['whole-list'] }, ['LiveSuccessor', 2]),
  row('or else ask at join (T2)', ours, {
    ...ring,
    principals: 2,
    without: ['whole-list'],
    with: ['ask-at-join'],
    heal,
  }),
  row('cut, not filter', ours, { ...ring, principals: 2, without: ['cut'] }, ['OrderedRing', 17]),
  row('principals kept', ours, { ...ring, without: ['principals'] }, ['OrderedRing', 18]),
  row('or else fresh incarnations', ours, { ...ring, without: ['principals'], with: ['fresh'], heal }),
  row('… and cut, not filter', ours, { ...ring, without: ['principals', 'cut'], with: ['fresh'], heal }, ['Heals', 2]),
  row('cut, not as they come', ours, { ...ring, without: ['principals', 'any-cut'] }, ['AtMostOneRing', 13]),
  row('no predecessor at join', ours, { ...ring, principals: 2, without: ['none-at-join'], heal }),
  row('… principals not kept', ours, { ...ring, without: ['principals', 'none-at-join'] }, ['OrderedRing', 13]),
  row('a notify counts from the nearer', ours, { ...ring, principals: 2, without: ['rectify'], heal }),
  row('… principals not kept', ours, { ...ring, without: ['principals', 'rectify'] }, ['OrderedRing', 16]),
  row('no padding', ours, { ...ring, without: ['principals'], with: ['padding'] }, ['LiveSuccessor', 6]),
  row('principals, a ring of r (T7)', zave, { ...two, without: ['principals'] }, ['AtMostOneRing', 6]),
  row('principals (T8)', zave, { without: ['principals'] }, ['AtMostOneRing', 8]),
  row('principals (T9)', zave, { without: ['principals'], properties: ['OrderedRing'] }, ['OrderedRing', 9]),
  row('as published (T3)', original, {}, ['AtMostOneRing', 11]),
  row('as published (T4)', original, { properties: ['OrderedMerges'] }, ['OrderedMerges', 4]),
  row('as published (T5)', original, { properties: ['ValidSuccessorList'] }, ['ValidSuccessorList', 8]),
  row('as published (T6)', original, { properties: ['OrderedRing'] }, ['OrderedRing', 13]),
  row('stabilize asks (T1)', original, { without: ['ask'] }, ['LiveSuccessor', 4]),
  row('join asks (T2)', original, { without: ['ask-at-join'] }, ['LiveSuccessor', 6]),
]

export interface Tried {
  readonly states: number
  readonly found: string
  readonly asExpected: boolean
}

export function tryRow({ check, options, lost }: Row, report: Report): Tried {
  const { states, complete, violations } = check.run(options, report)
  const [shortest] = violations.toSorted((a, b) => a.steps.length - b.steps.length)
  if (!shortest) return { states, found: complete ? 'nothing' : 'nothing so far', asExpected: complete && !lost }
  const steps = shortest.steps.length - 1
  const asExpected = lost !== undefined && shortest.property === lost[0] && steps === lost[1]
  return { states, found: `${shortest.property} in ${steps}`, asExpected }
}

/** The command that shows it. */
export function commandOf({ check, options }: Row): string {
  const flags = [
    ...(options.nodes ? [`--nodes ${options.nodes}`] : []),
    ...(options.initial ? [`--initial ${options.initial.join()}`] : []),
    ...(options.principals === undefined ? [] : [`--principals ${options.principals}`]),
    ...(options.without ?? []).map((name) => `--without ${name}`),
    ...(options.with ?? []).map((name) => `--with ${name}`),
    ...(options.properties ?? []).map((name) => `--property ${name}`),
    ...(options.heal ? ['--heal'] : []),
  ]
  return ['chordite check', check.name, ...flags].join(' ')
}

function row(rule: string, check: Check, options: CheckOptions, lost?: readonly [string, number]): Row {
  return { rule, check, options, ...(lost ? { lost } : {}) }
}
