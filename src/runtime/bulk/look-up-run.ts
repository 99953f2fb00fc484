/** One `lookupMany` under way: asks about the keys that the answers so far leave open, until none is left or time is up. */
import type { Owner, Result, Wait } from '../../api.ts'
import { ATTEMPT_FIRST_MS } from '../../core/config.ts'
import type { ChordError } from '../../core/errors.ts'
import type { Call, Done } from '../calls.ts'
import { errorAtDeadline } from '../failures.ts'
import { aborted } from '../values.ts'
import { Cover, type Gap } from './cover.ts'
import { type BulkPort, openCall } from './port.ts'
import { QUESTIONS_MOST, Window } from './window.ts'

/** Questions without an answer for this long are left waiting, and others go on beside them: up to STUCK_MAX. */
const STUCK_MS = ATTEMPT_FIRST_MS
const STUCK_MAX = 1_024

interface Question {
  readonly gap: Gap
  readonly call: Call
  readonly high: number
  readonly askedMs: number
  isStuck: boolean
}

export class LookUpRun {
  /** Settles when every key has an owner or an error. */
  readonly done: Promise<Cover>
  readonly #port: BulkPort
  readonly #cover: Cover
  readonly #signal: AbortSignal | undefined
  readonly #endMs: number
  readonly #window: Window
  readonly #asked = new Set<Question>()
  #stuck = 0
  #resolve!: (cover: Cover) => void
  #timer: Disposable | undefined
  #isCalled = false
  #isOver = false

  constructor(port: BulkPort, ids: Uint8Array, timeoutMs: number, o: Wait | undefined) {
    this.#port = port
    this.#cover = new Cover(ids)
    this.#signal = o?.signal
    this.#endMs = this.#nowMs() + timeoutMs
    this.#window = new Window(QUESTIONS_MOST, port.exchange.table.limit)
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#begin()
  }

  #begin(): void {
    const cover = this.#cover
    const why = this.#whyOver()
    if (why !== undefined) return this.#giveUp(why)
    const { known } = this.#port
    cover.hint(known.remembered())
    for (const owner of known.own()) {
      cover.owners.push(owner)
      cover.cover(cover.owners.length - 1, owner.range)
    }
    this.#port.exchange.closing.add(this.#soon)
    this.#arm()
    this.#go()
  }

  #nowMs(): number {
    return this.#port.exchange.clock.nowMs()
  }

  readonly #go = (): void => {
    this.#isCalled = false
    if (this.#isOver) return
    if (this.#cover.open === 0) return this.#end()
    const why = this.#whyOver()
    if (why !== undefined) return this.#giveUp(why)
    while (this.#window.room > 0) {
      const gap = this.#cover.next()
      if (gap === undefined) return
      if (this.#ask(gap)) continue
      this.#cover.returned(gap)
      this.#port.exchange.table.whenRoom(this.#go)
      return
    }
  }

  /** What ends the questions under way, and those that have not been asked: one error for them all. */
  #whyOver(): ChordError | undefined {
    const refusal = this.#port.refusal()
    if (refusal !== undefined) return refusal
    if (this.#signal?.aborted === true) return aborted(this.#signal)
    return this.#nowMs() < this.#endMs ? undefined : errorAtDeadline(0, false, 'this and other look-ups')
  }

  /** False: too many calls wait for an answer. */
  #ask(gap: Gap): boolean {
    const { exchange } = this.#port
    const nowMs = this.#nowMs()
    const done = (result: Result<Owner>) => this.#told(question, result)
    const call = openCall(this.#port, 'found', this.#endMs - nowMs, this.#signal, done as Done)
    if (call === undefined) return false
    const question: Question = { gap, call, high: call.high, askedMs: nowMs, isStuck: false }
    this.#asked.add(question)
    this.#window.begun()
    call.key = this.#cover.keyOf(gap)
    exchange.begin(call, nowMs)
    return true
  }

  #told(question: Question, result: Result<Owner>): void {
    this.#asked.delete(question)
    if (question.isStuck) this.#stuck--
    else this.#window.ended()
    if (this.#isOver) return
    if (result.ok) this.#cover.answered(question.gap, result.value)
    else this.#cover.failed(question.gap, result.error)
    // Nobody is left to ask about the others, either.
    if (!result.ok && result.error.code === 'ERR_ISOLATED') return this.#giveUp(result.error)
    this.#soon()
  }

  /** All answers of a wake-up are looked at together. */
  readonly #soon = (): void => {
    if (this.#isCalled) return
    this.#isCalled = true
    queueMicrotask(this.#go)
  }

  #arm(): void {
    const { clock } = this.#port.exchange
    this.#timer = clock.setTimer(Math.min(STUCK_MS, this.#endMs - clock.nowMs()), () => {
      this.#splitStuck()
      this.#go()
      if (!this.#isOver) this.#arm()
    })
  }

  #splitStuck(): void {
    const nowMs = this.#nowMs()
    for (const question of this.#asked) {
      if (question.isStuck || this.#stuck >= STUCK_MAX || nowMs - question.askedMs < STUCK_MS) continue
      question.isStuck = true
      this.#stuck++
      this.#window.under--
      this.#cover.split(question.gap)
    }
  }

  #giveUp(why: ChordError): void {
    if (why.code === 'ERR_TIMEOUT') {
      for (const { gap, call } of this.#asked) {
        this.#cover.failed(gap, errorAtDeadline(call.failure, false, `the look-up of ${call.key}`))
      }
    }
    this.#cover.failAll(why)
    this.#end()
  }

  #end(): void {
    this.#isOver = true
    this.#timer?.[Symbol.dispose]()
    this.#port.exchange.closing.delete(this.#soon)
    for (const { call, high } of this.#asked) if (call.high === high) this.#port.exchange.withdraw(call)
    this.#asked.clear()
    this.#resolve(this.#cover)
  }
}
