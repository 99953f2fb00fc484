export interface RoundTripState {
  /** Below zero: nothing measured. */
  readonly averageMs: number
  readonly deviationMs: number
}

/** How long an answer takes, and how long to wait for one: average + 4 × deviation (RFC 6298). */
export class RoundTrip {
  #averageMs = -1
  #deviationMs = 0

  /** Nothing measured yet. */
  get isUnknown(): boolean {
    return this.#averageMs < 0
  }

  add(sampleMs: number): void {
    if (this.#averageMs < 0) {
      this.#averageMs = sampleMs
      this.#deviationMs = sampleMs / 2
    } else {
      this.#deviationMs += (Math.abs(sampleMs - this.#averageMs) - this.#deviationMs) / 4
      this.#averageMs += (sampleMs - this.#averageMs) / 8
    }
  }

  dump(): RoundTripState {
    return { averageMs: this.#averageMs, deviationMs: this.#deviationMs }
  }

  restore({ averageMs, deviationMs }: RoundTripState): this {
    this.#averageMs = averageMs
    this.#deviationMs = deviationMs
    return this
  }

  /** `firstMs` while nothing is known. */
  timeoutMs(firstMs: number): number {
    return this.#averageMs < 0 ? firstMs : this.#averageMs + 4 * this.#deviationMs
  }
}
