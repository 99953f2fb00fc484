/** Work that takes the same CPU time wherever it is done, whoever else runs: counted in steps, not by the clock. */
let last = 1

export function work(steps) {
  let x = last
  for (let i = 0; i < steps; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0
  last = x
}

/** How many steps take so long here: by the fastest of many tries, which nobody disturbed. */
export function stepsFor(us) {
  const tried = 20_000
  let fastestMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < 2_000; i++) {
    const startMs = performance.now()
    work(tried)
    fastestMs = Math.min(fastestMs, performance.now() - startMs)
  }
  return Math.round((tried * us) / (1000 * fastestMs))
}
