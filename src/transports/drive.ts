/** Makes virtual time pass, one event after another, with all that promises do in between. */
import type { VirtualClock } from './virtual-clock.ts'

/** Events after which the process may do something else, such as read its sockets. */
const YIELD_EVENTS = 4_096

/**
 * Fires timers until `untilMs`, or until `isDone` says so after one of them and what followed from it. Rejects with what
 * a timer throws.
 */
export function drive(clock: VirtualClock, untilMs: number, isDone: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let events = 0
    const step = (): void => {
      try {
        // What was thrown and nobody caught is reported in a turn of its own, which is over when we are done.
        if (isDone()) return void setImmediate(resolve)
        if (!clock.step(untilMs)) {
          clock.runUntil(untilMs)
          return void setImmediate(resolve)
        }
      } catch (error) {
        return reject(error)
      }
      if (++events % YIELD_EVENTS === 0) setImmediate(next)
      else process.nextTick(next)
    }
    // `nextTick` comes when promises have nothing more to do. The next step is one of theirs again, so that it can wait
    // for those that it settles; a turn of the event loop for each would cost more than most events do.
    const next = (): void => queueMicrotask(step)
    process.nextTick(next)
  })
}
