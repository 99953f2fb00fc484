/**
 * One node of the exploration at rest: what of a core decides what it does next. Projected out are clocks, deadlines,
 * periods, round trips, epochs and numbers (questions are renamed 1, 2, … in the order in which they were asked): any timer
 * that is set may fire next, any deadline pass. Fingers are off, so their table is empty.
 */
import { ChordNode, type CoreConfig } from '../../core/chord-node.ts'
import { keyOf } from '../../core/failure-detector.ts'
import type { Lookup } from '../../core/lookup.ts'
import type { Peer, Question } from '../../core/messages.ts'
import {
  type Core,
  copyOfDeparture,
  type Handover,
  type PendingQuestion,
  type Purpose,
  type Timers,
} from '../../core/state.ts'
import type { Universe } from './universe.ts'

/** Every input comes at this time. */
export const NOW_MS = 10_000
const FUTURE_MS = 20_000
/** Of the last miss of a peer, of questions asked before it was noticed, and of those asked since. */
const LAST_MISS_MS = 5_000
const BEFORE_MISS_MS = 4_000
const SINCE_MISS_MS = 6_000
const NEVER = Number.POSITIVE_INFINITY
/** New questions get numbers above all that are in use. */
const NUMBERS_FROM = 1_000

/** Timers that are not always set. */
const OPTIONAL = ['stabilizeMs', 'rejoinMs', 'departureMs'] as const

interface Asked {
  readonly to: Peer
  readonly message: Question
  readonly purpose: Purpose
  /** Asked before the last miss of `to` was noticed. */
  readonly old: boolean
  readonly notYet: boolean
}

interface Doubt {
  readonly peer: Peer
  readonly misses: number
  readonly dead: boolean
  readonly departed: boolean
}

type Fields = Pick<
  Core,
  | 'status'
  | 'sole'
  | 'successors'
  | 'listWraps'
  | 'predecessor'
  | 'predecessorHasRange'
  | 'predecessorSkips'
  | 'candidate'
  | 'range'
  | 'boundary'
  | 'heir'
  | 'handover'
  | 'lastGrant'
  | 'departure'
>

export interface Frozen extends Fields {
  readonly self: Peer
  readonly asked: readonly Asked[]
  readonly lookups: readonly Lookup[]
  readonly doubts: readonly Doubt[]
  readonly remembered: readonly Peer[]
  readonly contacts: readonly Peer[]
  /** Of the timers that are not always set, those that are. */
  readonly armed: readonly (keyof Timers)[]
}

/** Also says how numbers were renamed. */
export function freeze(core: Core, universe: Universe): { text: string; names: Map<number, number> } {
  const names = new Map<number, number>()
  const name = (number: number) => {
    if (!names.has(number)) names.set(number, names.size + 1)
    return names.get(number) as number
  }
  for (const request of core.pending.keys()) name(request)
  for (const number of core.lookups.keys()) name(number)
  const handover: Handover | undefined = core.handover && { ...core.handover, token: name(core.handover.token) }
  const lastMissMs = new Map(
    core.detector.dump().records.map(([key, { misses, lastMissMs }]) => [key, misses > 0 ? lastMissMs : 0]),
  )
  const asked = [...core.pending.values()].map((entry) => ({
    to: entry.to,
    message: entry.message,
    purpose: renamed(entry.purpose, names),
    old: entry.sentMs < (lastMissMs.get(keyOf(entry.to)) ?? 0),
    notYet: entry.notYet,
  }))
  const lookups = [...core.lookups.values()].map((lookup) => ({ ...lookup, number: name(lookup.number), steps: 0 }))
  const { status, sole, successors, listWraps, predecessor, predecessorHasRange, predecessorSkips } = core
  const { candidate, range, boundary, heir, lastGrant, departure, self } = core
  const frozen: Frozen = {
    ...{ status, sole, successors, listWraps, predecessor, predecessorHasRange, predecessorSkips },
    ...{ candidate, range, boundary, heir, handover, lastGrant, departure, self, asked, lookups },
    doubts: doubts(core, universe),
    remembered: inOrder(core.remembered.list(), universe),
    contacts: inOrder(core.contacts, universe),
    armed: OPTIONAL.filter((timer) => core.timers[timer] !== NEVER),
  }
  return { text: universe.text(frozen), names }
}

/** What a question is good for that is no longer of interest gets 0. */
function renamed(purpose: Purpose, names: Map<number, number>): Purpose {
  if (purpose.kind === 'step') return { ...purpose, lookup: names.get(purpose.lookup) ?? 0 }
  if (purpose.kind === 'grant') return { ...purpose, token: names.get(purpose.token) ?? 0 }
  return purpose
}

function doubts(core: Core, universe: Universe): Doubt[] {
  const records = new Map(core.detector.dump().records)
  const out: Doubt[] = []
  for (let number = 0; number < universe.peers; number++) {
    const peer = universe.numbered(number)
    const record = records.get(keyOf(peer))
    if (record === undefined) continue
    const { dead, departed } = record
    const misses = dead ? 0 : record.misses
    if (misses > 0 || dead || departed) out.push({ peer, misses, dead, departed })
  }
  return out
}

function inOrder(peers: readonly Peer[], universe: Universe): Peer[] {
  return [...peers].sort((a, b) => universe.number(a) - universe.number(b))
}

const ZERO = { nextUint32: () => 0 }

/** A core that rests in that state at NOW_MS, with nothing due. */
export function thaw(frozen: Frozen, config: CoreConfig): ChordNode {
  const node = new ChordNode({ self: frozen.self, config, random: ZERO })
  const { core } = node
  const { self: _, asked, lookups, doubts, remembered, contacts, armed, handover, departure, ...fields } = frozen
  Object.assign(core, fields)
  core.handover = handover && { ...handover }
  core.departure = departure && copyOfDeparture(departure)
  core.next = NUMBERS_FROM
  core.changedMs = NOW_MS
  core.contacts = [...contacts]
  core.remembered.restore(remembered)
  for (const lookup of lookups) {
    core.lookups.set(lookup.number, { ...lookup, candidates: [...lookup.candidates], asked: new Set(lookup.asked) })
  }
  for (const { peer, misses, dead, departed } of doubts) {
    for (let i = 0; i < misses; i++) core.detector.miss(peer, LAST_MISS_MS, LAST_MISS_MS)
    if (departed) core.detector.departed(peer)
    else if (dead) core.detector.proveDead(peer)
  }
  for (const [index, { to, message, purpose, old, notYet }] of asked.entries()) {
    const request = index + 1
    const sentMs = old ? BEFORE_MISS_MS : SINCE_MISS_MS
    core.pending.set(request, {
      request,
      to,
      message,
      purpose,
      sentMs,
      deadlineMs: FUTURE_MS,
      excused: false,
      notYet,
    } satisfies PendingQuestion)
  }
  const ended = frozen.status === 'left'
  for (const timer of Object.keys(core.timers) as (keyof Timers)[]) {
    const isSet = (OPTIONAL as readonly string[]).includes(timer) ? armed.includes(timer) : !ended
    core.timers[timer] = isSet ? FUTURE_MS : NEVER
  }
  core.timers.fingersMs = NEVER
  return node
}
