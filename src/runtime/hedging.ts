/**
 * A first attempt that is not answered when nineteen of twenty are goes out once more, by another way; the first answer wins. What
 * that may cost is bounded by a bucket of tokens, of which each call adds a few hundredths: where everything is slow, hardly any call
 * goes out twice, so nothing becomes slower by it.
 *
 * Such times are shorter than a turn of the wheel of deadlines, and nearly all calls are answered first. So these have a list by the
 * millisecond, that nobody takes them from: who has been answered is passed over.
 */
import type { Clock } from '../api.ts'
import { HEDGE_BURST, HEDGE_MAX_MS, HEDGE_METHODS_MAX, HEDGE_WAITING_MAX } from '../core/config.ts'
import type { Call } from './calls.ts'
import { Percentile } from './percentile.ts'

export interface HedgingOptions {
  clock: Clock
  /** Calls later, after what lies in the sockets has been read: after a long turn that may be the answers. */
  defer(run: () => void): void
  /** Of the calls that may go out twice, so many in a hundred do at most. 0: none. */
  percent: number
  /** Sends it by another way. False: there is none. */
  again(call: Call, nowMs: number): boolean
}

interface Waiting {
  readonly call: Call
  readonly high: number
}

export class Hedging {
  readonly stats = { hedged: 0, hedgesWon: 0 }
  readonly #o: HedgingOptions
  readonly #lookups = new Percentile()
  readonly #requests = new Map<number, Percentile>()
  /** Of the message types for which there was no room. */
  readonly #others = new Percentile()
  #tokens = HEDGE_BURST
  /** By the millisecond that ends before they are due, in a circle. */
  readonly #buckets: Waiting[][] = Array.from({ length: HEDGE_MAX_MS + 2 }, () => [])
  #waiting = 0
  /** The millisecond up to which buckets are empty. */
  #done = 0
  #armed = Number.POSITIVE_INFINITY
  #timer: Disposable | undefined
  #due: Waiting[] = []

  constructor(o: HedgingOptions) {
    this.#o = o
  }

  /** The first attempt of a call by key has left, over a connection. */
  sent(call: Call, nowMs: number): void {
    if (call.wants === 'nothing' || call.owner !== undefined || call.iterative) return
    call.pace = 'timed'
    if (this.#o.percent === 0 || !(call.wants === 'found' || call.idempotent)) return
    this.#tokens = Math.min(HEDGE_BURST, this.#tokens + this.#o.percent / 100)
    const afterMs = this.#timesOf(call).ms
    if (afterMs === undefined || afterMs > HEDGE_MAX_MS || this.#waiting >= HEDGE_WAITING_MAX) return
    this.#wait(call, nowMs, nowMs + afterMs)
  }

  /** `isRepeated`: the answer says that it is to another attempt than the first. */
  answered(call: Call, isRepeated: boolean): void {
    if (call.pace === 'hedged' && isRepeated) this.stats.hedgesWon++
    // Of one that has been repeated nobody knows how long the first attempt took, but that was noted when it was repeated (Karn).
    if (call.pace !== 'timed' || call.attempt > 0) return
    this.#timesOf(call).add(this.#o.clock.nowMs() - call.sentMs)
  }

  /** What nineteen of twenty of its kind take; undefined while too little is known. */
  usualMs(call: Call): number | undefined {
    return this.#timesOf(call).ms
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#armed = Number.POSITIVE_INFINITY
    for (const bucket of this.#buckets) bucket.length = 0
    this.#due = []
    this.#waiting = 0
  }

  #timesOf(call: Call): Percentile {
    if (call.wants === 'found') return this.#lookups
    const known = this.#requests.get(call.methodLow)
    if (known !== undefined) return known
    if (this.#requests.size >= HEDGE_METHODS_MAX) return this.#others
    const times = new Percentile()
    this.#requests.set(call.methodLow, times)
    return times
  }

  #wait(call: Call, nowMs: number, dueMs: number): void {
    if (this.#waiting === 0) this.#done = Math.floor(nowMs)
    const tick = Math.min(Math.floor(dueMs) + 1, this.#done + this.#buckets.length - 1)
    this.#buckets[tick % this.#buckets.length]!.push({ call, high: call.high })
    this.#waiting++
    if (tick < this.#armed) this.#arm(tick, nowMs)
  }

  #arm(tick: number, nowMs: number): void {
    this.#timer?.[Symbol.dispose]()
    this.#armed = tick
    this.#timer = this.#o.clock.setTimer(Math.max(0, tick - nowMs), this.#turn)
  }

  readonly #turn = (): void => {
    this.#timer = undefined
    this.#armed = Number.POSITIVE_INFINITY
    const nowMs = this.#o.clock.nowMs()
    const wasDue = this.#due.length
    const size = this.#buckets.length
    for (const end = Math.min(Math.floor(nowMs), this.#done + size); this.#done < end; ) {
      this.#empty(this.#buckets[++this.#done % size]!)
    }
    if (wasDue === 0 && this.#due.length > 0) this.#o.defer(this.#repeat)
    if (this.#waiting === 0) return
    for (let tick = this.#done + 1; ; tick++) {
      if (this.#buckets[tick % size]!.length > 0) return this.#arm(tick, nowMs)
    }
  }

  #empty(bucket: Waiting[]): void {
    for (const waiting of bucket) if (isUnanswered(waiting)) this.#due.push(waiting)
    this.#waiting -= bucket.length
    bucket.length = 0
  }

  readonly #repeat = (): void => {
    const due = this.#due
    this.#due = []
    const nowMs = this.#o.clock.nowMs()
    for (const waiting of due) {
      if (!isUnanswered(waiting)) continue
      const { call } = waiting
      this.#timesOf(call).addAbove()
      call.pace = 'untimed'
      if (this.#tokens < 1 || !this.#o.again(call, nowMs)) continue
      call.pace = 'hedged'
      this.#tokens--
      this.stats.hedged++
    }
  }
}

/** Its slot may be another call's by now. */
function isUnanswered({ call, high }: Waiting): boolean {
  return call.high === high && call.state === 'sent' && call.pace === 'timed' && call.attempt === 0
}
