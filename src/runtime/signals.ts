/** Calls that end when a signal fires. One listener per signal, however many calls share it: a signal does not take many. */
import type { Call } from './calls.ts'

interface Watched {
  readonly calls: Set<Call>
  readonly listener: () => void
}

export class Signals {
  readonly #watched = new Map<AbortSignal, Watched>()
  readonly #fired: (call: Call, signal: AbortSignal) => void

  constructor(fired: (call: Call, signal: AbortSignal) => void) {
    this.#fired = fired
  }

  add(signal: AbortSignal, call: Call): void {
    let watched = this.#watched.get(signal)
    if (watched === undefined) {
      const calls = new Set<Call>()
      // Each takes itself out as it ends.
      const listener = () => {
        for (const one of calls) this.#fired(one, signal)
      }
      watched = { calls, listener }
      this.#watched.set(signal, watched)
      signal.addEventListener('abort', listener, { once: true })
    }
    watched.calls.add(call)
  }

  remove(signal: AbortSignal, call: Call): void {
    const watched = this.#watched.get(signal)
    if (watched === undefined) return
    watched.calls.delete(call)
    if (watched.calls.size > 0) return
    this.#watched.delete(signal)
    signal.removeEventListener('abort', watched.listener)
  }
}
