/** The time of a world: it passes only when told to, and after each event it is checked whether all is as it must be. */

import { drive } from '../../transports/drive.ts'
import type { SimulatedNetwork } from '../../transports/simulated.ts'
import type { History } from './history.ts'

interface Hope {
  readonly isTrue: () => unknown
  readonly done: () => void
  lastError: unknown
}

/** Default of how long, in virtual time, anything may take before it counts as stuck. */
const PATIENCE_MS = 60_000
/** The same for a whole test. */
const TEST_MS = 3_600_000
/** Events of one instant, after which it counts as one that never ends: virtual time would bring no end to it. */
const INSTANT_EVENTS = 500_000

export abstract class Timeline {
  abstract readonly network: SimulatedNetwork
  /** Events so far. */
  events = 0
  protected abstract readonly history: History
  readonly #rules: { readonly name: string; readonly check: () => unknown }[] = []
  readonly #hopes = new Set<Hope>()
  #isPlaying = false
  #failure: { readonly error: unknown } | undefined
  #instantMs = 0
  #instantEvents = 0

  /** Since the world began. */
  get nowMs(): number {
    return this.history.atMs
  }

  /** The clock of nobody: right, and never stopped. */
  get clock() {
    return this.network.clock
  }

  /** Runs a test; time passes whenever it waits for something. Its result; what fails in the world fails it. */
  async play<T>(test: () => Promise<T>, capMs = TEST_MS): Promise<T> {
    this.#isPlaying = true
    try {
      return await this.#drive(test(), capMs)
    } finally {
      this.#isPlaying = false
    }
  }

  /** Passes `ms` of virtual time. */
  run(ms: number): Promise<void> {
    if (this.#isPlaying) return new Promise((resolve) => void this.clock.setTimer(ms, resolve))
    return this.#passUntil(this.clock.nowMs() + ms, () => false)
  }

  /** Until a promise settles; its value. In `play` that is the same as waiting for it. */
  settle<T>(promise: Promise<T>, capMs = PATIENCE_MS): Promise<T> {
    return this.#isPlaying ? promise : this.#drive(promise, capMs)
  }

  /** What must hold after every event: `check` throws, or says false, if it does not. */
  always(name: string, check: () => unknown): void {
    this.#rules.push({ name, check })
  }

  /** Resolves when `isTrue` says so; what it throws means not yet. Rejects after `capMs`, with what it threw last. */
  eventually(isTrue: () => unknown, capMs = PATIENCE_MS): Promise<void> {
    const hope = new Promise<void>((resolve, reject) => {
      const timer = this.clock.setTimer(capMs, () => {
        this.#hopes.delete(entry)
        reject(entry.lastError ?? new Error(`not so after ${capMs} ms of virtual time`))
      })
      const done = (): void => {
        timer[Symbol.dispose]()
        this.#hopes.delete(entry)
        resolve()
      }
      const entry: Hope = { isTrue, done, lastError: undefined }
      this.#hopes.add(entry)
      this.#look(entry)
    })
    return this.settle(hope, capMs + 1)
  }

  /** Something is as it must never be: whoever waits in this world hears of it. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** After each event, before the next. */
  protected abstract afterEvent(): void

  async #drive<T>(promise: Promise<T>, capMs: number): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    await this.#passUntil(this.clock.nowMs() + capMs, () => settled)
    if (!settled) {
      const why =
        this.clock.nextMs() === undefined ? 'nothing is left to happen' : `${capMs} ms of virtual time are over`
      throw new Error(`it never ended: ${why}`)
    }
    return promise
  }

  #passUntil(untilMs: number, isDone: () => boolean): Promise<void> {
    let isFirst = true
    return drive(this.clock, untilMs, () => {
      if (isFirst) isFirst = false
      else this.#checkAll()
      if (this.#failure !== undefined) throw this.#take(this.#failure.error)
      return isDone()
    })
  }

  #checkAll(): void {
    this.events++
    this.#checkInstant()
    this.afterEvent()
    for (const { name, check } of this.#rules) this.#checkRule(name, check)
    for (const hope of this.#hopes) this.#look(hope)
  }

  #checkInstant(): void {
    const { nowMs } = this
    this.#instantEvents = nowMs === this.#instantMs ? this.#instantEvents + 1 : 1
    this.#instantMs = nowMs
    if (this.#instantEvents === INSTANT_EVENTS) this.fail(new Error('one instant does not end: events go on and on'))
  }

  #checkRule(name: string, check: () => unknown): void {
    try {
      if (check() !== false) return
      this.fail(new Error(`always: ${name}`))
    } catch (cause) {
      this.fail(new Error(`always: ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }))
    }
  }

  #look(hope: Hope): void {
    try {
      if (hope.isTrue()) hope.done()
    } catch (error) {
      hope.lastError = error
    }
  }

  #take(error: unknown): unknown {
    this.#failure = undefined
    if (error instanceof Error)
      error.message = `${error.message} (at ${this.nowMs.toFixed(3)} ms, event ${this.events})`
    return error
  }
}
