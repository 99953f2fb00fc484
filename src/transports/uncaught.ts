/** Runs one call into a handler; what it throws is reported as uncaught afterwards, and nobody else is disturbed by it. */
export function isolated(call: () => void): void {
  try {
    call()
  } catch (error) {
    reportUncaught(error)
  }
}

/**
 * Hands an exception to `uncaughtException`, from outside of whatever is running: after the batch's own ticks and
 * promises and its flush, so that the replies of batch-mates leave even if the process ends of it.
 */
export function reportUncaught(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
