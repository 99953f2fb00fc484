/**
 * Look-ups of applications: frames that nodes pass on by `core/router.ts`, answered by the owner straight to the originator,
 * which tries again by another way, and in the end asks the way itself; as `src/runtime` does (exchange.ts, forward.ts,
 * iterative.ts, silence.ts). All that cores learn of them is who refused a frame, and who is silent.
 */
import {
  ATTEMPT_FIRST_MS,
  ATTEMPT_MAX_MS,
  ATTEMPT_MIN_MS,
  DEFAULT_LIMITS,
  DEFAULT_TIMEOUT_MS,
  ISOLATED_GRACE_MS,
  ITERATIVE_STEPS_MAX,
  LOST_ATTEMPTS,
  RECURSIVE_ATTEMPTS,
  RESEND_MAX_MS,
  RESEND_MIN_MS,
  SILENCE_MS,
} from '../core/config.ts'
import { keyOf } from '../core/failure-detector.ts'
import type { Id } from '../core/id.ts'
import { answerClosest } from '../core/lookup.ts'
import { type Peer, type Range, samePeer } from '../core/messages.ts'
import { RoundTrip } from '../core/round-trip.ts'
import { decide } from '../core/router.ts'
import type { Engine } from './engine.ts'
import type { EndedLookup, LookupFailure } from './observer.ts'
import type { Process } from './process.ts'

export interface LookupOptions {
  /** Default: recursive. */
  readonly route?: 'recursive' | 'iterative'
  /** Default: true. False: one attempt, and what became of it. */
  readonly retry?: boolean
  readonly timeoutMs?: number
  readonly done?: (ended: EndedLookup) => void
}

interface Call {
  readonly key: Id
  readonly from: Process
  readonly life: number
  readonly route: 'recursive' | 'iterative'
  readonly retry: boolean
  readonly startMs: number
  readonly deadlineMs: number
  readonly done: ((ended: EndedLookup) => void) | undefined
  open: boolean
  attempt: number
  /** Attempts given up because no answer came in time. */
  waits: number
  /** Raised whenever it turns to something else: what belonged to the earlier is void. */
  turn: number
  sentMs: number
  isPausing: boolean
  /** Questions of the present walk that were answered. */
  steps: number
  deadHops: number
  passedOn: number
  failure: LookupFailure
}

interface Frame {
  readonly call: Call
  final: boolean
  finalSteps: number
  /** From process to process so far, and how many of them before one believed that it sent it to the owner. */
  hops: number
  hopsToFinal: number | undefined
}

interface Walk {
  /** Of the call: over as soon as that turns to something else. */
  readonly turn: number
  readonly asked: Set<string>
  candidates: Peer[]
  /** Of those that answered. */
  nearest: Peer | undefined
  /** Questions that were not answered. */
  open: number
  /** For any answer: everybody has been asked. */
  isWaiting: boolean
}

const HOPS_MAX = DEFAULT_LIMITS.hops
/** When the originator asks the way itself, another is asked as well after this long; an answer that comes later still counts. */
const QUESTION_MS = 200
const CANDIDATES_MAX = 16

