/**
 * The 95th percentile of times that come one after the other, of the late ones more than of the early. It goes by comparisons
 * alone: up by a step with each time above it, down by a small one with each below it, so that both balance where one in twenty is
 * above. So a time that nobody waited for the end of counts in full, if only it is known to be above. Left out, such times would let
 * the value sink, and more of them be left out, until hardly any was waited for.
 */

/** The highest of as many is about the 95th percentile; before that nothing is said. */
const FIRST = 20
/** In one step up, as a share: about twenty of them, or four hundred down, until a value ten times off has come right. */
const UP = 0.1
const DOWN = UP / 19
/** From zero there is no way up. */
const LEAST_MS = 0.01

export class Percentile {
  #ms = 0
  #count = 0

  /** Undefined while too little is known. */
  get ms(): number | undefined {
    return this.#count < FIRST ? undefined : this.#ms
  }

  add(ms: number): void {
    if (this.#count < FIRST) {
      this.#count++
      this.#ms = Math.max(this.#ms, ms, LEAST_MS)
    } else if (ms > this.#ms) this.addAbove()
    else this.#ms = Math.max(LEAST_MS, this.#ms * (1 - DOWN))
  }

  /** One that is above, nobody knows how far. */
  addAbove(): void {
    this.#ms *= 1 + UP
  }
}
