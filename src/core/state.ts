/**
 * The state of one virtual node, as data, and the few primitive steps that every room of the protocol is written in: ask,
 * tell, emit, evict. Nothing here decides; see `join.ts`, `stabilize.ts`, `responsibility.ts`, `leave.ts`, `merge.ts`.
 */
import { assert } from './errors.ts'
import { FailureDetector, keyOf } from './failure-detector.ts'
import { FingerTable } from './finger-table.ts'
import { LateAnswers } from './late-answers.ts'
import type { Lookup } from './lookup.ts'
import { type Boundary, type OneWay, type Peer, type Question, type Range, samePeer } from './messages.ts'
import type { CoreEvent, CoreStatus, DownReason, Output, RangeCause } from './output.ts'
import { RememberedPeers } from './remembered.ts'
import { assertWellFormed, cut, isShort, sameList, without } from './successor-list.ts'

/** Durations in milliseconds; the public `Timing` documents them. */
export interface CoreConfig {
  successors: number
  onIsolated: 'wait' | 'serve'
  stabilizeMinMs: number
  stabilizeMaxMs: number
  probeMinMs: number
  probeMaxMs: number
  evictAfterMisses: number
  fingersMinMs: number
  fingersMaxMs: number
  selfLookupMs: number
  rejoinMinMs: number
  rejoinMaxMs: number
  handoverMs: number
  rememberedPeers: number
}

export interface CoreRandom {
  nextUint32(): number
}

/** Why a question was asked: what its answer, or its absence, is good for. */
export type Purpose =
  | { readonly kind: 'probe' }
  /** `first`: our first successor when we asked. An answer is worth nothing once that has changed. */
  | { readonly kind: 'stabilize'; readonly first: Peer }
  | { readonly kind: 'adopt'; readonly first: Peer | undefined; readonly fallback: Peer | undefined }
  | { readonly kind: 'step'; readonly lookup: number }
  | { readonly kind: 'joinCheck'; readonly successors: readonly Peer[] }
  | { readonly kind: 'conflict' }
  /** `token` of the hand-over that it ends; 0 if only the inheritance is passed on. */
  | { readonly kind: 'grant'; readonly token: number }
  | { readonly kind: 'handOver' }
  | { readonly kind: 'left' }
  /** It was silent for so long that it counts as dead; is it back? */
  | { readonly kind: 'back' }
  /** It told us that it precedes us, a while ago. */
  | { readonly kind: 'confirm' }

export interface PendingQuestion {
  readonly request: number
  readonly to: Peer
  readonly message: Question
  readonly purpose: Purpose
  readonly sentMs: number
  deadlineMs: number
  /** The deadline was moved once because we ourselves had been stalled. */
  excused: boolean
  /** The answer was that it is in no ring at the moment. */
  notYet: boolean
}

export interface Handover {
  readonly token: number
  readonly cause: 'grant' | 'leave'
  readonly to: Peer
  readonly lost: Range
  /**
   * The services are at work; or are done, and the new owner has been told. `ready` (of who leaves): it is still to be told, or
   * has refused.
   */
  phase: 'services' | 'ready' | 'telling'
  readonly boundary: Boundary
}

export interface Departure {
  phase: 'handingOver' | 'sayingGoodbye'
  /** Who said that it leaves too. */
  readonly leavingToo: Set<string>
  /** Those of them that have said whom they know, */
  readonly heard: Set<string>
  /** and whom they named. */
  named: readonly Peer[]
  goodbyesLeft: number
}

export function copyOfDeparture(departure: Departure): Departure {
  return { ...departure, leavingToo: new Set(departure.leavingToo), heard: new Set(departure.heard) }
}

/** When to do what next, in the caller's clock; Infinity for never. */
export interface Timers {
  stabilizeMs: number
  neighborsMs: number
  fingersMs: number
  selfLookupMs: number
  rejoinMs: number
  departureMs: number
}

const NEVER = Number.POSITIVE_INFINITY

export class Core {
  readonly self: Peer
  readonly config: CoreConfig
  readonly random: CoreRandom

  status: CoreStatus = 'new'
  /** No peer follows us because we are the ring. */
  sole = false
  successors: readonly Peer[] = []
  /** The list went once around the ring when we made it: there is nobody else. */
  listWraps = false
  /** When our neighbours last changed. */
  changedMs = Number.NEGATIVE_INFINITY
  /** Early stabilisations that a short list may still ask for. */
  fillsLeft = 0
  predecessor: Peer | undefined = undefined
  /** What the predecessor last said of itself. */
  predecessorHasRange = false
  /** It passed over others, who may live, when it told us so; or may have by now. */
  predecessorSkips = false
  /** Notified us while we probed the present predecessor. */
  candidate: { readonly peer: Peer; readonly hasRange: boolean } | undefined = undefined

