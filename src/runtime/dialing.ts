/** Calls that wait for a session, by the address that is being dialed. */
import type { Call } from './calls.ts'

export class Dialing {
  readonly #byAddress = new Map<string, Set<Call>>()

  get addresses(): Iterable<string> {
    return this.#byAddress.keys()
  }

  /** Waits for one to `call.hop`. */
  add(call: Call): void {
    let calls = this.#byAddress.get(call.hop)
    if (calls === undefined) {
      calls = new Set()
      this.#byAddress.set(call.hop, calls)
    }
    calls.add(call)
  }

  remove(call: Call): void {
    if (call.state === 'dialing') this.#byAddress.get(call.hop)?.delete(call)
  }

  /** Nobody is dialing that address any more. What is done to one that is given may end others, whose slots may be used again. */
  *take(address: string): Iterable<Call> {
    const calls = this.#byAddress.get(address)
    if (calls === undefined) return
    this.#byAddress.delete(address)
    for (const call of calls) if (call.state === 'dialing' && call.hop === address) yield call
  }
}
