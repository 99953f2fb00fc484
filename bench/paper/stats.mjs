/** Means, percentiles, and the distributions that theory names. */

/** Mean, 1st and 99th percentile, of what need not be sorted. */
export function summary(values) {
  const sorted = Float64Array.from(values).sort()
  const mean = sorted.length === 0 ? Number.NaN : sorted.reduce((sum, value) => sum + value, 0) / sorted.length
  return { count: sorted.length, mean, p1: rank(sorted, 0.01), p50: rank(sorted, 0.5), p99: rank(sorted, 0.99) }
}

/** The value that this share of all does not exceed (nearest rank). */
export function rank(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** How often each whole number from 0 on occurs. */
export function histogram(values) {
  const counts = []
  for (const value of values) {
    while (counts.length <= value) counts.push(0)
    counts[value]++
  }
  return counts
}

/** Chances of 0 … n heads among n coins. */
export function binomialHalf(n) {
  const chances = [0.5 ** n]
  for (let k = 1; k <= n; k++) chances.push((chances[k - 1] * (n - k + 1)) / k)
  return chances
}

/** Half the sum of differences: the largest error that one distribution makes about any event of the other. */
export function totalVariation(a, b) {
  let sum = 0
  for (let i = 0; i < Math.max(a.length, b.length); i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0))
  return sum / 2
}

/** Value that a Gamma(v, 1/v), of mean 1, does not exceed with this chance; v whole. */
export function gammaQuantile(v, chance) {
  let [low, high] = [0, 64]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (gammaChance(v, middle) < chance) low = middle
    else high = middle
  }
  return low
}

/** Of v arrivals of a Poisson stream the last one has come by then. */
function gammaChance(v, x) {
  let term = Math.exp(-v * x)
  let later = term
  for (let k = 1; k < v; k++) {
    term *= (v * x) / k
    later += term
  }
  return 1 - later
}
