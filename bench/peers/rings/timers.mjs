/** Intervals whose period can be changed while they run, for a library that does not offer that. */

/** `take` replaces `setInterval` of `global` for what is loaded or started until `release`. */
export function timersOf(global) {
  const taken = new Set()
  const original = global.setInterval
  let times = 1
  const arm = (timer) => {
    clearInterval(timer.handle)
    timer.handle = original(timer.run, timer.ms / times).unref()
  }
  const replacement = (run, ms, ...args) => {
    const timer = { run: () => run(...args), ms }
    taken.add(timer)
    arm(timer)
    return timer.handle
  }
  return {
    take() {
      global.setInterval = replacement
    },
    release() {
      global.setInterval = original
    },
    /** So many times as fast as it asked for. */
    hasten(factor) {
      times = factor
      for (const timer of taken) arm(timer)
    },
  }
}
