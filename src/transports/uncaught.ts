/** Runs one call into a handler; what it throws is reported as uncaught afterwards, and nobody else is disturbed by it. */
export function isolated(call: () => void): void {
  try {
    call()
  } catch (error) {
    reportUncaught(error)
  }
}

/** Hands an exception to `uncaughtException`, from outside of whatever is running. */
export function reportUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
