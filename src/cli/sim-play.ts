/** One seed of `chordite sim`: a ring of cores, or with `--whole` a ring of whole nodes, with one kind of outcome. */
import type { Settings } from '../sim/plan.ts'
import { type Outcome, play } from '../sim/play.ts'
import { planOf } from '../sim/swarm.ts'
import { playWhole } from '../sim/whole/play.ts'

export interface SeedOptions {
  readonly set: Settings
  readonly whole: boolean
}

export async function playSeed(seed: number, o: SeedOptions, trace?: (line: string) => void): Promise<Outcome> {
  if (o.whole) return wholeOutcome(seed, trace)
  return play(planOf(seed, o.set), trace === undefined ? {} : { trace })
}

async function wholeOutcome(seed: number, trace: ((line: string) => void) | undefined): Promise<Outcome> {
  const { violations, events, virtualMs, hash, faults } = await playWhole(seed, trace)
  const numbers = Object.fromEntries(Object.entries(faults).map(([kind, times]) => [`fault ${kind}`, times]))
  return {
    seed,
    violations: violations.map(({ atMs, what }) => ({ oracle: 'promises', atMs, text: what })),
    events,
    virtualMs,
    hash,
    numbers,
    broken: false,
    rounds: undefined,
    lookups: { done: 0, failed: 0 },
  }
}
