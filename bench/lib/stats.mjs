/** Order statistics: a mean would carry every hiccup of a shared machine. */

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)]
  return low + (sorted[Math.ceil(at)] - low) * (at - Math.floor(at))
}

export function summary(values) {
  const [median, p25, p75, min, max] = [0.5, 0.25, 0.75, 0, 1].map((share) => quantile(values, share))
  return { median, p25, p75, min, max }
}