  /** Who told us lately, by `keyOf`, that it precedes us and owns nothing. In a ring by then, or it would not have told us. */
  readonly waiting = new Map<string, { readonly peer: Peer; readonly atMs: number }>()

  range: Range | undefined = undefined
  epoch = 0n
  boundary: Boundary = { peer: undefined, dead: false }
  /** What lies before us, or before our range, had an owner who died before we met our predecessor. */
  heir = false
  handover: Handover | undefined = undefined
  /** The last grant that we took. The same one again says nothing of what has happened since. */
  lastGrant: { readonly from: Peer; readonly request: number } | undefined = undefined
  departure: Departure | undefined = undefined

  readonly fingers: FingerTable
  readonly detector: FailureDetector
  readonly remembered: RememberedPeers
  readonly pending = new Map<number, PendingQuestion>()
  readonly late = new LateAnswers()
  readonly lookups = new Map<number, Lookup>()
  readonly timers: Timers = {
    stabilizeMs: NEVER,
    neighborsMs: NEVER,
    fingersMs: NEVER,
    selfLookupMs: NEVER,
    rejoinMs: NEVER,
    departureMs: NEVER,
  }
  /** Present lengths of the adaptive periods. */
  readonly periods: { stabilizeMs: number; fingersMs: number; rejoinMs: number; selfLookupMs: number }
  /** Contacts that have not been tried yet, for joining. */
  contacts: Peer[] = []
  fingerBit = 0
  /** A round of fingers waits for its budget, to go on at `fingerBit`. */
  fingersPaused = false
  /** The budget of fingers is used up to then; it is spent when this lies ahead. */
  fingersPaidMs = Number.NEGATIVE_INFINITY
  selfLookupTurn = 0
  /** Rings that did not lead back to us, and have been reported: whom we asked, by `keyOf`, and who holds our place there. */
  readonly splits = new Map<string, { readonly via: Peer; readonly stranger: Peer }>()
  /** Raised whenever what we route by may have changed. */
  tableVersion = 0

  readonly outputs: Output[] = []
  /** The number of the next question, look-up or hand-over. */
  next = 1

  constructor(self: Peer, config: CoreConfig, random: CoreRandom) {
    this.self = self
    this.config = config
    this.random = random
    this.fingers = new FingerTable(self.id)
    this.detector = new FailureDetector(config)
    this.remembered = new RememberedPeers(config.rememberedPeers)
    this.periods = {
      stabilizeMs: config.stabilizeMinMs,
      fingersMs: config.fingersMinMs,
      rejoinMs: config.rejoinMinMs,
      selfLookupMs: config.selfLookupMs,
    }
  }

  /** In a ring, or alone on one: our answers count as those of a live member. */
  get joined(): boolean {
    return this.sole || this.successors.length > 0 || this.status === 'isolated'
  }

  /** The first successor that is not suspect; undefined if there is none. */
  get firstLive(): Peer | undefined {
    return this.successors.find((peer) => !this.detector.isSuspect(peer))
  }

  nextNumber(): number {
    const number = this.next
    this.next = this.next === 0xffffffff ? 1 : this.next + 1
    return number
  }

  /** A question that is repeated keeps its number, so that who has acted on it already can tell. */
  ask(to: Peer, message: Question, purpose: Purpose, nowMs: number, request = this.nextNumber()): void {
    assert(!to.id.equals(this.self.id) || purpose.kind === 'conflict', 'a node never asks itself')
    const deadlineMs = nowMs + this.detector.timeoutMs(to)
    this.pending.set(request, {
      request,
      to,
      message,
      purpose,
      sentMs: nowMs,
      deadlineMs,
      excused: false,
      notYet: false,
    })
    this.outputs.push({ kind: 'send', to, request, message })
  }

  tell(to: Peer, message: OneWay): void {
    assert(!samePeer(to, this.self), 'a node never tells itself')
    this.outputs.push({ kind: 'send', to, request: 0, message })
  }

  isAsking(kind: Purpose['kind'], to?: Peer): boolean {
    for (const entry of this.pending.values()) {
      if (entry.purpose.kind === kind && (to === undefined || samePeer(entry.to, to))) return true
    }
    return false
  }

  emit(event: CoreEvent): void {
    this.outputs.push({ kind: 'event', event })
  }

  setStatus(status: CoreStatus): void {
    if (status === this.status) return
    const previous = this.status
    this.status = status
    this.emit({ type: 'state', previous, current: status })
  }

