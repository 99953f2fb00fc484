/** Breadth-first over everything that a model can do; the first loss of a property found so is one of the shortest. */
import type { Model, StepName } from './model.ts'
import type { Ring } from './nodes.ts'
import type { Report } from './outcome.ts'
import { type Property, shapeOf } from './properties.ts'
import { States } from './states.ts'

const REPORT_EVERY = 1 << 16

export interface Step {
  readonly name: StepName
  readonly at: number
  readonly other: number
  /** The state after it. */
  readonly ring: Ring
}

export interface Exploration {
  readonly states: States
  readonly transitions: number
  readonly depth: number
  readonly complete: boolean
  /** For each property that was lost, a shortest path to a state in which it is. */
  readonly lost: ReadonlyMap<string, readonly Step[]>
  /** All states in which one is, which were not gone on from. */
  readonly dead: ReadonlySet<number>
}

export interface Search {
  readonly properties: Readonly<Record<string, Property>>
  /** No more states than that. */
  readonly limit?: number
  /** End as soon as a property is lost; otherwise each property's first loss is found, and no loss is gone on from. */
  readonly first?: boolean
}

export function explore(model: Model, search: Search, report: Report = () => {}): Exploration {
  const { properties, limit = Number.MAX_SAFE_INTEGER, first = false } = search
  const states = new States(model.nodes)
  const lost = new Map<string, readonly Step[]>()
  const dead = new Set<number>()
  let transitions = 0
  let depth = 0
  let layerEnd = 0
  let current = -1
  const visit = (next: Ring): void => {
    transitions++
    if (states.count >= limit || !states.add(next, current)) return
    const losses = lossesIn(next, properties)
    if (losses.length > 0) dead.add(states.count - 1)
    for (const property of losses) if (!lost.has(property)) lost.set(property, pathTo(model, states, states.count - 1))
  }
  visit(model.initial())
  transitions = 0
  for (current = 0; current < states.count && states.count < limit; current++) {
    if (current === layerEnd) {
      depth++
      layerEnd = states.count
    }
    if (current % REPORT_EVERY === 0) report({ states: states.count, depth })
    if (first && lost.size > 0) break
    if (!dead.has(current)) model.steps(states.at(current), visit)
  }
  return { states, transitions, depth: Math.max(0, depth - 1), complete: current === states.count, lost, dead }
}

/** Nothing is remembered of how a state was reached but the one before: what leads from that one to it is looked up. */
export function pathTo(model: Model, states: States, index: number): Step[] {
  const path: Step[] = []
  for (let to = index; states.parentOf(to) >= 0; to = states.parentOf(to)) {
    let step: Step | undefined
    model.steps(states.at(states.parentOf(to)), (ring, name, at, other) => {
      if (step === undefined && states.indexOf(ring) === to) step = { name, at, other, ring }
    })
    path.push(step!)
  }
  return path.reverse()
}

function lossesIn(ring: Ring, properties: Readonly<Record<string, Property>>): string[] {
  const shape = shapeOf(ring)
  return Object.keys(properties).filter((name) => !properties[name]!(shape))
}
