/** What rounds of all kinds need. */

export function passed(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Rejects when `promise` takes longer. */
export function within(ms, what, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1000} s`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** The first line of what went wrong. */
export function reasonOf(error) {
  return (error.stderr?.trim() || error.message || String(error)).split('\n')[0]
}
