/**
 * Whole nodes, with services, handlers and clients, on a simulated network under a virtual clock: the same code as in
 * production, in a run that a seed repeats exactly.
 */
import { known } from '../../core/config.ts'
import type { IdOf } from '../../runtime/peers.ts'
import type { RecordingDisk } from '../../runtime/recording-files.ts'
import { SimulatedNetwork } from '../../transports/simulated.ts'
import type { Delay } from '../conditions.ts'
import { flawsOf } from '../flaws.ts'
import { type Stream, streamOf } from '../random.ts'
import { EventOracle } from './event-oracle.ts'
import { History } from './history.ts'
import { checkDelay, checkNumber, checkWhole } from './options.ts'
import { WorldPaths } from './paths.ts'
import type { Surroundings, WorldProcess } from './process.ts'
import { Processes, type Who } from './processes.ts'
import { checkState } from './state-oracle.ts'
import { Trouble, type TroubleOptions } from './trouble.ts'

export interface WorldOptions {
  /** The same seed gives the same run. Default 1. */
  seed?: number
  /** Of what a connection carries, one way. Default: uniform between 0.2 and 1 ms. */
  delay?: Delay
  /** Until a connection over a dead path breaks. Default 30,000. */
  silenceMs?: number
  /** Numeric addresses of names. */
  names?: Readonly<Record<string, readonly string[]>>
  /** In place of SHA-1: where virtual node `index` of an address is. */
  idOf?: IdOf
  /** Where nodes with `record` write, all lives of a host to the same; by default to the real disk. */
  recordings?: (host: string) => RecordingDisk
  /** Gets a line for each fault and each event of a node. */
  log?: (line: string) => void
}

export interface CalmOptions {
  /** How long it may take until the ring is as it should be. Default 120,000. */
  withinMs?: number
  /** How much longer to wait, for it to last. Default 12,000: two look-ups of its own place by each node. */
  quietMs?: number
}

export const WORLD_OPTIONS = ['seed', 'delay', 'silenceMs', 'names', 'idOf', 'recordings', 'log'] as const

const CALM_MS = 120_000
const QUIET_MS = 12_000
const STEP_MS = 50
/** Members that each node looks up. */
const LOOKUPS_MAX = 16
const DELAY: Delay = { kind: 'uniform', minMs: 0.2, maxMs: 1 }

export class World extends Processes {
  readonly seed: number
  /** For the test's own choices. */
  readonly random: Stream
  readonly network: SimulatedNetwork
  /** `calm` has been called. */
  isCalm = false
  protected readonly history: History
  protected readonly around: Surroundings
  readonly #stream: Stream
  readonly #paths: WorldPaths
  readonly #woken = new Set<WorldProcess>()
  #trouble: Trouble | undefined

