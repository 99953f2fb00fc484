/** Plays a plan, watched by all oracles, and says what came of it. */
import { heal } from './heal.ts'
import { Oracles } from './oracles/oracles.ts'
import { Performer } from './performer.ts'
import type { Plan } from './plan.ts'
import { configOf } from './settings.ts'
import { Trace } from './trace.ts'
import { TraceHash } from './trace-hash.ts'

/** Something that must never be. `oracle` says which promise it breaks; `assertion`: the core found it itself. */
export interface Violation {
  readonly oracle: string
  readonly atMs: number
  readonly text: string
}

export interface Outcome {
  readonly seed: number
  /** In the order in which they happened. The first ends the run. */
  readonly violations: readonly Violation[]
  readonly events: number
  readonly virtualMs: number
  /** Of all that happened: two runs of a plan have the same. */
  readonly hash: string
  /** What the oracles counted: faults by kind, what they broke, how it was mended. */
  readonly numbers: Readonly<Record<string, number>>
  /** Faults took away what the protocol presupposes. */
  readonly broken: boolean
  /** From the end of all trouble to an ideal ring, in the longest period of stabilization; undefined if it was not reached. */
  readonly rounds: number | undefined
  readonly lookups: { readonly done: number; readonly failed: number }
}

export function play(plan: Plan, o: { readonly trace?: (line: string) => void } = {}): Outcome {
  const run = new Run(plan, o.trace)
  run.play()
  return run.outcome()
}

class Run {
  readonly #plan: Plan
  readonly #performer: Performer
  readonly #oracles: Oracles
  readonly #hash: TraceHash
  readonly #lookups = { done: 0, failed: 0 }
  #crash: Violation | undefined
  #healedMs: number | undefined

  constructor(plan: Plan, write: ((line: string) => void) | undefined) {
    this.#plan = plan
    this.#performer = new Performer(plan.seed, plan.settings)
    const { simulation } = this.#performer
    this.#hash = new TraceHash(simulation)
    this.#oracles = new Oracles(simulation)
    if (write !== undefined) simulation.observe(new Trace(simulation, write))
    simulation.observe(this.#hash).observe(this.#oracles)
    simulation.observe({
      lookup: ({ answer }) => {
        this.#lookups[answer === undefined ? 'failed' : 'done']++
      },
    })
  }

  play(): void {
    try {
      for (const action of this.#plan.actions) {
        this.#performer.perform(action)
        if (this.#oracles.violations.length > 0) return
      }
      this.#healedMs = heal(this.#performer, this.#oracles)
    } catch (e) {
      // An assertion of the core, or a mistake in it.
      const { nowMs } = this.#performer.simulation
      const { stack, message } = e as Error
      this.#crash = { oracle: 'assertion', atMs: nowMs, text: stack ?? message }
    }
  }

  outcome(): Outcome {
    const { simulation } = this.#performer
    const { stabilizeMaxMs } = configOf(this.#plan.settings)
    const healedMs = this.#healedMs
    return {
      seed: this.#plan.seed,
      violations: [...this.#oracles.violations, ...(this.#crash === undefined ? [] : [this.#crash])].map(
        ({ oracle, atMs, text }) => ({ oracle, atMs, text }),
      ),
      events: simulation.events,
      virtualMs: simulation.nowMs,
      hash: this.#hash.digest,
      numbers: this.#oracles.summary(),
      broken: this.#oracles.ledger.counts.size > 0,
      rounds: healedMs === undefined ? undefined : Math.ceil(healedMs / stabilizeMaxMs),
      lookups: this.#lookups,
    }
  }
}
