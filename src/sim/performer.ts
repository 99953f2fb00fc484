/** Performs the actions of plans and scenarios on a simulated ring, and in the end takes every trouble back. */
import { Id } from '../core/id.ts'
import { placeChains } from './chains.ts'
import type { Delay } from './conditions.ts'
import type { SimMember } from './observer.ts'
import type { Action, Settings } from './plan.ts'
import type { Process } from './process.ts'
import type { Stream } from './random.ts'
import { conditionsOf, configOf, networkOf, numberOf } from './settings.ts'
import { Simulation } from './simulation.ts'

const HARMLESS = { lossPercent: 0, duplicatePercent: 0, reorderPercent: 0, corruptPercent: 0 }
const SEEDS_OFFERED = 4
/** Where nobody is left, so many start again. */
const REVIVED_MAX = 8

export class Performer {
  readonly simulation: Simulation
  readonly #settings: Settings
  readonly #lookupsMs: number
  readonly #applications: Stream
  #nextLookupMs: number
  /** Links that differ from the others, or are clogged. */
  readonly #conditioned = new Map<string, readonly [from: string, to: string]>()
  readonly #clogged = new Map<string, readonly [from: string, to: string]>()

  constructor(seed: number, settings: Settings, o: { reboots?: boolean } = {}) {
    this.simulation = new Simulation({ seed, config: configOf(settings), conditions: networkOf(settings), ...o })
    this.simulation.servicesMs = numberOf(settings, 'services')
    this.#settings = settings
    this.#applications = this.simulation.stream('applications')
    this.#lookupsMs = numberOf(settings, 'lookupsMs')
    this.#nextLookupMs = this.#lookupsMs > 0 ? this.#lookupsMs : Number.POSITIVE_INFINITY
  }

  /** What makes no sense (any more) does nothing. */
  perform(action: Action): void {
    const { simulation } = this
    switch (action.verb) {
      case 'run':
        return this.run(action.ms)
      case 'start':
        return this.#start(action)
      case 'chains':
        return this.#place(action)
      case 'restart':
        return this.#restart(action)
      case 'kill':
        return this.#living(action.processes).forEach((name) => void simulation.crash(name))
      case 'vanish':
      case 'leave':
      case 'pause':
      case 'resume': {
        const { verb } = action
        return this.#living(action.processes).forEach((name) => void simulation[verb](name))
      }
      case 'clock':
        return simulation.clock(action.process, { offsetMs: action.offsetMs, rate: action.ratePpm / 1_000_000 })
      case 'stateFile':
        return simulation.failStateFile(action.process, !action.works)
      case 'stopAt':
        return this.#living([action.process]).forEach((name) => void simulation.stopAt(name, action.phase))
      case 'lookup':
        return this.lookup(action.from, idOf(action.key))
      case 'seeds':
        simulation.seeds = action.processes
        return
      default:
        return this.#disturb(action)
    }
  }

