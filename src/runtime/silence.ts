/**
 * A machine that vanishes refuses nothing: what is handed to it is lost without a word. So whoever is handed a frame after
 * it has said nothing for a while is asked whether it lives. Silence is counted in periods: a frame costs no look at the
 * clock.
 */
import type { Clock } from '../api.ts'
import { SILENCE_MS } from '../core/config.ts'
import type { Session } from './session.ts'

export interface SilenceOptions {
  clock: Clock
  /** Calls later, from outside of what is being done. */
  defer(run: () => void): void
  ask(addresses: readonly string[]): void
}

export class Silence {
  readonly #o: SilenceOptions
  #period = 0
  #timer: Disposable | undefined
  #asking: string[] = []
  readonly #sessions = new Set<Session>()

  constructor(o: SilenceOptions) {
    this.#o = o
    this.#arm()
  }

  up(session: Session): void {
    this.#sessions.add(session)
    this.heard(session)
  }

  down(session: Session): void {
    this.#sessions.delete(session)
  }

  heard(session: Session): void {
    session.heardPeriod = this.#period
  }

  /** A frame was handed to it. At most one question in two periods comes of that. */
  handed(session: Session): void {
    if (this.#period - session.heardPeriod < 2) return
    session.heardPeriod = this.#period
    if (this.#asking.push(session.address) === 1) this.#o.defer(this.#ask)
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#asking = []
    this.#sessions.clear()
  }

  readonly #ask = (): void => {
    const addresses = this.#asking
    this.#asking = []
    if (addresses.length > 0) this.#o.ask(addresses)
  }

  #arm(): void {
    this.#timer = this.#o.clock.setTimer(SILENCE_MS, () => {
      for (const session of this.#sessions) this.#notePassed(session)
      this.#period++
      this.#arm()
    })
  }

  /** What the transport passed on by itself in this period. */
  #notePassed(session: Session): void {
    const { passedIn = 0, passedOut = 0 } = session.link
    if (passedIn !== session.heardPassed) this.heard(session)
    if (passedOut !== session.handedPassed) this.handed(session)
    session.heardPassed = passedIn
    session.handedPassed = passedOut
  }
}
