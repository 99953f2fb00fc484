/**
 * The whole state of a core as data, and a core made of it that behaves like the first from there on. Not part of it: what
 * whoever restores brings along (`self`, `config`, `random`), and what `table.ts` derives.
 *
 * The compiler lists here what a new field of `Core` still needs.
 */
import { ChordNode } from './chord-node.ts'
import { hashOf } from './digest.ts'
import type { Peer } from './messages.ts'
import { type Core, type CoreConfig, type CoreRandom, copyOfDeparture } from './state.ts'

/** Getters of `Core`: computed, not kept. */
type Computed = 'joined' | 'firstLive'
type Given = 'self' | 'config' | 'random'
type Methods<T> = { [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T]
type Kept = Exclude<keyof Core, Methods<Core> | Computed | Given>

/** Shares with the core only what never changes: peers, ids, messages, lists. `plain.ts` turns it into JSON. */
export type CoreState = {
  readonly [K in Kept]: Core[K] extends { dump(): infer Data } ? Data : Core[K]
}

export function snapshot({ core }: { readonly core: Core }): CoreState {
  return copy({
    ...(core as Omit<Core, 'fingers' | 'detector' | 'remembered' | 'late'>),
    fingers: core.fingers.dump(),
    detector: core.detector.dump(),
    remembered: core.remembered.dump(),
    late: core.late.dump(),
  })
}

/** A new node in that state. The same one can be restored any number of times. */
export function restore(state: CoreState, o: { self: Peer; config: CoreConfig; random: CoreRandom }): ChordNode {
  const node = new ChordNode(o)
  const { fingers, detector, remembered, late, ...fields } = copy(state)
  node.core.fingers.restore(fingers)
  node.core.detector.restore(detector)
  node.core.remembered.restore(remembered)
  node.core.late.restore(late)
  Object.assign(node.core, fields)
  return node
}

/**
 * 16 hex digits. Two cores with the same are in the same state, but for outputs that have not been polled: those are on
 * their way out, and nothing depends on them.
 */
export function digest(node: { readonly core: Core }): string {
  return hashOf({ ...snapshot(node), outputs: undefined })
}

/** Whatever can change gets a copy of its own. */
function copy(state: CoreState): CoreState {
  const { handover, departure } = state
  return {
    status: state.status,
    sole: state.sole,
    successors: state.successors,
    listWraps: state.listWraps,
    changedMs: state.changedMs,
    fillsLeft: state.fillsLeft,
    predecessor: state.predecessor,
    predecessorHasRange: state.predecessorHasRange,
    predecessorSkips: state.predecessorSkips,
    candidate: state.candidate,
    waiting: new Map(state.waiting),
    range: state.range,
    epoch: state.epoch,
    boundary: state.boundary,
    heir: state.heir,
    handover: handover && { ...handover },
    lastGrant: state.lastGrant,
    departure: departure && copyOfDeparture(departure),
    fingers: state.fingers,
    detector: state.detector,
    remembered: state.remembered,
    pending: new Map(Array.from(state.pending, ([request, entry]) => [request, { ...entry }])),
    late: state.late,
    lookups: new Map(
      Array.from(state.lookups, ([number, lookup]) => [
        number,
        { ...lookup, candidates: [...lookup.candidates], asked: new Set(lookup.asked) },
      ]),
    ),
    timers: { ...state.timers },
    periods: { ...state.periods },
    contacts: [...state.contacts],
    fingerBit: state.fingerBit,
    fingersPaused: state.fingersPaused,
    fingersPaidMs: state.fingersPaidMs,
    selfLookupTurn: state.selfLookupTurn,
    splits: new Map(state.splits),
    tableVersion: state.tableVersion,
    outputs: [...state.outputs],
    next: state.next,
  }
}
