/**
 * What the model of a step sees of a node: no clocks, no fingers, no round trips. Only the types of the core are used here and in
 * the model; its rules are written anew, from the protocol.
 */
import type { ChordNode } from '../../core/chord-node.ts'
import type { Boundary, Peer, Range } from '../../core/messages.ts'
import type { CoreStatus } from '../../core/output.ts'
import { copyOfDeparture, type Departure, type Purpose } from '../../core/state.ts'

export interface Doubt {
  misses: number
  dead: boolean
  /** It said goodbye: nothing brings it back. */
  departed: boolean
}

export interface Asked {
  readonly to: Peer
  readonly purpose: Purpose
  /** Of a step of a look-up: of which. */
  readonly lookup: 'join' | 'finger' | 'self' | undefined
  /** Asked before the last miss of `to`: its own says nothing new. */
  readonly old: boolean
  readonly deadlineMs: number
  readonly excused: boolean
  readonly notYet: boolean
}

export interface Giving {
  readonly token: number
  readonly cause: 'grant' | 'leave'
  readonly to: Peer
  readonly lost: Range
  phase: 'services' | 'ready' | 'telling'
  readonly boundary: Boundary
}

/** Mutable: the model works on one of its own. */
export interface NodeState {
  readonly self: Peer
  readonly successors: number
  readonly serve: boolean
  readonly evictAfterMisses: number
  status: CoreStatus
  sole: boolean
  list: readonly Peer[]
  wraps: boolean
  pred: Peer | undefined
  predHas: boolean
  predSkips: boolean
  cand: { readonly peer: Peer; readonly hasRange: boolean } | undefined
  range: Range | undefined
  boundary: Boundary
  heir: boolean
  giving: Giving | undefined
  taken: { readonly from: Peer; readonly request: number } | undefined
  leaving: Departure | undefined
  doubts: Map<string, Doubt>
  asked: Map<number, Asked>
  /** Fingers, and those that are only remembered: whom news of an address may concern as well. */
  fingers: readonly Peer[]
  remembered: readonly Peer[]
}

export function stateOf({ core }: ChordNode): NodeState {
  const { config, handover, departure } = core
  const records = new Map(core.detector.dump().records)
  const asked = [...core.pending].map(([request, entry]): [number, Asked] => {
    const { to, purpose, deadlineMs, excused, notYet } = entry
    const record = records.get(nameOf(to))
    const old = record !== undefined && record.misses > 0 && entry.sentMs < record.lastMissMs
    const lookup = purpose.kind === 'step' ? core.lookups.get(purpose.lookup)?.purpose.kind : undefined
    return [request, { to, purpose, lookup, old, deadlineMs, excused, notYet }]
  })
  return {
    self: core.self,
    successors: config.successors,
    serve: config.onIsolated === 'serve',
    evictAfterMisses: config.evictAfterMisses,
    status: core.status,
    sole: core.sole,
    list: core.successors,
    wraps: core.listWraps,
    pred: core.predecessor,
    predHas: core.predecessorHasRange,
    predSkips: core.predecessorSkips,
    cand: core.candidate,
    range: core.range,
    boundary: core.boundary,
    heir: core.heir,
    giving: handover && { ...handover },
    taken: core.lastGrant,
    leaving: departure && copyOfDeparture(departure),
    doubts: new Map(Array.from(records, ([key, { misses, dead, departed }]) => [key, { misses, dead, departed }])),
    asked: new Map(asked),
    fingers: core.fingers.distinct(),
    remembered: core.remembered.list(),
  }
}

/** A step works on a copy; the one before is what it is compared with. */
export function copyOf(state: NodeState): NodeState {
  return {
    ...state,
    giving: state.giving && { ...state.giving },
    leaving: state.leaving && copyOfDeparture(state.leaving),
    doubts: new Map(Array.from(state.doubts, ([key, doubt]) => [key, { ...doubt }])),
    asked: new Map(state.asked),
  }
}

export function nameOf(peer: Peer): string {
  return `${peer.id}/${peer.incarnation}/${peer.address}`
}

export function same(a: Peer | undefined, b: Peer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : nameOf(a) === nameOf(b)
}

/** Of ids, by their digits: 40 each. */
export function between(a: Peer['id'], b: Peer['id'], c: Peer['id']): boolean {
  const [x, y, z] = [String(a), String(b), String(c)]
  return x < z ? x < y && y < z : y > x || y < z
}

export function sameId(a: Peer['id'], b: Peer['id']): boolean {
  return String(a) === String(b)
}
