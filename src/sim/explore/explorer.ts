/**
 * Breadth first through all that a few cores can do within bounds. The first way to a violation is a shortest one. No clock, no chance:
 * the same bounds give the same numbers everywhere.
 */
import { ChordNode, type CoreConfig } from '../../core/chord-node.ts'
import type { Peer } from '../../core/messages.ts'
import { type Bounds, type Choice, Choices } from './choices.ts'
import { FairRuns } from './fair.ts'
import { flawOf } from './properties.ts'
import { type StepCheck, Steps } from './steps.ts'
import { Universe } from './universe.ts'
import { ABSENT, type Slot, type World, Worlds } from './world.ts'

export interface Exploration extends Bounds {
  /** Ids 0 … nodes − 1. */
  readonly nodes: number
  /** Those on the ideal ring of the beginning. */
  readonly ring: readonly number[]
  readonly successors: number
  readonly evictAfterMisses: number
  readonly onIsolated: 'wait' | 'serve'
  /** A fair run starts from every so manyth world, and from each in which nothing more happens. */
  readonly fairEvery: number
  /** Stops after so many worlds. */
  readonly limit: number
}

export interface Found {
  readonly worlds: number
  readonly transitions: number
  readonly depth: number
  /** Different steps of single nodes that these were made of. */
  readonly steps: number
  readonly complete: boolean
  /** Worlds not pursued because too much was in flight. */
  readonly cutOff: number
  /** Worlds in which a list had been without a live entry: nothing is promised there but to heal. */
  readonly exempt: number
  readonly fairRuns: number
  readonly fairRounds: number
  readonly violation:
    | { readonly property: string; readonly way: readonly { readonly step: string; readonly world: string }[] }
    | undefined
}

export const CONFIG: CoreConfig = {
  successors: 2,
  onIsolated: 'wait',
  stabilizeMinMs: 1_000,
  stabilizeMaxMs: 1_000,
  probeMinMs: 1_000,
  probeMaxMs: 1_000,
  evictAfterMisses: 2,
  fingersMinMs: 1_000,
  fingersMaxMs: 1_000,
  selfLookupMs: 1_000,
  rejoinMinMs: 1_000,
  rejoinMaxMs: 1_000,
  handoverMs: 10_000,
  rememberedPeers: 64,
}

export function explore(
  o: Exploration,
  report: (p: { states: number; depth: number }) => void,
  check?: StepCheck,
): Found {
  const config = { ...CONFIG, successors: o.successors, evictAfterMisses: o.evictAfterMisses, onIsolated: o.onIsolated }
  const steps = new Steps(new Universe(o.nodes, 1 + o.joins), config, check)
  return new Explorer(o, new Worlds(steps), config).run(report)
}

class Explorer {
  readonly #o: Exploration
  readonly #worlds: Worlds
  readonly #config: CoreConfig
  readonly #choices: Choices
  readonly #fair: FairRuns
  readonly #keys: string[] = []
  readonly #known = new Map<string, number>()
  readonly #from: number[] = []
  readonly #depths: number[] = []
  #transitions = 0
  #exempt = 0

  constructor(o: Exploration, worlds: Worlds, config: CoreConfig) {
    this.#o = o
    this.#worlds = worlds
    this.#config = config
    this.#choices = new Choices(worlds, o, config)
    this.#fair = new FairRuns(worlds, o.successors)
  }

