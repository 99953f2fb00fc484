/** Whether a contestant wins clearly over the first of its group: the rule that decides what is kept. */

/** At two patterns it needs this much less CPU time for a request, and nowhere more than that much more. */
export const WINS_BELOW = 0.95
export const LOSES_ABOVE = 1.02
const WINS_AT_LEAST = 2

export function verdictOf(group, contestant) {
  const ratios = group.patterns
    .map(({ rows }) => rows.find((row) => row.contestant === contestant)?.ratio.median)
    .filter((ratio) => ratio !== undefined)
  if (ratios.length < group.patterns.length) return 'not measured'
  const wins = ratios.filter((ratio) => ratio <= WINS_BELOW).length
  const losses = ratios.filter((ratio) => ratio > LOSES_ABOVE).length
  if (losses > 0) return wins > 0 ? `wins at ${wins}, loses at ${losses}` : `loses at ${losses}`
  return wins >= WINS_AT_LEAST ? 'wins' : 'no clear gain'
}
