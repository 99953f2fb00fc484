/** The experiments by name, each timed. */
import { measureCached } from './cached.mjs'
import { measureChurn } from './churn.mjs'
import { measureFailure } from './failure.mjs'
import { labOf } from './lab.mjs'
import { measureLoad } from './load.mjs'
import { measurePathLength } from './path-length.mjs'
import { measureStretch } from './stretch.mjs'

const EXPERIMENTS = {
  path: measurePathLength,
  cached: measureCached,
  load: measureLoad,
  failure: measureFailure,
  churn: measureChurn,
  stretch: measureStretch,
}

export const PARTS = Object.keys(EXPERIMENTS)

/** `{ cpuMs, ...figures }` of one part; of `churn`, of some of its rows. `say` hears how far it is. */
export function measure(part, modules, { quick = false, seed, rows, say = () => {} } = {}) {
  const before = process.cpuUsage()
  const figures = EXPERIMENTS[part](labOf(modules, part, seed), { quick, say, rows })
  const { user, system } = process.cpuUsage(before)
  return { ...figures, cpuMs: (user + system) / 1000 }
}
