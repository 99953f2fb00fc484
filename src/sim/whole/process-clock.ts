/** The clock of one life of a simulated process: it may be off, run fast or slow, and stands still or ends with the process. */
import type { Clock } from '../../api.ts'
import type { VirtualClock } from '../../transports/virtual-clock.ts'

/**
 * Where local time is not simulated time, rounding may wake a sleeper a little too early, and what is left to sleep may be
 * too little to move time at all. So it sleeps this much longer: several times the precision of a time of this size.
 */
const ROUNDING_MS = 2 ** -10

const NOTHING: Disposable = { [Symbol.dispose]() {} }

export interface ClockFault {
  /** How far its wall clock is off when the process starts. Default 0. */
  offsetMs?: number
  /** Milliseconds that it counts in a millisecond. Default 1. */
  rate?: number
}

export class ProcessClock implements Clock {
  readonly #world: VirtualClock
  /** Called when something of the process runs. */
  readonly #wake: () => void
  readonly #offsetMs: number
  #rate: number
  #sinceMs: number
  #sinceLocalMs: number
  /** What was due while the process was stopped; undefined while it runs. */
  #due: (() => void)[] | undefined
  #isOver = false

  constructor(world: VirtualClock, { offsetMs = 0, rate = 1 }: ClockFault, wake: () => void) {
    this.#world = world
    this.#wake = wake
    this.#offsetMs = offsetMs
    this.#rate = rate
    this.#sinceMs = world.nowMs()
    this.#sinceLocalMs = this.#sinceMs + offsetMs
  }

  nowMs(): number {
    return this.#sinceLocalMs + (this.#world.nowMs() - this.#sinceMs) * this.#rate
  }

  setTimer(afterMs: number, fn: () => void): Disposable {
    if (this.#isOver) return NOTHING
    const isExact = this.#offsetMs === 0 && this.#rate === 1
    let waiting: (() => void) | undefined = fn
    const fire = (): void => {
      if (waiting === undefined || this.#isOver) return
      if (this.#due !== undefined) return void this.#due.push(fire)
      waiting = undefined
      this.#wake()
      fn()
    }
    const timer = this.#world.setTimer(isExact || afterMs <= 0 ? afterMs : afterMs / this.#rate + ROUNDING_MS, fire)
    return {
      [Symbol.dispose]() {
        waiting = undefined
        timer[Symbol.dispose]()
      },
    }
  }

  /** From now on it counts faster or slower. Timers that are set already end when they would have. */
  setRate(rate: number): void {
    this.#sinceLocalMs = this.nowMs()
    this.#sinceMs = this.#world.nowMs()
    this.#rate = rate
  }

  /** The process is stopped: time goes on, and nothing happens. */
  pause(): void {
    this.#due ??= []
  }

  /** All that was due happens now, in its order. */
  resume(): void {
    const due = this.#due ?? []
    this.#due = undefined
    if (this.#isOver) return
    for (const fire of due) this.#world.setTimer(0, fire)
  }

  /** The process is dead. */
  end(): void {
    this.#isOver = true
  }
}
