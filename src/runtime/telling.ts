/** Callers are told how their calls ended: never before the call that began it has returned, and whatever they throw stops nobody. */
import { isolated, reportUncaught } from '../transports/uncaught.ts'
import type { Done } from './calls.ts'

export class Telling {
  /** A call is being begun: what ends meanwhile is told later. */
  isBeginning = false

  tell(done: Done, what: unknown): void {
    if (this.isBeginning) return tellLater(done, what)
    try {
      done(what as never)
    } catch (error) {
      reportUncaught(error)
    }
  }
}

/** By itself, because a function that makes a closure pays for it each time, also where it makes none. */
function tellLater(done: Done, what: unknown): void {
  queueMicrotask(() => isolated(() => done(what as never)))
}