  run(report: (p: { states: number; depth: number }) => void): Found {
    this.#add(initial(this.#worlds, this.#config, this.#o), -1)
    for (let at = 0; at < this.#keys.length; at++) {
      if (at > 0 && at % 10_000 === 0) report({ states: this.#keys.length, depth: this.#depths[at] as number })
      if (this.#keys.length >= this.#o.limit) return this.#found(false, undefined)
      const violation = this.#expand(at)
      if (violation !== undefined) return this.#found(false, violation)
    }
    return this.#found(true, undefined)
  }

  #expand(at: number): Found['violation'] {
    const world = this.#worlds.worldOf(this.#keys[at] as string)
    if (world.broken) this.#exempt++
    let count = 0
    for (const choice of this.#choices.of(world)) {
      count++
      this.#transitions++
      const next = this.#judged(choice)
      if (next.flaw !== undefined) return this.#violation(next.flaw, at, choice)
      this.#add(next.world, at)
    }
    if (count > 0 && at % this.#o.fairEvery !== 0) return undefined
    const flaw = this.#fair.flawAfter(world)
    return flaw === undefined ? undefined : this.#violation(`does not heal: ${flaw}`, at, undefined)
  }

  #judged({ world, complaint }: Choice): { world: World; flaw: string | undefined } {
    if (complaint !== undefined) return { world, flaw: complaint }
    const { flaw, broken } = flawOf(this.#worlds, world, world.used.crashes > 0)
    return { world: broken === world.broken ? world : { ...world, broken }, flaw }
  }

  #add(world: World, from: number): void {
    const key = this.#worlds.keyOf(world)
    if (this.#known.has(key)) return
    this.#known.set(key, this.#keys.length)
    this.#keys.push(key)
    this.#from.push(from)
    this.#depths.push(from < 0 ? 0 : (this.#depths[from] as number) + 1)
  }

  #violation(property: string, at: number, last: Choice | undefined): Found['violation'] {
    const way: { step: string; world: string }[] = []
    if (last !== undefined) way.push({ step: last.name, world: showWorld(this.#worlds, last.world) })
    for (let i = at; i >= 0; i = this.#from[i] as number) {
      const world = this.#worlds.worldOf(this.#keys[i] as string)
      way.push({ step: this.#stepTo(i), world: showWorld(this.#worlds, world) })
    }
    return { property, way: way.reverse() }
  }

  /** The choice that was made, found again. */
  #stepTo(at: number): string {
    const from = this.#from[at] as number
    if (from < 0) return 'ideal ring'
    for (const choice of this.#choices.of(this.#worlds.worldOf(this.#keys[from] as string))) {
      if (this.#worlds.keyOf(this.#judged(choice).world) === this.#keys[at]) return choice.name
    }
    return '?'
  }

  #found(complete: boolean, violation: Found['violation']): Found {
    return {
      worlds: this.#keys.length,
      transitions: this.#transitions,
      depth: this.#depths.at(-1) as number,
      steps: this.#worlds.steps.size,
      complete,
      cutOff: this.#choices.cutOff,
      exempt: this.#exempt,
      fairRuns: this.#fair.runs,
      fairRounds: this.#fair.roundsMax,
      violation,
    }
  }
}

/** Those of `ring` are an ideal ring and know each other. */
export function initial(
  worlds: Worlds,
  config: CoreConfig,
  { nodes, ring }: Pick<Exploration, 'nodes' | 'ring'>,
): World {
  const slots: Slot[] = Array.from({ length: nodes }, () => ({ life: 0, state: ABSENT }))
  for (const [index, slot] of ring.entries()) {
    const self = worlds.universe.peer(slot, 1)
    const others = [...ring.slice(index + 1), ...ring.slice(0, index)].map((other) => worlds.universe.peer(other, 1))
    const node = new ChordNode({ self, config, random: { nextUint32: () => 0 } })
    const { state } = worlds.steps.start(node, () => place(node, others))
    slots[slot] = { life: 1, state }
  }
  const used = { joins: 0, crashes: 0, leaves: 0, losses: 0, duplicates: 0, late: 0 }
  return { slots, net: [], used, broken: false }
}

function place(node: ChordNode, others: readonly Peer[]): void {
  const { core } = node
  const predecessor = others.at(-1)
  if (predecessor === undefined) return node.create(0)
  core.setStatus('joining')
  core.follow([...others, node.self], 0)
  core.setPredecessor(predecessor, true)
  core.boundary = { peer: predecessor, dead: false }
  const range = { after: predecessor.id, upTo: node.self.id }
  core.setRange(range, { gained: range, cause: 'create' })
  for (const other of others) core.remembered.add(other, true)
  core.timers.stabilizeMs = 0
}

/** `0: member succ 1 2 pred 2 owns (2,0]; …` */
export function showWorld(worlds: Worlds, world: World): string {
  const nodes = world.slots.map(({ state }, slot) => {
    const name = slot.toString(16)
    if (state < 0) return `${name}: ${['absent', 'crashed', 'left'][-state - 1]}`
    const { status, sole, successors, predecessor, range, handover } = worlds.steps.frozen(state)
    const list = sole ? 'sole' : `succ ${successors.map((peer) => peer.id.w4.toString(16)).join(' ') || '-'}`
    const owns = range === undefined ? 'nothing' : `(${range.after.w4.toString(16)},${range.upTo.w4.toString(16)}]`
    const giving = handover === undefined ? '' : ` ${handover.cause}:${handover.phase}`
    return `${name}: ${status} ${list} pred ${predecessor?.id.w4.toString(16) ?? '-'} owns ${owns}${giving}`
  })
  return `${nodes.join('; ')}; ${worlds.messages(world)} in flight`
}
