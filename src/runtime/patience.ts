/** How long to wait for an answer, by how long answers have taken lately. */
import { ATTEMPT_FIRST_MS, ATTEMPT_MAX_MS, ATTEMPT_MIN_MS } from '../core/config.ts'
import { RoundTrip } from '../core/round-trip.ts'
import type { Call } from './calls.ts'

export class Patience {
  /** Of look-ups that were answered at the first attempt. */
  readonly #lookups = new RoundTrip()

  answered(call: Call, nowMs: number): void {
    // Of a repeated one nobody knows which attempt was answered (Karn).
    if (call.wants === 'found' && call.attempt === 0 && call.unproven === 1) this.#lookups.add(nowMs - call.sentMs)
  }

  /** For an answer that may still come though a connection on the way broke, by what is usual for its kind, if that is known. */
  lossMs(usualMs: number | undefined): number {
    return Math.max(ATTEMPT_MAX_MS, 4 * (usualMs ?? 0))
  }

  /** Until another way is tried, of those calls that try one. */
  attemptMs(call: Call): number {
    const usualMs = this.#lookups.timeoutMs(ATTEMPT_FIRST_MS)
    const onceMs = Math.min(ATTEMPT_FIRST_MS, Math.max(ATTEMPT_MIN_MS, usualMs))
    // A connection that broke is no reason to wait longer for the next answer.
    return Math.min(ATTEMPT_MAX_MS, onceMs * 2 ** Math.min(call.timeouts, 10))
  }
}