  /** Follows those of `named` that the rule of the list allows. An answer from before a goodbye may still name who said it. */
  follow(named: readonly Peer[], nowMs: number): void {
    const candidates = named.filter((peer) => !this.detector.hasDeparted(peer))
    const list = cut(this.self, candidates, this.config.successors)
    this.listWraps = candidates[list.length]?.id.equals(this.self.id) ?? false
    this.setSuccessors(list, nowMs)
    if (list.length === candidates.length && isShort(this.self, list, this.config.successors)) this.fillSoon(nowMs)
  }

  /** Our successor's list was too short to fill ours. It is filling its own: ask again soon, though not for ever. */
  fillSoon(nowMs: number): void {
    if (this.fillsLeft-- > 0) this.timers.stabilizeMs = Math.min(this.timers.stabilizeMs, nowMs + FILL_MS)
  }

  setSuccessors(list: readonly Peer[], nowMs: number): void {
    assertWellFormed(this.self, list)
    if (sameList(list, this.successors)) return
    const previous = this.successors[0]
    const before = this.successors
    this.successors = list
    this.fillsLeft = FILLS_MAX
    this.tableVersion++
    if (list.length > 0) this.sole = false
    for (const peer of list) {
      if (!before.some((known) => samePeer(known, peer))) this.remembered.add(peer, false)
    }
    this.changed(nowMs)
    const current = list[0]
    if (samePeer(previous, current)) return
    if (current !== undefined && !this.detector.isSuspect(current)) this.emit({ type: 'peerUp', peer: current })
    this.emit({ type: 'successor', previous, current })
  }

  setPredecessor(peer: Peer | undefined, hasRange: boolean, skips = false): void {
    this.predecessorHasRange = hasRange
    this.predecessorSkips = skips
    const previous = this.predecessor
    if (samePeer(previous, peer)) return
    assert(peer === undefined || !peer.id.equals(this.self.id), 'a node is never its own predecessor')
    this.predecessor = peer
    this.tableVersion++
    if (peer !== undefined) this.emit({ type: 'peerUp', peer })
    this.emit({ type: 'predecessor', previous, current: peer })
  }

  /** Every change of range goes through here: one epoch, one event. */
  setRange(
    range: Range | undefined,
    change: { gained?: Range; lost?: Range; from?: Peer; to?: Peer; cause: RangeCause },
  ): void {
    assert(range === undefined || range.upTo.equals(this.self.id), 'a range ends at its owner')
    this.range = range
    this.epoch++
    this.emit({
      type: 'range',
      range,
      epoch: this.epoch,
      gained: change.gained === undefined ? [] : [change.gained],
      lost: change.lost === undefined ? [] : [change.lost],
      from: change.from,
      to: change.to,
      cause: change.cause,
    })
    if (range !== undefined && this.status === 'joining') this.setStatus('member')
  }

  /** Neighbours changed: stabilise at the short period again, and soon. */
  changed(nowMs: number): void {
    this.changedMs = nowMs
    this.hurry(nowMs)
  }

  /** The same for doubts and their end: who our neighbours are is as it was. */
  hurry(nowMs: number): void {
    this.periods.stabilizeMs = this.config.stabilizeMinMs
    this.periods.fingersMs = this.config.fingersMinMs
    this.timers.fingersMs = Math.min(this.timers.fingersMs, nowMs + this.config.fingersMinMs)
    this.stabilizeSoon(nowMs)
  }

  stabilizeSoon(nowMs: number): void {
    const soon = nowMs + SOON_MS
    if (this.joined && soon < this.timers.stabilizeMs) this.timers.stabilizeMs = soon
  }

  /** Removes a dead or departed peer from every table. Its consequences follow from `afterEviction`. */
  removeEverywhere(peer: Peer, reason: DownReason, nowMs: number): void {
    let inTable = this.fingers.remove(peer)
    this.tableVersion++
    this.waiting.delete(keyOf(peer))
    if (samePeer(peer, this.candidate?.peer)) this.candidate = undefined
    if (samePeer(peer, this.boundary.peer)) this.boundary = { peer, dead: true }
    if (samePeer(peer, this.predecessor)) {
      inTable = true
      this.setPredecessor(undefined, false)
    }
    if (this.successors.some((entry) => samePeer(entry, peer))) {
      inTable = true
      this.setSuccessors(without(this.successors, peer), nowMs)
    }
    if (reason === 'left') this.remembered.forget(peer)
    else if (inTable) this.remembered.add(peer, false)
    if (inTable) this.emit({ type: 'peerDown', peer, reason })
  }
}

/** Changes come in bursts; this much later one stabilisation serves them all. */
const SOON_MS = 5
/** Early stabilisations while our list is short: how soon, and how many after it last changed. */
const FILL_MS = 50
const FILLS_MAX = 20
