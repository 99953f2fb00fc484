/**
 * The other direction: what cores do while one thing happens at a time, and messages arrive at once, are steps of the
 * shared-state model `ours` (src/sim/model) on lists, predecessors and mailboxes. From every quiet state of a few nodes,
 * each operation (stabilize, join, fail) is run to its end, and the model has to get from one to the other as well.
 */
import { type Bounds, Choices } from '../explore/choices.ts'
import { CONFIG, initial } from '../explore/explorer.ts'
import { Steps } from '../explore/steps.ts'
import { slotOf, Universe } from '../explore/universe.ts'
import { type Slot, type World, Worlds } from '../explore/world.ts'
import { CorrectedChord } from '../model/corrected.ts'
import { NONE, type Ring } from '../model/nodes.ts'
import { OURS } from '../model/rules.ts'

export interface AtomicRuns {
  readonly quiet: number
  readonly operations: number
  /** How many steps of the model an operation was, at most. */
  readonly stepsMax: number
  readonly violation: { readonly step: string; readonly before: string; readonly after: string } | undefined
}

/** One operation is few steps of the model: itself, the notify that ends it, and those whom the notified tells. */
const STEPS_MAX = 7
const BOUNDS: Bounds = {
  ...{ inFlight: 1, joins: 2, crashes: 1, leaves: 0, losses: 0, duplicates: 0, late: 0 },
  ...{ selfLookups: false, refuses: true },
}

export function atomicRuns(nodes: number, ring: readonly number[]): AtomicRuns {
  const runs = new Runs(nodes, ring)
  return runs.all()
}

class Runs {
  readonly #worlds: Worlds
  readonly #choices: Choices
  readonly #model: CorrectedChord
  readonly #start: World
  readonly #successors = 2

  constructor(nodes: number, ring: readonly number[]) {
    const config = { ...CONFIG, successors: this.#successors }
    this.#worlds = new Worlds(new Steps(new Universe(nodes, 1 + BOUNDS.joins), config))
    this.#choices = new Choices(this.#worlds, BOUNDS, config)
    const bounds = { nodes, successors: this.#successors, initial: ring, principals: 0 }
    this.#model = new CorrectedChord(bounds, { ...OURS, history: false })
    this.#start = initial(this.#worlds, config, { nodes, ring })
  }

  all(): AtomicRuns {
    const quiet = [this.#start]
    const known = new Set([this.#worlds.keyOf(this.#start)])
    let operations = 0
    let stepsMax = 0
    for (let at = 0; at < quiet.length; at++) {
      for (const choice of this.#choices.of(quiet[at] as World)) {
        const name = /stabilize$|^join|^crash/.exec(choice.name)?.[0]
        if (name === undefined) continue
        operations++
        const after = this.#settle(choice.world)
        const steps = this.#stepsBetween(quiet[at] as World, after, name.startsWith('crash') || name.startsWith('join'))
        if (steps === undefined) {
          const [from, to] = [this.#show(this.#ringOf(quiet[at] as World)), this.#show(this.#ringOf(after))]
          return {
            quiet: quiet.length,
            operations,
            stepsMax,
            violation: { step: choice.name, before: from, after: to },
          }
        }
        stepsMax = Math.max(stepsMax, steps)
        const key = this.#worlds.keyOf(after)
        if (!known.has(key)) quiet.push(after)
        known.add(key)
      }
    }
    return { quiet: quiet.length, operations, stepsMax, violation: undefined }
  }

  /** Everything arrives, and whoever points to the dead finds out. */
  #settle(world: World): World {
    let now = world
    for (;;) {
      const next = now.net[0]
      if (next !== undefined) {
        now = this.#worlds.deliver(now, next).world
        continue
      }
      const busy = now.slots.findIndex(
        ({ state }) => state >= 0 && this.#worlds.steps.frozen(state).handover?.phase === 'services',
      )
      if (busy >= 0) {
        now = this.#worlds.turn(now, busy, { kind: 'services' }).world
        continue
      }
      const dead = this.#pointerToDead(now)
      if (dead === undefined) return now
      now = this.#worlds.turn(now, dead.slot, { kind: 'refused', address: dead.address }).world
    }
  }

  #pointerToDead(world: World): { slot: number; address: string } | undefined {
    for (const [slot, { state }] of (world.slots as readonly Slot[]).entries()) {
      if (state < 0) continue
      const { successors, predecessor, boundary } = this.#worlds.steps.frozen(state)
      const known = [...successors, predecessor, boundary.dead ? undefined : boundary.peer]
      const dead = known.find((peer) => peer !== undefined && !this.#worlds.isUp(world, peer))
      if (dead !== undefined) return { slot, address: dead.address }
    }
    return undefined
  }

  /** Breadth first in the model, which may stabilize and rectify, and first of all fail or join if that is the operation. */
  #stepsBetween(before: World, after: World, entering: boolean): number | undefined {
    const goal = this.#codes(this.#ringOf(after))
    const members = (ring: Ring) => ring.map((node) => node.live).join()
    const wanted = members(this.#ringOf(after))
    let states = [this.#ringOf(before)]
    const known = new Set(states.map((ring) => this.#codes(ring)))
    if (known.has(goal)) return 0
    for (let steps = 1; steps <= STEPS_MAX; steps++) {
      const next: Ring[] = []
      for (const ring of states) {
        this.#model.steps(ring, (reached, name) => {
          const changes = name === 'fail' || name === 'join'
          if (changes && (!entering || members(reached) !== wanted)) return
          const purged = name === 'fail' ? this.#withoutDead(reached) : reached
          const code = this.#codes(purged)
          if (known.has(code)) return
          known.add(code)
          next.push(purged)
        })
      }
      if (known.has(goal)) return steps
      states = next
    }
    return undefined
  }

  /** Found out at once: nobody lists the dead, or has it as predecessor. */
  #withoutDead(ring: Ring): Ring {
    return ring.map((node) => {
      if (!node.live) return node
      const list = node.list.filter((id) => ring[id]?.live)
      const pred = node.pred !== NONE && ring[node.pred]?.live ? node.pred : NONE
      return this.#model.nodes.live(node.id, list, pred, node.due, node.from)
    })
  }

  /** Lists and predecessors; nothing is in flight, so no notify waits. */
  #ringOf(world: World): Ring {
    const ring = (world.slots as readonly Slot[]).map(({ state }, id) => {
      if (state < 0) return this.#model.nodes.absent(id, false)
      const { successors, predecessor } = this.#worlds.steps.frozen(state)
      return this.#model.nodes.live(id, successors.map(slotOf), predecessor === undefined ? NONE : slotOf(predecessor))
    })
    return this.#withoutDead(ring)
  }

  #codes(ring: Ring): string {
    return ring.map((node) => node.code).join()
  }

  #show(ring: Ring): string {
    return ring
      .map((node) =>
        node.live ? `${node.id}: ${node.list.join(' ')} pred ${node.pred === NONE ? '-' : node.pred}` : '',
      )
      .filter((text) => text !== '')
      .join('; ')
  }
}