export class Traffic {
  readonly #engine: Engine
  /** Of look-ups that were answered at the first attempt, by originator. */
  readonly #usual = new Map<Process, RoundTrip>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  lookup(from: Process, key: Id, o: LookupOptions): void {
    const startMs = this.#engine.nowMs
    const timeoutMs = o.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const call: Call = {
      key,
      from,
      life: from.life,
      route: o.route ?? 'recursive',
      retry: o.retry ?? true,
      startMs,
      deadlineMs: startMs + timeoutMs,
      done: o.done,
      open: true,
      attempt: 0,
      waits: 0,
      turn: 0,
      sentMs: startMs,
      isPausing: false,
      steps: 0,
      deadHops: 0,
      passedOn: 0,
      failure: 'timeout',
    }
    this.#engine.after(timeoutMs, () => this.#fail(call, call.failure))
    this.#dispatch(call)
  }

  // The originator.

  #dispatch(call: Call): void {
    if (!this.#lives(call)) return
    call.turn++
    call.steps = 0
    const decision = decide(coresOf(call.from), call.key, false, 0, call.attempt % RECURSIVE_ATTEMPTS)
    switch (decision.kind) {
      case 'deliver':
        return this.#arrive({ call, final: false, finalSteps: 0, hops: 0, hopsToFinal: undefined }, call.from)
      case 'isolated':
        if (this.#engine.nowMs - call.from.isolatedMs < ISOLATED_GRACE_MS) return this.#pause(call, 'isolated')
        return this.#fail(call, 'isolated')
      case 'unsettled':
        return this.#pause(call, 'unsettled')
      case 'forward':
        break
      default:
        decision satisfies never
        return
    }
    const tired = call.attempt >= RECURSIVE_ATTEMPTS || call.waits >= LOST_ATTEMPTS
    if ((call.route === 'iterative' || tired) && !decision.final) return this.#walk(call)
    this.#wait(call)
    this.#pass({ call, final: false, finalSteps: 0, hops: 0, hopsToFinal: undefined }, call.from, decision)
  }

  /** For an answer: longer after each time in vain. Then another way is tried. */
  #wait(call: Call): void {
    call.sentMs = this.#engine.nowMs
    if (!call.retry) return
    const usualMs = this.#usual.get(call.from)?.timeoutMs(ATTEMPT_FIRST_MS) ?? ATTEMPT_FIRST_MS
    const onceMs = Math.min(ATTEMPT_FIRST_MS, Math.max(ATTEMPT_MIN_MS, usualMs))
    const { turn } = call
    this.#engine.after(Math.min(ATTEMPT_MAX_MS, onceMs * (1 << Math.min(call.waits, 10))), () => {
      if (!call.open || call.turn !== turn) return
      call.waits++
      call.attempt++
      this.#dispatch(call)
    })
  }

  /** Certainly not delivered: again, a little later. */
  #pause(call: Call, failure: LookupFailure): void {
    if (!call.open || call.isPausing) return
    call.failure = failure
    if (!call.retry) return this.#fail(call, failure)
    call.isPausing = true
    const turn = ++call.turn
    const pauseMs = Math.min(RESEND_MAX_MS, RESEND_MIN_MS * (1 << Math.min(call.attempt, 10)))
    call.attempt++
    this.#engine.after(pauseMs, () => {
      call.isPausing = false
      if (call.open && call.turn === turn) this.#dispatch(call)
    })
  }

  #lives(call: Call): boolean {
    if (!call.open) return false
    if (call.from.life === call.life) return true
    this.#fail(call, 'originator-died')
    return false
  }

  #found(call: Call, answer: { owner: Peer; range: Range; epoch: bigint }, frame: Frame): void {
    if (!this.#lives(call)) return
    if (call.attempt === 0) this.#noteTime(call)
    this.#end(call, {
      answer,
      failure: undefined,
      hops: frame.hops + call.steps,
      hopsToFinal: hopsToFinal(call, frame),
    })
  }

  #noteTime(call: Call): void {
    let usual = this.#usual.get(call.from)
    if (usual === undefined) {
      usual = new RoundTrip()
      this.#usual.set(call.from, usual)
    }
    usual.add(this.#engine.nowMs - call.sentMs)
  }

  #fail(call: Call, why: LookupFailure): void {
    const failure = call.from.life === call.life ? why : 'originator-died'
    if (call.open) this.#end(call, { answer: undefined, failure, hops: 0, hopsToFinal: 0 })
  }

  #end(call: Call, end: Pick<EndedLookup, 'answer' | 'failure' | 'hops' | 'hopsToFinal'>): void {
    call.open = false
    const { key, from, route, startMs, attempt, deadHops, passedOn } = call
    const ended: EndedLookup = {
      key,
      originator: from.address,
      route,
      startMs,
      endMs: this.#engine.nowMs,
      attempts: attempt + 1,
      timeouts: deadHops,
      passedOn,
      ...end,
    }
    this.#engine.watchers.lookup(ended)
    call.done?.(ended)
  }

  // On the way.

  #arrive(frame: Frame, at: Process): void {
    const { call } = frame
    if (!call.open) return
    const decision = decide(coresOf(at), call.key, frame.final, frame.finalSteps, 0)
    if (decision.kind === 'deliver') {
      const { self, range, epoch } = decision.member
      if (range === undefined) return
      return this.#answer(at, call, () => this.#found(call, { owner: self, range, epoch }, frame))
    }
    if (decision.kind !== 'forward') return this.#giveBack(at, call, decision.kind)
    if (frame.hops + 1 >= HOPS_MAX) return this.#giveBack(at, call, 'hop-limit')
    this.#pass({ ...frame }, at, decision)
  }

  #pass(frame: Frame, at: Process, next: { to: Peer; final: boolean; finalSteps: number }): void {
    const { call } = frame
    if (frame.hopsToFinal !== undefined) call.passedOn = Math.max(call.passedOn, frame.hops - frame.hopsToFinal)
    if (next.final) frame.hopsToFinal ??= frame.hops
    frame.hops++
    frame.final = next.final
    frame.finalSteps = next.finalSteps
    const to = this.#engine.process(next.to.address)
    const { life } = at
    this.#doubt(at, to)
    this.#engine.parcel(
      at,
      to,
      () => this.#arrive(frame, to),
      (silent) => {
        call.deadHops++
        // Refused: certainly not delivered, and who passed it on says so.
        if (!silent && at.life === life) this.#giveBack(at, call, 'unsettled')
      },
    )
  }

  /** Who is handed a frame and has said nothing for a while is asked whether it lives (runtime/silence.ts). */
  #doubt(at: Process, to: Process): void {
    const { network, nowMs } = this.#engine
    const heardMs = network.link(to, at).usedMs
    if (nowMs - heardMs >= SILENCE_MS) this.#engine.input(at, { kind: 'silent', address: to.address })
  }

  #giveBack(at: Process, call: Call, failure: LookupFailure): void {
    this.#answer(at, call, () => {
      if (this.#lives(call)) this.#pause(call, failure)
    })
  }

  #answer(at: Process, call: Call, run: () => void): void {
    if (at === call.from) run()
    else this.#engine.parcel(at, call.from, run)
  }

  // Asking the way oneself.

  #walk(call: Call): void {
    const candidates: Peer[] = []
    for (let attempt = 0; attempt < RECURSIVE_ATTEMPTS; attempt++) {
      const decision = decide(coresOf(call.from), call.key, false, 0, attempt)
      if (decision.kind === 'forward' && !candidates.includes(decision.to)) candidates.push(decision.to)
    }
    call.sentMs = this.#engine.nowMs
    this.#step(call, { turn: call.turn, asked: new Set(), candidates, nearest: undefined, open: 0, isWaiting: false })
  }

  #step(call: Call, walk: Walk): void {
    if (!this.#lives(call)) return
    const next = walk.candidates.find((peer) => !walk.asked.has(keyOf(peer)) && isNearer(peer, walk.nearest, call.key))
    const leftMs = call.sentMs + ATTEMPT_MAX_MS - this.#engine.nowMs
    if (next === undefined && walk.nearest === undefined && walk.open > 0 && leftMs > 0) {
      walk.isWaiting = true
      return this.#engine.after(leftMs, () => {
        if (isOn(call, walk) && walk.isWaiting) this.#step(call, walk)
      })
    }
    if (next === undefined || walk.asked.size >= ITERATIVE_STEPS_MAX) {
      if (walk.nearest === undefined) return this.#pause(call, 'unsettled')
      return this.#straightTo(call, walk.nearest, false)
    }
    walk.isWaiting = false
    walk.open++
    walk.asked.add(keyOf(next))
    const question = walk.asked.size
    const isLast = () => isOn(call, walk) && (walk.isWaiting || walk.asked.size === question)
    this.#engine.after(QUESTION_MS, () => {
      if (isLast() && !walk.isWaiting) this.#step(call, walk)
    })
    const to = this.#engine.process(next.address)
    const ask = () => {
      const answer = answerOf(to, next, call)
      if (answer?.vouched !== undefined) this.#doubt(to, this.#engine.process(answer.vouched.address))
      this.#answer(to, call, () => {
        if (isOn(call, walk)) this.#learn(call, walk, next, answer, isLast())
      })
    }
    this.#engine.parcel(call.from, to, ask, () => {
      call.deadHops++
    })
  }

  /** Of one who was late, the answer is kept for the next step. */
  #learn(call: Call, walk: Walk, from: Peer, answer: ReturnType<typeof answerOf>, isLast: boolean): void {
    walk.open--
    if (answer === undefined) return isLast ? this.#step(call, walk) : undefined
    call.steps++
    if (answer.done) return this.#straightTo(call, answer.successors[0] ?? from, true)
    if (isNearer(from, walk.nearest, call.key)) walk.nearest = from
    for (const peer of answer.next) if (!walk.asked.has(keyOf(peer))) walk.candidates.push(peer)
    walk.candidates.sort((a, b) => a.id.distanceTo(call.key).compare(b.id.distanceTo(call.key)))
    walk.candidates.length = Math.min(walk.candidates.length, CANDIDATES_MAX)
    if (isLast) this.#step(call, walk)
  }

  /** The last answer named the owner; or all who seem to be nearer are silent, and this one may know who follows them. */
  #straightTo(call: Call, to: Peer, final: boolean): void {
    if (!this.#lives(call)) return
    const frame: Frame = { call, final, finalSteps: 0, hops: 0, hopsToFinal: final ? 0 : undefined }
    if (to.address === call.from.address) return this.#arrive(frame, call.from)
    call.turn++
    this.#wait(call)
    this.#pass(frame, call.from, { to, final, finalSteps: 0 })
  }
}

function answerOf(at: Process, asked: Peer, call: Call) {
  const member = at.find(asked)
  const self = call.from.members[0]?.node.self
  if (member === undefined || self === undefined || !member.node.core.joined) return undefined
  const { core } = member.node
  const answer = answerClosest(core, self, { type: 'closest', key: call.key, joiner: false })
  const first = core.firstLive
  return { ...answer, vouched: answer.done || samePeer(answer.next[0], first) ? first : undefined }
}

/** It may have ended, or have turned to something else. */
function isOn(call: Call, walk: Walk): boolean {
  return call.open && call.turn === walk.turn
}

function isNearer(peer: Peer, than: Peer | undefined, key: Id): boolean {
  return than === undefined || peer.id.distanceTo(key).compare(than.id.distanceTo(key)) < 0
}

function hopsToFinal(call: Call, frame: Frame): number {
  return call.steps + (frame.hopsToFinal ?? frame.hops)
}

function coresOf(process: Process) {
  return process.members.map(({ node }) => node)
}
