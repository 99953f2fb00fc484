/**
 * A ring of cores in simulated time: the production protocol, and everything around it imitated. The same seed and the
 * same calls give the same run, on every version of Node.js.
 */
import type { ChordNode, CoreConfig } from '../core/chord-node.ts'
import { DEFAULT_LIMITS, DEFAULT_TIMING } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import type { Message, Peer } from '../core/messages.ts'
import type { Conditions } from './conditions.ts'
import { Engine } from './engine.ts'
import { flawsOf } from './flaws.ts'
import { LifeCycle, type Start } from './lives.ts'
import type { Link, Network, Packet } from './network.ts'
import type { Observer, SimMember } from './observer.ts'
import { type Placement, placeRing } from './placement.ts'
import type { Memory, Phase, Process } from './process.ts'
import { type Label, type Stream, streamOf } from './random.ts'
import { type LookupOptions, Traffic } from './traffic.ts'

export interface SimulationOptions {
  readonly seed?: number
  readonly config?: Partial<CoreConfig>
  readonly conditions?: Partial<Conditions>
  /** Addresses that processes find when they look their seeds up. */
  readonly seeds?: readonly string[]
  /** Time that the services take over a hand-over. Default: none. */
  readonly servicesMs?: number
  /** Whether a process that learns of a later life of its starts again above it. Default: true, as real ones do. */
  readonly reboots?: boolean
}

export const DEFAULT_CONFIG: CoreConfig = coreConfig()

export class Simulation {
  readonly seed: number
  readonly #engine: Engine
  readonly #lives: LifeCycle
  readonly #traffic: Traffic

  constructor(o: SimulationOptions = {}) {
    this.seed = o.seed ?? 1
    this.#engine = new Engine(this.seed, { ...DEFAULT_CONFIG, ...o.config }, o.conditions ?? {})
    this.#engine.servicesMs = o.servicesMs ?? 0
    this.#lives = new LifeCycle(this.#engine, o.reboots ?? true)
    this.#lives.seedAddresses = o.seeds ?? []
    this.#traffic = new Traffic(this.#engine)
  }

  get nowMs(): number {
    return this.#engine.nowMs
  }

  /** Inputs of cores, and faults, so far. */
  get events(): number {
    return this.#engine.events
  }

  get messages(): number {
    return this.#engine.messages
  }

  get config(): CoreConfig {
    return this.#engine.config
  }

  get network(): Network {
    return this.#engine.network
  }

  get processes(): ReadonlyMap<string, Process> {
    return this.#engine.processes
  }

  /** A stream of random numbers for whoever uses the simulation; the same labels, the same numbers. */
  stream(...labels: readonly Label[]): Stream {
    return streamOf(this.seed, 'user', ...labels)
  }

  observe(observer: Observer): this {
    this.#engine.watchers.add(observer)
    return this
  }

  // Time.

  /** Does the next thing that is due. False: nothing is. */
  step(): boolean {
    return this.#engine.step(Number.MAX_VALUE)
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs
    while (this.#engine.step(endMs));
    this.#engine.nowMs = endMs
  }

  /** Calls `fn` when that much time has passed. */
  after(delayMs: number, fn: () => void): void {
    this.#engine.after(delayMs, fn)
  }

  // Who lives.

  /** Live members, those of one process after those of another. */
  *members(): Generator<SimMember> {
    for (const process of this.processes.values()) yield* process.members
  }

  /** Live members in ring order. */
  sorted(): readonly SimMember[] {
    return this.#lives.sorted()
  }

  /** Live virtual nodes at an address. */
  at(address: string): readonly SimMember[] {
    return this.processes.get(address)?.members ?? []
  }

  /** Who lives, or lived, there. */
  process(address: string): Process | undefined {
    return this.processes.get(address)
  }

  isAlive(address: string): boolean {
    return this.processes.get(address)?.alive ?? false
  }

  /** Errors: somebody lives there. */
  start(o: Start): readonly SimMember[] {
    return this.#lives.start(o).members
  }

  /** Another virtual node of a process that lives already. */
  grow(address: string, id: Id, o: { via?: string; incarnation?: bigint } = {}): SimMember {
    return this.#lives.grow(this.#living(address), id, o.via, o.incarnation)
  }

  /** kill -9: connections break, later ones are refused. */
  crash(address: string): void {
    const process = this.#living(address)
    this.#engine.fault('crash', [address])
    this.#lives.end(process, false)
  }

  /** The machine is gone: silence. */
  vanish(address: string): void {
    const process = this.#living(address)
    this.#engine.fault('vanish', [address])
    this.#lives.end(process, true)
  }

  /** Again at its address with its ids; whoever still lives there crashes first. */
  restart(address: string, o: { memory?: Memory; via?: string | readonly string[]; incarnation?: bigint } = {}): void {
    const process = this.#engine.process(address)
    if (process.ids.length === 0) throw new Error(`nobody ever lived at ${address}`)
    if (process.alive) this.crash(address)
    this.#engine.fault('restart', [address])
    const via = typeof o.via === 'string' ? [o.via] : o.via
    this.#lives.restart(process, o.memory ?? 'kept', via ?? process.via, o.incarnation)
  }

  leave(address: string): void {
    const process = this.#living(address)
    this.#engine.fault('leave', [address])
    this.#engine.input(process, { kind: 'leave' })
  }

  /** Stopped, as by a signal or a long collection of garbage: what arrives waits, and time goes on. */
  pause(address: string): void {
    const process = this.#living(address)
    this.#engine.fault('pause', [address])
    this.#engine.pause(process)
  }

  resume(address: string): void {
    const process = this.#living(address)
    if (!process.paused) return
    this.#engine.fault('resume', [address])
    this.#engine.resume(process)
  }

  /** Its clock runs at `rate` from now on; by `offsetMs` it is wrong when the process starts the next time. */
  clock(address: string, o: { offsetMs?: number; rate?: number }): void {
    const process = this.#engine.process(address)
    this.#engine.fault('clock', [address])
    if (o.offsetMs !== undefined) process.offsetMs = o.offsetMs
    if (o.rate === undefined) return
    process.setRate(o.rate, this.nowMs)
    for (const member of process.members) {
      member.wakeMs = Number.POSITIVE_INFINITY
      this.#engine.wake(member)
    }
  }

  /** It crashes as soon as a hand-over of one of its members comes to that phase. */
  stopAt(address: string, phase: Phase): void {
    this.#living(address).stopAt = phase
  }

  failStateFile(address: string, fails: boolean): void {
    this.#engine.fault('state-file', [address])
    this.#engine.process(address).failsToWrite = fails
  }

  /** Errors: nobody lives there. */
  #living(address: string): Process {
    const process = this.processes.get(address)
    if (process === undefined || !process.alive) throw new Error(`nobody lives at ${address}`)
    return process
  }