  /** Errors: ERR_BAD_OPTION. */
  constructor(options: WorldOptions = {}) {
    super()
    known(options, 'world option', WORLD_OPTIONS)
    checkWhole('seed', options.seed, 0)
    checkNumber('silenceMs', options.silenceMs, 0)
    checkDelay(options.delay)
    this.seed = options.seed ?? 1
    const stream = streamOf(this.seed, 'world')
    this.#stream = stream
    this.random = stream.split('test')
    this.#paths = new WorldPaths(stream.split('paths'), options.delay ?? DELAY)
    const { silenceMs, names = {}, idOf, recordings, log } = options
    this.network = new SimulatedNetwork({ paths: this.#paths, ...(silenceMs !== undefined && { silenceMs }) })
    this.history = new History(() => this.network.clock.nowMs(), log)
    this.network.onBytes = (from, to, bytes) => this.history.bytes(from, to, bytes)
    this.around = {
      network: this.network,
      stream,
      names,
      idOf,
      recordings,
      hosts: () => this.hosts(),
      woke: (process) => void this.#woken.add(process),
      handover: (process, handover) => this.toldOfHandover(process, handover),
    }
  }

  /** Of all bytes, events and faults up to now: two runs of a seed have the same. */
  get hash(): string {
    return this.history.hash
  }

  /** How many faults there were, by kind. */
  get faults(): Readonly<Record<string, number>> {
    const { corrupted } = this.#paths
    return { ...this.history.faults, ...(corrupted > 0 && { corruptedBytes: corrupted }) }
  }

  // The network.

  /** Nodes of different groups do not reach each other. Those in no group are one more. */
  partition(...groups: readonly (readonly Who[])[]): void {
    this.history.fault('partition', groups.map((group) => group.map((who) => this.#host(who)).join('+')).join('|'))
    this.#paths.divide(groups.map((group) => group.map((who) => this.#host(who))))
  }

  /** What `from` sends does not reach `to`. */
  cut(from: Who, to: Who): void {
    this.#change('cut', from, to).isCut = true
  }

  /** What `from` sends to `to` waits, in order. */
  clog(from: Who, to: Who): void {
    this.#change('clog', from, to).isClogged = true
  }

  /** What `from` sends to `to` arrives as at the beginning: not cut, clogged, slow or corrupted. */
  mend(from: Who, to: Who): void {
    this.#paths.of(this.#host(from), this.#host(to)).mend()
    this.network.resume()
  }

  /** Connections between the two break, and what is under way is lost. */
  reset(a: Who, b: Who): void {
    this.history.fault('reset', this.#host(a), this.#host(b))
    this.network.reset(this.#host(a), this.#host(b))
  }

  /** So many of a hundred reads that `to` makes of what `from` sent have a bit flipped. */
  corrupt(from: Who, to: Who, percent: number): void {
    checkNumber('percent', percent, 0, 100)
    this.#change('corrupt', from, to).corruptPercent = percent
  }

  slow(from: Who, to: Who, delay: Delay): void {
    checkDelay(delay)
    this.#change('slow', from, to).delay = delay
  }

  /** Every path is as at the beginning, and there is no partition. */
  heal(): void {
    this.history.fault('heal')
    this.#paths.mendAll()
    this.network.resume()
  }

  #change(kind: string, from: Who, to: Who) {
    this.history.fault(kind, this.#host(from), this.#host(to))
    return this.#paths.of(this.#host(from), this.#host(to))
  }

  #host(who: Who): string {
    return this.process(who).host
  }

  // What must be.

  /** What is missing to one ring in order, with every range where it belongs; nothing if all is well. */
  flaws(): string[] {
    const members = this.processes.flatMap(({ cores }) => cores.map((node) => ({ node })))
    members.sort((a, b) => a.node.self.id.compare(b.node.self.id))
    return flawsOf(members)
  }

  /** Faults at random from now on, until `calm`. */
  trouble(options: TroubleOptions = {}): Trouble {
    this.#trouble ??= new Trouble(this, this.#stream.split('trouble'), options)
    return this.#trouble
  }

  /**
   * Ends all faults, waits until the ring is as it should be, and some quiet longer. Throws if that takes too long, if
   * it does not last, or if a look-up finds anybody but the owner.
   */
  async calm({ withinMs = CALM_MS, quietMs = QUIET_MS }: CalmOptions = {}): Promise<void> {
    this.isCalm = true
    this.#trouble?.stop()
    this.heal()
    for (const process of this.everybody) process.relieve()
    const endMs = this.nowMs + withinMs
    while (this.flaws().length > 0 && this.nowMs < endMs) await this.run(STEP_MS)
    if (this.flaws().length > 0)
      throw new Error(`no ring ${withinMs} ms after the last fault: ${this.flaws().join('; ')}`)
    await this.run(quietMs)
    if (this.flaws().length > 0) throw new Error(`a ring that was in order is so no more: ${this.flaws().join('; ')}`)
    await this.settle(this.#lookUp())
  }

  /** From every node to every member, where the range of that one begins and ends. */
  async #lookUp(): Promise<void> {
    const { nodes } = this
    const members = nodes.flatMap((node) => node.members)
    const asked = [...members].sort((a, b) => a.id.compare(b.id)).slice(0, LOOKUPS_MAX)
    for (const node of nodes) {
      for (const { id, address } of asked) {
        const { owner } = await node.lookup(id)
        if (owner.address !== address)
          throw new Error(`${node.address} finds ${owner.address} in the place of ${address}`)
      }
    }
  }

  protected began(process: WorldProcess): void {
    const { node } = process
    new EventOracle(node, (what) => this.fail(new Error(`events of ${process.address}: ${what}`)))
  }

  protected afterEvent(): void {
    for (const process of this.#woken) {
      const wrong = checkState(process.cores)
      if (wrong !== undefined) this.fail(new Error(`${process.address}: ${wrong}`))
    }
    this.#woken.clear()
  }
}
