/** Waiting for a connection to an address. */
import type { Clock } from '../../api.ts'
import { ATTEMPT_FIRST_MS } from '../../core/config.ts'
import { ChordError } from '../../core/errors.ts'
import { Deferred } from '../deferred.ts'
import type { Links } from '../links.ts'
import type { Down, Session } from '../session.ts'

export interface ConnectingOptions {
  links: () => Links
  clock: Clock
  purpose: 'routing' | 'reply'
}

interface Waiting {
  readonly found: Deferred<Session | 'self'>
  callers: number
}

export class Connecting {
  readonly #o: ConnectingOptions
  readonly #waiting = new Map<string, Waiting>()
  #timer: Disposable | undefined

  constructor(o: ConnectingOptions) {
    this.#o = o
  }

  /** `self`: it is another name of this process. Waits no longer than `over`. Errors: ERR_UNREACHABLE. */
  async session(address: string, over: Promise<unknown>): Promise<Session | 'self'> {
    const session = this.#o.links().session(address)
    if (session !== undefined) return session
    const waiting = this.#waiting.get(address) ?? { found: new Deferred(), callers: 0 }
    this.#waiting.set(address, waiting)
    waiting.callers++
    this.#o.links().open(address, this.#o.purpose)
    this.#arm()
    try {
      return (await Promise.race([waiting.found.promise, over])) as Session | 'self'
    } finally {
      if (--waiting.callers === 0 && this.#waiting.get(address) === waiting) this.#waiting.delete(address)
    }
  }

  sessionUp(): void {
    for (const [address, waiting] of this.#waiting) {
      const session = this.#o.links().session(address)
      if (session === undefined) continue
      this.#waiting.delete(address)
      waiting.found.resolve(session)
    }
  }

  sessionDown({ address, cause, rejection }: Down): void {
    const waiting = this.#waiting.get(address)
    if (waiting === undefined || this.#o.links().session(address) !== undefined) return
    this.#waiting.delete(address)
    if (rejection === 'self') return waiting.found.resolve('self')
    const why = rejection === undefined ? cause : `rejected: ${rejection}`
    waiting.found.reject(new ChordError('ERR_UNREACHABLE', `no connection to ${address} (${why})`))
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#waiting.clear()
  }

  /** There may have been no room for another connection: then it is tried again. */
  #arm(): void {
    this.#timer ??= this.#o.clock.setTimer(ATTEMPT_FIRST_MS, () => {
      this.#timer = undefined
      for (const address of this.#waiting.keys()) this.#o.links().open(address, this.#o.purpose)
      if (this.#waiting.size > 0) this.#arm()
    })
  }
}
