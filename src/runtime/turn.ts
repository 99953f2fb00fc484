/**
 * The time of one wake-up, looked up when somebody first asks and no more than once: a look at the clock costs as much as
 * a message does otherwise. Everybody shares this object, since a time handed on from call to call is a number on the heap.
 */
import type { Clock } from '../api.ts'

export class Turn {
  readonly #clock: Clock
  #isOn = false
  #isKnown = false
  #ms = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From here to `end` it is one instant. */
  begin(): void {
    this.#isOn = true
  }

  end(): void {
    this.#isOn = this.#isKnown = false
  }

  get nowMs(): number {
    if (!this.#isOn) return this.#clock.nowMs()
    if (!this.#isKnown) {
      this.#ms = this.#clock.nowMs()
      this.#isKnown = true
    }
    return this.#ms
  }
}
