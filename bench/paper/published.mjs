/** What Stoica et al. measured (ToN 11(1), 2003, section V): what our figures stand beside. */

/** Figure 10: half the logarithm; and at 2¹² nodes the number of hops is that of heads among twelve coins. */
export const meanPath = (nodes) => Math.log2(nodes) / 2

/** Figure 9, of 10⁴ nodes: keys of a node divided by the mean, 1st and 99th percentile, where the text gives them. */
export const LOAD = { 1: { p1: 0.01, p99: 4.6 }, 20: { p1: 0.55, p99: 1.6 } }

/** Table II: a share of 1,000 nodes fails at once; successor lists of 20. */
export const FAILURE = [
  { share: 0, mean: 3.84, p1: 2, p99: 5, timeouts: 0, failed: 0 },
  { share: 0.1, mean: 4.03, p1: 2, p99: 6, timeouts: 0.6, failed: 0 },
  { share: 0.2, mean: 4.22, p1: 2, p99: 6, timeouts: 1.17, failed: 0 },
  { share: 0.3, mean: 4.44, p1: 2, p99: 6, timeouts: 2.02, failed: 0 },
  { share: 0.4, mean: 4.69, p1: 2, p99: 7, timeouts: 3.23, failed: 0 },
  { share: 0.5, mean: 5.09, p1: 3, p99: 8, timeouts: 5.1, failed: 0 },
]

/** Table III: joins and leaves at this rate each; failures of 10,000 look-ups. */
export const CHURN = [
  { rate: 0.05, failed: 0 },
  { rate: 0.1, failed: 0 },
  { rate: 0.15, failed: 2 },
  { rate: 0.2, failed: 5 },
  { rate: 0.25, failed: 6 },
  { rate: 0.3, failed: 8 },
  { rate: 0.35, failed: 16 },
  { rate: 0.4, failed: 15 },
]
/** Of the same table, over all rates. */
export const CHURN_RANGES = { mean: [3.8, 4.1], timeouts: [0.05, 0.46] }

/** Section V-F: median stretch at 2¹⁶ nodes in the three-dimensional space, with one candidate for each finger. */
export const STRETCH = { exponent: 16, iterative: 7.8, recursive: 4.5 }
