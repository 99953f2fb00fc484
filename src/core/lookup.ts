/**
 * Iterative look-ups for the ring's own upkeep: find the predecessor of a key by asking ever closer nodes. The asker
 * keeps control, so a dead or lying hop costs one timeout and no more.
 */
import { assert } from './errors.ts'
import { keyOf } from './failure-detector.ts'
import type { Id } from './id.ts'
import { onJoinPointFound, onJoinPointMissing } from './join.ts'
import { coverFingers, nextFinger, payForFinger } from './maintenance.ts'
import { askWhetherBack, onOwnPlaceFound } from './merge.ts'
import { type Answer, type Peer, type Question, samePeer } from './messages.ts'
import type { Core, PendingQuestion } from './state.ts'
import { closestPreceding } from './table.ts'

/** A look-up that has not ended after this many answers is going in circles. */
const STEPS_MAX = 64
const CANDIDATES_MAX = 16
/** How many next hops an answer names. */
const NEXT_MAX = 4

export type LookupPurpose =
  | { readonly kind: 'join' }
  | { readonly kind: 'finger' }
  | { readonly kind: 'self'; readonly via: Peer }

export interface Lookup {
  readonly number: number
  readonly key: Id
  readonly purpose: LookupPurpose
  candidates: Peer[]
  readonly asked: Set<string>
  steps: number
}

type Closest = Question & { type: 'closest' }
type ClosestKnown = Answer & { type: 'closestKnown' }

export function startLookup(core: Core, key: Id, purpose: LookupPurpose, start: readonly Peer[], nowMs: number): void {
  const number = core.nextNumber()
  const lookup: Lookup = { number, key, purpose, candidates: [], asked: new Set(), steps: 0 }
  core.lookups.set(number, lookup)
  addCandidates(core, lookup, start)
  step(core, lookup, nowMs)
}

export function isLookingUp(core: Core, kind: LookupPurpose['kind']): boolean {
  for (const lookup of core.lookups.values()) if (lookup.purpose.kind === kind) return true
  return false
}

/** Asks the candidate nearest before the key. */
function step(core: Core, lookup: Lookup, nowMs: number): void {
  const next = lookup.candidates.shift()
  if (next === undefined || ++lookup.steps > STEPS_MAX) {
    core.lookups.delete(lookup.number)
    return missed(core, lookup, nowMs)
  }
  lookup.asked.add(keyOf(next))
  if (lookup.purpose.kind === 'finger') payForFinger(core, nowMs)
  const joiner = lookup.purpose.kind === 'join'
  core.ask(next, { type: 'closest', key: lookup.key, joiner }, { kind: 'step', lookup: lookup.number }, nowMs)
}

export function onClosestKnown(core: Core, number: number, from: Peer, answer: ClosestKnown, nowMs: number): void {
  const lookup = core.lookups.get(number)
  if (lookup === undefined) return
  if (!answer.done) {
    if (lookup.purpose.kind !== 'finger') askSilent(core, answer.next, nowMs)
    addCandidates(core, lookup, answer.next)
    return step(core, lookup, nowMs)
  }
  core.lookups.delete(number)
  switch (lookup.purpose.kind) {
    case 'join':
      return onJoinPointFound(core, from, answer.successors, answer.conflict, nowMs)
    case 'finger':
      coverFingers(core, from, answer.successors)
      return nextFinger(core, nowMs)
    case 'self':
      return onOwnPlaceFound(core, lookup.purpose.via, from, answer.successors[0] ?? from, nowMs)
    default:
      lookup.purpose satisfies never
  }
}

/** We took them for dead, and others do not. Without them there may be no way in. */
function askSilent(core: Core, named: readonly Peer[], nowMs: number): void {
  for (const peer of named) {
    if (!peer.id.equals(core.self.id) && core.detector.isDead(peer)) askWhetherBack(core, peer, nowMs)
  }
}

/** The node asked did not answer: the next candidate is asked instead. */
export function onStepUnanswered(core: Core, entry: PendingQuestion, nowMs: number): void {
  assert(entry.purpose.kind === 'step', 'a step of a look-up')
  const lookup = core.lookups.get(entry.purpose.lookup)
  if (lookup !== undefined) step(core, lookup, nowMs)
}

function missed(core: Core, lookup: Lookup, nowMs: number): void {
  if (lookup.purpose.kind === 'join') onJoinPointMissing(core, nowMs)
  else if (lookup.purpose.kind === 'finger') {
    core.fingerBit++
    nextFinger(core, nowMs)
  }
}

function addCandidates(core: Core, lookup: Lookup, peers: readonly Peer[]): void {
  for (const peer of peers) {
    if (peer.id.equals(core.self.id) || peer.id.equals(lookup.key)) continue
    if (lookup.asked.has(keyOf(peer)) || core.detector.isDead(peer)) continue
    if (lookup.candidates.some((known) => samePeer(known, peer))) continue
    lookup.candidates.push(peer)
  }
  // None of them has the key for its id: whoever lies between another and the key is nearer.
  lookup.candidates.sort((a, b) => (a.id.equals(b.id) ? 0 : a.id.isBetween(b.id, lookup.key) ? -1 : 1))
  if (lookup.candidates.length > CANDIDATES_MAX) lookup.candidates.length = CANDIDATES_MAX
}

/** The other side: one step of somebody's look-up. */
export function answerClosest(core: Core, from: Peer, question: Closest): ClosestKnown {
  const { key } = question
  const conflict = question.joiner ? otherIncarnation(core, from) : undefined
  const live = core.successors.filter((peer) => !core.detector.isSuspect(peer))
  const first = live[0]
  if (first === undefined || key.isBetweenOrEnd(core.self.id, first.id)) {
    return { type: 'closestKnown', done: true, successors: live, next: [], conflict }
  }
  const next = closestPreceding(core, key, NEXT_MAX)
  return { type: 'closestKnown', done: false, successors: [], next, conflict }
}

/** A neighbour with the id of one who wants to join, from another life; or a later life of it, even if that is over. */
function otherIncarnation(core: Core, joiner: Peer): Peer | undefined {
  const differs = (peer: Peer) => peer.id.equals(joiner.id) && !samePeer(peer, joiner)
  const known = core.predecessor === undefined ? core.successors : [core.predecessor, ...core.successors]
  const listed = known.find(differs)
  if (listed !== undefined) return listed
  const remembered = core.remembered.of(joiner.id)
  return remembered !== undefined && remembered.incarnation > joiner.incarnation ? remembered : undefined
}
