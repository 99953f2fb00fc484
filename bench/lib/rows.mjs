/** What rounds come to: order statistics of each figure, and the rounds themselves for ratios. */
import { summary } from './stats.mjs'

export function rowOf(names, samples) {
  const figures = Object.fromEntries(names.map((name) => [name, summary(samples.map((sample) => sample[name]))]))
  const rounds = samples.map((sample) => Object.fromEntries(names.map((name) => [name, sample[name]])))
  return { ...figures, rounds }
}

/** The ratio round by round: what slows the machine down slows both sides of a round. */
export function ratioOf(ours, theirs, name) {
  return summary(ours.rounds.map((round, i) => round[name] / theirs.rounds[i][name]))
}