  #start(action: Action & { verb: 'start' }): void {
    const { process: address, via } = action
    if (this.simulation.isAlive(address)) return
    this.simulation.start({ address, ids: action.ids.map(idOf), ...(via !== undefined && { via }) })
  }

  #place({ chains }: Action & { verb: 'chains' }): void {
    const { simulation } = this
    const named = chains.map((chain) => chain.map(({ process, id }) => ({ address: process, id: idOf(id) })))
    if (named.flat().some(({ address }) => simulation.isAlive(address))) return
    placeChains(simulation, named)
  }

  #restart({ process, memory, via }: Action & { verb: 'restart' }): void {
    const hasLived = (this.simulation.processes.get(process)?.ids.length ?? 0) > 0
    if (hasLived) this.simulation.restart(process, { memory, ...(via !== undefined && { via }) })
  }

  #disturb(
    action: Extract<Action, { verb: 'network' | 'link' | 'cut' | 'block' | 'mend' | 'clog' | 'unclog' | 'reset' }>,
  ) {
    const { simulation } = this
    switch (action.verb) {
      case 'network':
        return simulation.conditions({ ...networkOf(this.#settings), ...conditionsOf(action.conditions) })
      case 'link':
        this.#conditioned.set(`${action.from} ${action.to}`, [action.from, action.to])
        return simulation.link(action.from, action.to, conditionsOf(action.conditions))
      case 'cut':
        return simulation.cut(action.sides)
      case 'block':
        return simulation.block(action.from, action.to)
      case 'mend':
        return this.mend()
      case 'clog':
        this.#clogged.set(`${action.from} ${action.to}`, [action.from, action.to])
        return simulation.clog(action.from, action.to)
      case 'unclog':
        this.#clogged.delete(`${action.from} ${action.to}`)
        return simulation.unclog(action.from, action.to)
      case 'reset':
        return simulation.reset(action.from, action.to)
      default:
        action satisfies never
    }
  }

  /** The network is whole again. */
  mend(): void {
    const { simulation } = this
    simulation.mend()
    for (const [from, to] of this.#clogged.values()) simulation.unclog(from, to)
    for (const [from, to] of this.#conditioned.values()) simulation.link(from, to, undefined)
    this.#clogged.clear()
    this.#conditioned.clear()
    simulation.conditions(networkOf(this.#settings))
  }

  /** No trouble is left, and nothing that would make some later. Returns how long messages and services take from now on. */
  calm(): { delayMs: number; servicesMs: number } {
    const { simulation } = this
    this.mend()
    const delay = withoutTail(simulation.network.conditions.delay)
    simulation.conditions({ ...HARMLESS, delay })
    for (const process of simulation.processes.values()) {
      process.stopAt = undefined
      process.failsToWrite = false
      if (process.paused) simulation.resume(process.address)
    }
    this.#revive()
    return { delayMs: longestMs(delay), servicesMs: numberOf(this.#settings, 'services') }
  }

  /** If everybody has died or left, some are started again where they were, with their state files. */
  #revive(): void {
    const { simulation } = this
    const all = [...simulation.processes.values()]
    if (all.some(({ alive }) => alive)) return
    const before = all.filter(({ ids }) => ids.length > 0)
    for (const { address } of before.slice(0, REVIVED_MAX)) simulation.restart(address, { memory: 'kept' })
  }

  /** Some who are in a ring become seeds. Where that is not enough, an operator starts another process. */
  offerSeeds(): void {
    const { simulation } = this
    const living = [...simulation.processes.values()].filter(({ alive }) => alive)
    const inside = ({ members }: Process) =>
      members.some(({ node }) => node.core.joined && node.core.departure === undefined)
    const seeds = living.filter(inside).map(({ address }) => address)
    simulation.seeds = seeds.slice(0, SEEDS_OFFERED)
    const leaves = living.some(({ members }) => members.some(({ node }) => node.core.departure !== undefined))
    // Nobody has a ring to join, or nobody is there any more; or one is left of a ring, and waits for the others.
    if (seeds.length === 0 && !leaves) simulation.seeds = [this.#startAnother(undefined)]
    else if (living.length === 1 && living[0]?.members[0]?.node.status === 'isolated') this.#startAnother(seeds[0])
  }

  #startAnother(via: string | undefined): string {
    const address = `f${this.simulation.processes.size}`
    this.simulation.start({ address, ids: [this.#anyId()], ...(via !== undefined && { via }) })
    return address
  }

  /** Applications go on asking meanwhile. */
  run(ms: number): void {
    const { simulation } = this
    const endMs = simulation.nowMs + ms
    while (this.#nextLookupMs <= endMs) {
      simulation.run(this.#nextLookupMs - simulation.nowMs)
      this.#nextLookupMs += this.#lookupsMs
      this.lookUpSomewhere()
    }
    simulation.run(endMs - simulation.nowMs)
  }

  lookUpSomewhere(done?: () => void): void {
    const living = [...this.simulation.processes.values()].filter(({ alive }) => alive)
    const random = this.#applications
    const from = living[random.below(Math.max(1, living.length))]
    if (from !== undefined) this.lookup(from.address, this.#anyKey(living), done)
  }

  /** Anywhere, or where mistakes would be: at the very end of a range, or at the beginning of the next. */
  #anyKey(living: readonly Process[]): Id {
    const random = this.#applications
    const kind = random.below(4)
    if (kind < 2) return this.#anyId()
    const { members } = living[random.below(living.length)] as Process
    const id = (members[random.below(members.length)] as SimMember).node.self.id
    return kind === 2 ? id : id.addPowerOfTwo(0)
  }

  #anyId(): Id {
    const word = () => this.#applications.nextUint32()
    return new Id(word(), word(), word(), word(), word())
  }

  lookup(from: string, key: Id, done?: () => void): void {
    if (this.simulation.isAlive(from)) this.simulation.lookup(from, key, done === undefined ? {} : { done })
  }

  #living(names: readonly string[]): readonly string[] {
    return names.filter((name) => this.simulation.isAlive(name))
  }
}

export function idOf(hex: string): Id {
  return Id.parse(hex.padStart(40, '0'))
}

/** Who is very late now and then is taken for dead now and then. */
function withoutTail(delay: Delay): Delay {
  if (delay.kind === 'heavy') return { kind: 'constant', ms: delay.medianMs }
  return delay.kind === 'bimodal' ? { kind: 'constant', ms: delay.nearMs } : delay
}

function longestMs(delay: Delay): number {
  if (delay.kind === 'uniform') return delay.maxMs
  return delay.kind === 'constant' ? delay.ms : Number.POSITIVE_INFINITY
}
