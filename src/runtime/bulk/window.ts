/** How many calls of one bulk may be under way: few at first, one more with each that has ended, and room is left for others. */
const FIRST = 64
/** Of messages: what is under way is spread over all nodes, and a write carries what is for one of them. */
export const MESSAGES_MOST = 4_096
export const QUESTIONS_MOST = 1_024

export class Window {
  under = 0
  readonly #most: number
  #size: number

  constructor(most: number, pendingCallsMax: number) {
    this.#most = Math.max(1, Math.min(most, pendingCallsMax >>> 1))
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
