/** From a world on, nothing more goes wrong: everything is delivered, every timer fires in turn. Does the ring become ideal? */
import type { Peer } from '../../core/messages.ts'
import { isOrphan } from './choices.ts'
import { notIdeal } from './properties.ts'
import type { NodeInput } from './steps.ts'
import { LEFT, type Slot, type World, type Worlds } from './world.ts'

/** Every timer of every node, so often. */
const ROUNDS_MAX = 40
const DELIVERIES_MAX = 400
/** Where nobody stayed to take what a leaver has, it waits in vain, and its deadline ends it. */
const DEADLINE_ROUND = 10

export class FairRuns {
  readonly #worlds: Worlds
  readonly #successors: number
  /** Keys of worlds from which it does. */
  readonly #good = new Set<string>()
  runs = 0
  roundsMax = 0

  constructor(worlds: Worlds, successors: number) {
    this.#worlds = worlds
    this.#successors = successors
  }

  /** What is still wrong in the end, or what a check of a step said; undefined if the ring became ideal. */
  flawAfter(world: World): string | undefined {
    this.runs++
    const passed: string[] = []
    let run: Run = { world, complaint: undefined }
    for (let round = 0; round <= ROUNDS_MAX && run.complaint === undefined; round++) {
      run = this.#settle(run)
      const key = this.#worlds.keyOf(run.world)
      const isIdeal = run.complaint === undefined && notIdeal(this.#worlds, run.world, this.#successors) === undefined
      if (isIdeal || this.#good.has(key)) {
        for (const one of passed) this.#good.add(one)
        this.#good.add(key)
        this.roundsMax = Math.max(this.roundsMax, round)
        return undefined
      }
      passed.push(key)
      run = this.#round(round === DEADLINE_ROUND && run.world.broken ? this.#deadline(run) : run)
    }
    return run.complaint ?? notIdeal(this.#worlds, run.world, this.#successors)
  }

  #deadline(run: Run): Run {
    const slot = run.world.slots.findIndex((_, at) => this.#stateOf(run, at)?.status === 'leaving')
    return slot < 0 ? run : { ...run, world: this.#worlds.end(run.world, slot, LEFT) }
  }

  /** Until nothing is in flight and no service at work. */
  #settle(run: Run): Run {
    for (let count = 0; run.complaint === undefined; count++) {
      if (count > DELIVERIES_MAX) return { ...run, complaint: 'messages never end' }
      const next = run.world.net[0]
      if (next !== undefined) run = this.#worlds.deliver(run.world, next)
      else {
        const slot = run.world.slots.findIndex(
          ({ state }) => state >= 0 && this.#worlds.steps.frozen(state).handover?.phase === 'services',
        )
        if (slot < 0) return run
        run = this.#worlds.turn(run.world, slot, { kind: 'services' })
      }
    }
    return run
  }

  #round(run: Run): Run {
    for (let slot = 0; slot < run.world.slots.length; slot++) {
      const seed = this.#seedFor(run, slot)
      if (seed !== undefined) run = this.#fire(run, slot, { kind: 'contact', peer: seed })
      for (const timer of ['departureMs', 'rejoinMs', 'stabilizeMs'] as const) {
        if (this.#stateOf(run, slot)?.armed.includes(timer)) run = this.#fire(run, slot, { kind: 'timer', timer })
      }
      const now = this.#stateOf(run, slot)
      if (now !== undefined && isOrphan(now))
        run = this.#fire(run, slot, { kind: 'timer', timer: 'stabilizeMs', quiet: true })
      if (this.#stateOf(run, slot)?.successors.length) run = this.#fire(run, slot, { kind: 'silent', who: 'successor' })
      if (this.#stateOf(run, slot)?.predecessor) run = this.#fire(run, slot, { kind: 'silent', who: 'predecessor' })
      for (const via of this.#stateOf(run, slot)?.remembered ?? []) {
        const state = this.#stateOf(run, slot)
        if (state?.departure === undefined && state?.status !== 'joining' && state?.remembered.includes(via))
          run = this.#fire(run, slot, { kind: 'self', via })
      }
    }
    return run
  }

  /** For a node that looks for a way in: some member. */
  #seedFor(run: Run, slot: number): Peer | undefined {
    const state = this.#stateOf(run, slot)
    if (state === undefined || state.successors.length > 0 || state.sole || state.departure !== undefined)
      return undefined
    for (let other = 0; other < run.world.slots.length; other++) {
      const at = this.#stateOf(run, other)
      const answers = at !== undefined && (at.sole || at.successors.length > 0 || at.status === 'isolated')
      if (other !== slot && answers) return at.self
    }
    return undefined
  }

  /** Whoever is not answered notices. */
  #fire(run: Run, slot: number, input: NodeInput): Run {
    if (run.complaint !== undefined) return run
    let now = this.#settle(this.#worlds.turn(run.world, slot, input))
    for (let other = 0; other < now.world.slots.length; other++) {
      for (
        let count = 0;
        count < 8 && this.#stateOf(now, other)?.asked.length && now.complaint === undefined;
        count++
      ) {
        now = this.#settle(this.#worlds.turn(now.world, other, { kind: 'deadline', request: 1 }))
      }
    }
    return now
  }

  #stateOf({ world }: Run, slot: number) {
    const { state } = world.slots[slot] as Slot
    return state >= 0 ? this.#worlds.steps.frozen(state) : undefined
  }
}

interface Run {
  readonly world: World
  readonly complaint: string | undefined
}
