/** How many calls of one bulk may be under way: few at first, one more with each that has ended, and room is left for others. */
const FIRST = 64
const MOST = 1_024

export class Window {
  under = 0
  readonly #most: number
  #size: number

  constructor(pendingCallsMax: number) {
    this.#most = Math.max(1, Math.min(MOST, pendingCallsMax >>> 1))
    this.#size = Math.min(FIRST, this.#most)
  }

  get room(): number {
    return this.#size - this.under
  }

  begun(): void {
    this.under++
  }

  ended(): void {
    this.under--
    if (this.#size < this.#most) this.#size++
  }
}
