/** What many seeds came to: kept in a file, continued, and merged. */
import { assert } from '../core/errors.ts'
import { mergeSummaries } from './oracles/oracles.ts'
import type { Outcome } from './play.ts'

/** Plain numbers and texts, so that it can be written as JSON. */
export interface Summary {
  /** By which code, and what of it. Only what the same code has played can be counted together. */
  playedBy: string
  /** Seeds that have been played: ranges, both ends included, in order. */
  seeds: [from: number, to: number][]
  events: number
  virtualMs: number
  /** Of all threads together. */
  busyMs: number
  /** What the oracles counted. */
  numbers: Record<string, number>
  violations: { seed: number; oracle: string; atMs: number; text: string }[]
  /** Runs in which faults took away what the protocol presupposes, and which became ideal all the same. */
  broken: number
  healed: number
  /** How many runs took so many rounds of stabilisation to become ideal once the faults had stopped. */
  rounds: Record<string, number>
  lookups: { done: number; failed: number }
}

export function emptySummary(playedBy: string): Summary {
  return {
    playedBy,
    seeds: [],
    events: 0,
    virtualMs: 0,
    busyMs: 0,
    numbers: {},
    violations: [],
    broken: 0,
    healed: 0,
    rounds: {},
    lookups: { done: 0, failed: 0 },
  }
}

export function addOutcome(summary: Summary, outcome: Outcome, busyMs: number): void {
  const { seed, violations, rounds } = outcome
  merge(summary, {
    playedBy: summary.playedBy,
    seeds: [[seed, seed]],
    events: outcome.events,
    virtualMs: outcome.virtualMs,
    busyMs,
    numbers: { ...outcome.numbers },
    violations: violations.slice(0, 1).map(({ oracle, atMs, text }) => ({ seed, oracle, atMs, text })),
    broken: outcome.broken ? 1 : 0,
    healed: outcome.broken && rounds !== undefined ? 1 : 0,
    rounds: rounds === undefined ? {} : { [rounds]: 1 },
    lookups: outcome.lookups,
  })
}

/** Adds what `other` counts; no seed may be in both, and the same code must have played them. */
export function merge(into: Summary, other: Summary): void {
  assert(into.playedBy === other.playedBy, 'one code has played what is counted together')
  into.seeds = union([...into.seeds, ...other.seeds])
  into.events += other.events
  into.virtualMs += other.virtualMs
  into.busyMs += other.busyMs
  into.numbers = mergeSummaries(into.numbers, other.numbers)
  into.violations = [...into.violations, ...other.violations].sort((a, b) => a.seed - b.seed)
  into.broken += other.broken
  into.healed += other.healed
  addCounts(into.rounds, other.rounds)
  into.lookups.done += other.lookups.done
  into.lookups.failed += other.lookups.failed
}

/** How often each kind of fault was done, by its name. */
export function faultsOf(numbers: Readonly<Record<string, number>>): [kind: string, times: number][] {
  const faults = Object.entries(numbers).filter(([name]) => name.startsWith(FAULT))
  return faults
    .map(([name, times]): [string, number] => [name.slice(FAULT.length), times])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
const FAULT = 'fault '

export function hasSeed(summary: Summary, seed: number): boolean {
  return summary.seeds.some(([from, to]) => from <= seed && seed <= to)
}

export function countSeeds(summary: Summary): number {
  return summary.seeds.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

/** How many rounds the given share of the runs took at most; undefined if none was counted. */
export function roundsOf(summary: Summary, share: number): number | undefined {
  const counts = Object.entries(summary.rounds)
    .map(([rounds, runs]) => [Number(rounds), runs] as const)
    .sort((a, b) => a[0] - b[0])
  const all = counts.reduce((sum, [, runs]) => sum + runs, 0)
  let seen = 0
  for (const [rounds, runs] of counts) {
    seen += runs
    if (seen >= share * all) return rounds
  }
  return undefined
}

function addCounts(into: Record<string, number>, other: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(other)) into[name] = (into[name] ?? 0) + count
}

function union(ranges: readonly (readonly [number, number])[]): [number, number][] {
  const out: [number, number][] = []
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else out.push([from, to])
  }
  return out
}
