/** The clock and the randomness of real processes. Tests and the simulator bring their own. */
import { getRandomValues } from 'node:crypto'
import type { Clock, Random } from '../api.ts'

/** What `setTimeout` takes; it fires at once for more. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** Milliseconds since 1970 that never go back while the process lives; timers that can let the process end. */
export class SystemClock implements Clock {
  readonly #originMs = performance.timeOrigin
  #timers = new Set<NodeJS.Timeout>()
  #holds = true

  nowMs(): number {
    return this.#originMs + performance.now()
  }

  setTimer(afterMs: number, fn: () => void): Disposable {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        fn()
      },
      Math.min(TIMER_MAX_MS, Math.max(0, Math.ceil(afterMs))),
    )
    this.#timers.add(timer)
    if (!this.#holds) timer.unref()
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer)
        this.#timers.delete(timer)
      },
    }
  }

  /** Whether waiting timers keep the process alive. */
  hold(holds: boolean): void {
    this.#holds = holds
    for (const timer of this.#timers) {
      if (holds) timer.ref()
      else timer.unref()
    }
  }
}

const WORDS = 2_048

/** Random bits of the system, drawn many at a time: one at a time costs a microsecond each. */
export class SystemRandom implements Random {
  #words = new Uint32Array(WORDS)
  #next = WORDS

  nextUint32(): number {
    if (this.#next === this.#words.length) {
      getRandomValues(this.#words)
      this.#next = 0
    }
    return this.#words[this.#next++]!
  }

  nextFloat(): number {
    return this.nextUint32() / 2 ** 32
  }
}
