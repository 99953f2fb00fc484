/** The failure traces T1–T9 as steps of the models, and a player for them. */
import { CorrectedChord } from './corrected.ts'
import type { Model, StepName } from './model.ts'
import type { Ring } from './nodes.ts'
import { OriginalChord } from './original.ts'
import { ZAVE } from './rules.ts'

export interface Trace {
  readonly name: string
  readonly model: Model
  /** `join 3 via 2; SN 2; fail 0`: `SN` and `stab` are stabilize and everything up to its notify's handling. */
  readonly steps: string
  /** What is lost at its end, for good or until it heals, and how the ring looks then (see drawShape). */
  readonly loses: string
  readonly ends: string
}

const checked = { stabilizeChecks: true, joinChecks: true, keepsAnEntry: true }
const padded = { ...ZAVE, merged: true }

export const TRACES: readonly Trace[] = [
  {
    name: 'T1',
    model: new OriginalChord({ ...checked, nodes: 3, stabilizeChecks: false, keepsAnEntry: false }),
    steps: 'join 2; SN 2; SN 0; join 1; SN 1; fail 1; SN 0; flush 2',
    loses: 'AtLeastOneRing',
    ends: 'no ring; 0 is lost; 2 is lost',
  },
  {
    name: 'T2',
    model: new OriginalChord({ ...checked, nodes: 3, joinChecks: false, keepsAnEntry: false }),
    steps: 'join 2; SN 2; SN 0; reconcile 0; fail 2; join 1; update 0',
    loses: 'ConnectedAppendages',
    ends: 'ring 0 → 0; 1 is lost',
  },
  {
    name: 'T3',
    model: new OriginalChord({ ...checked, nodes: 4 }),
    steps:
      'join 2; SN 2; SN 0; reconcile 0; reconcile 2; join 1; SN 1; SN 0; join 3; SN 3; SN 2; fail 1; fail 3; update 0; update 2',
    loses: 'AtMostOneRing',
    ends: 'ring 0 → 0; ring 2 → 2',
  },
  {
    name: 'T4',
    model: new OriginalChord({ ...checked, nodes: 4 }),
    steps: 'join 3; SN 3; SN 0; join 1 via 0; join 2 via 0; SN 1; SN 2; SN 0',
    loses: 'OrderedMerges',
    ends: 'ring 0 → 2 → 3 → 0; 1 leads to it at 3',
  },
  {
    name: 'T5',
    model: new OriginalChord({ ...checked, nodes: 4 }),
    steps: 'join 2; SN 2; SN 0; join 1; reconcile 1; join 3; SN 3; SN 2; reconcile 0; SN 1; SN 0; fail 2; update 1',
    loses: 'a live node, 3, from the ring',
    ends: 'ring 0 → 1 → 0; 3 leads to it at 0',
  },
  {
    name: 'T6',
    model: new OriginalChord({ ...checked, nodes: 6 }),
    steps: `join 2; SN 2; SN 0; reconcile 0; reconcile 2; join 4; SN 4; SN 2; SN 0; reconcile 0; reconcile 2; reconcile 4;
      join 1; join 3; join 5; SN 1; SN 3; SN 5; SN 0; SN 2; SN 4; fail 1; fail 3; fail 5; update 0; update 2; update 4`,
    loses: 'OrderedRing',
    ends: 'ring 0 → 4 → 2 → 0',
  },
  {
    name: 'T7',
    model: new CorrectedChord({ nodes: 4, successors: 2, initial: [0, 2], principals: 0 }, padded),
    steps: 'fail 0; join 3 via 2; stab 3; join 0 via 3; stab 0; fail 2',
    loses: 'AtMostOneRing',
    ends: 'ring 0 → 0; ring 3 → 3',
  },
  {
    name: 'T8',
    model: new CorrectedChord({ nodes: 5, successors: 2, initial: [0, 2, 4], principals: 0 }, padded),
    steps: 'fail 2; stab 0; fail 4; join 1 via 0; stab 1; join 4 via 1; stab 4; fail 0',
    loses: 'AtMostOneRing',
    ends: 'ring 1 → 1; ring 4 → 4',
  },
  {
    name: 'T9',
    model: new CorrectedChord({ nodes: 5, successors: 2, initial: [0, 2, 4], principals: 0 }, padded),
    steps: 'fail 2; join 1 via 0; stab 1; join 2 via 1; fail 4; stab 2; join 4 via 2; stab 4; fail 0',
    loses: 'OrderedRing',
    ends: 'ring 1 → 4 → 2 → 1',
  },
]

/** Each state from the initial one on. Throws if the model cannot take a step. */
export function playTrace({ model, steps }: Pick<Trace, 'model' | 'steps'>): Ring[] {
  const rings = [model.initial()]
  for (const step of steps.split(';')) {
    const [, verb = '', at = '', helper] = /^\s*(\w+) (\d+)(?: via (\d+))?\s*$/.exec(step) ?? []
    const name = (verb === 'SN' || verb === 'stab' ? 'stabilize' : verb) as StepName
    const ring = taken(model, rings.at(-1)!, name, Number(at), helper === undefined ? undefined : Number(helper))
    if (ring === undefined) throw new Error(`the model cannot do '${step.trim()}'`)
    rings.push(verb === 'stab' ? delivered(model, ring) : ring)
  }
  return rings
}

function taken(model: Model, ring: Ring, name: StepName, at: number, helper?: number): Ring | undefined {
  let found: Ring | undefined
  model.steps(ring, (next, by, who, other) => {
    if (by === name && who === at && (helper === undefined || other === helper)) found ??= next
  })
  return found
}

function delivered(model: Model, ring: Ring): Ring {
  const notified = ring.find((node) => node.live && node.due === 'rectify')
  return notified ? taken(model, ring, 'rectify', notified.id)! : ring
}
