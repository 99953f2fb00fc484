import type * as id from '../../src/core/id.ts'
import type * as cache from '../../src/core/range-cache.ts'
import type * as router from '../../src/core/router.ts'
import type { streamOf } from '../../src/sim/random.ts'
import type { Simulation } from '../../src/sim/simulation.ts'

interface Summary {
  count: number
  mean: number
  p1: number
  p50: number
  p99: number
}

interface Spread {
  median: number
  p10: number
  p90: number
}

interface Attempts {
  lookups: number
  path: Summary
  timeouts: Summary
  tookMs: Summary
  strayed: number
  failed: number
}

interface Walked {
  path: Summary
  timeouts: Summary
  failed: number
}

export interface Figures {
  path: {
    rows: { exponent: number; paper: Summary; ours: Summary }[]
    distribution: { exponent: number; shares: number[]; theory: number[]; variation: number }
  }
  cached: {
    learning: { nodes: number; plain: Summary; rows: Summary[] }[]
    nodes: number
    rings: number
    stale: { share: number; first: Summary; redirected: number; retried: number; later: Summary }[]
  }
  load: { rows: { virtualNodes: number; p1: number; p50: number; p99: number; theory: { p1: number; p99: number } }[] }
  failure: {
    rows: { share: number; iterative: Walked; recursive: Walked }[]
    recovery: { share: number; idealMs: number; path: Summary; tookMs: Summary; failed: number }[]
  }
  churn: { rows: { way: 'crash' | 'vanish' | 'leave'; rate: number; once: Walked; retried: Attempts }[] }
  stretch: {
    rows: {
      exponent: number
      paper: { iterative: Spread; recursive: Spread }
      ours?: { iterative: Spread; recursive: Spread }
    }[]
  }
}

export interface Modules {
  sim: { Simulation: typeof Simulation; placeIdeal: typeof placeIdeal; streamOf: typeof streamOf }
  router: typeof router
  id: typeof id
  /** For the part `cached`. */
  cache?: typeof cache
}

export const PARTS: readonly (keyof Figures)[]

export function measure<P extends keyof Figures>(
  part: P,
  modules: Modules,
  o?: { quick?: boolean; seed?: number; rows?: readonly string[]; say?: (text: string) => void },
): Figures[P] & { cpuMs: number }
