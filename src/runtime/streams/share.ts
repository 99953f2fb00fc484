/** What all streams of a process together may have: how many there are, and how much they hold back unread. */
import type { Limits } from '../../api.ts'

/** What every stream may receive from the beginning, so that none ever waits for what another one holds. */
export const WINDOW_FIRST = 32_768

export class StreamShare {
  /** Streams that are open, or not read to their end. */
  open = 0
  /** The windows of all of them. */
  windowBytes = 0
  readonly perConnection: number
  readonly #streams: number
  readonly #windowMax: number
  readonly #bytesMax: number
  /** Beyond the first windows. */
  #grown = 0

  constructor(limits: Pick<Limits, 'streams' | 'streamsPerConnection' | 'streamBytes' | 'streamsBytes'>) {
    this.perConnection = limits.streamsPerConnection
    this.#streams = limits.streams
    this.#windowMax = limits.streamBytes
    this.#bytesMax = limits.streamsBytes
  }

  /** Room for one more. False: there is none. */
  enter(): boolean {
    if (this.open >= this.#streams) return false
    this.open++
    this.windowBytes += WINDOW_FIRST
    return true
  }

  leave(window: number): void {
    this.open--
    this.windowBytes -= window
    this.#grown -= window - WINDOW_FIRST
  }

  /** What a window may grow to: twice as much, if that is there. */
  grow(window: number): number {
    const more = Math.min(window, this.#windowMax - window, this.#bytesMax - this.#grown)
    if (more <= 0) return window
    this.#grown += more
    this.windowBytes += more
    return window + more
  }
}