  /** An application at that address asks for the owner of a key. Ends in `done`, and in observers' `lookup`. */
  lookup(from: string, key: Id, o: LookupOptions = {}): void {
    this.#traffic.lookup(this.#living(from), key, o)
  }

  // The network.

  set seeds(addresses: readonly string[]) {
    this.#lives.seedAddresses = addresses
  }

  get seeds(): readonly string[] {
    return this.#lives.seedAddresses
  }

  /** Time that the services take over a hand-over. */
  set servicesMs(ms: number) {
    this.#engine.servicesMs = ms
  }

  /** Of all links that have none of their own. */
  conditions(conditions: Partial<Conditions>): void {
    this.#engine.fault('conditions', [])
    this.network.conditions = { ...this.network.conditions, ...conditions }
  }

  /** Of one directed link; undefined: as all others. */
  link(from: string, to: string, conditions: Partial<Conditions> | undefined): void {
    this.#engine.fault('conditions', [from, to])
    this.network.condition(this.#engine.process(from), this.#engine.process(to), conditions)
  }

  /** No side hears another. Who is in none is on a side with the others that are in none. */
  cut(sides: readonly Iterable<string>[]): void {
    this.#engine.fault(
      'cut',
      sides.flatMap((side) => [...side]),
    )
    this.network.cut(sides)
  }

  /** One-way. */
  block(from: Iterable<string>, to: Iterable<string>): void {
    this.#engine.fault('cut', [...from, ...to])
    this.network.block(from, to)
  }

  /** Every cut and block is over. */
  mend(): void {
    this.#engine.fault('mend', [])
    this.network.mend()
  }

  /** What is sent from one to the other waits, and arrives in order once the link is free again. */
  clog(from: string, to: string): void {
    this.#engine.fault('clog', [from, to])
    this.#engine.clog(this.#link(from, to))
  }

  unclog(from: string, to: string): void {
    this.#engine.fault('unclog', [from, to])
    this.#engine.unclog(this.#link(from, to))
  }

  /** The connection breaks at both ends; what is under way on it is lost. */
  reset(from: string, to: string): void {
    this.#engine.fault('reset', [from, to])
    this.#engine.reset(this.#link(from, to))
  }

  #link(from: string, to: string): Link {
    return this.network.link(this.#engine.process(from), this.#engine.process(to))
  }

  // Single messages.

  /** False loses a message. */
  set filter(filter: ((from: string, to: string, message: Message) => boolean) | undefined) {
    this.#engine.filter = filter
  }

  /** True keeps a message back, in `held`. */
  set holds(holds: ((from: Peer, to: Peer, message: Message) => boolean) | undefined) {
    this.#engine.holds = holds
  }

  /** Messages kept back, in the order in which they were sent. */
  get held(): readonly Packet[] {
    return this.#engine.held
  }

  /** Of those held: arrives now. */
  deliver(packet: Packet): void {
    this.#unhold(packet)
    this.#engine.deliver(packet)
  }

  drop(packet: Packet): void {
    this.#unhold(packet)
    this.#engine.lose(packet)
  }

  #unhold(packet: Packet): void {
    this.#engine.held = this.#engine.held.filter((other) => other !== packet)
  }

  // Rings that are there at once, and how they are.

  /** A ring that is already there, as given. */
  place(placements: readonly Placement[]): readonly SimMember[] {
    return placeRing(this, placements)
  }

  /** A node in the middle of its life: `setUp` makes it so. */
  put(self: Peer, setUp: (node: ChordNode, nowMs: number) => void): SimMember {
    return this.#lives.put(self, setUp)
  }

  /** What is not as it would be on an ideal ring of the live members; empty when all is well. */
  flaws(): string[] {
    return flawsOf(this.sorted())
  }

  /** Runs until the ring is ideal, and returns how long that took. Errors: the flaws, if it is not within `limitMs`. */
  settle(limitMs: number, stepMs = 50): number {
    const startMs = this.nowMs
    while (this.flaws().length > 0) {
      if (this.nowMs - startMs >= limitMs) {
        throw new Error(`not ideal after ${limitMs} ms:\n  ${this.flaws().slice(0, 12).join('\n  ')}`)
      }
      this.run(stepMs)
    }
    return this.nowMs - startMs
  }
}

/** What a node has that sets nothing. */
function coreConfig(): CoreConfig {
  const { connectMs: _, idleMs: __, ...timing } = DEFAULT_TIMING
  return { successors: 8, onIsolated: 'wait', rememberedPeers: DEFAULT_LIMITS.rememberedPeers, ...timing }
}
