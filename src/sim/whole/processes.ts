/** The nodes and clients of a world, and what can happen to their processes. */
import type { Caller, ChordNode, ClientOptions } from '../../api.ts'
import { clientSettings, known } from '../../core/config.ts'
import { connectWith } from '../../runtime/client.ts'
import type { SimulatedNetwork } from '../../transports/simulated.ts'
import { Disk, MEMORIES, type Memory } from './disk.ts'
import type { Handover } from './handover.ts'
import { bad, checkNumber } from './options.ts'
import {
  environmentOf,
  PORT,
  type SetUp,
  type Surroundings,
  WORLD_NAME,
  type WorldNode,
  WorldProcess,
} from './process.ts'
import type { ClockFault } from './process-clock.ts'
import { Timeline } from './timeline.ts'

/** A node, or its address. */
export type Who = ChordNode | string

/** Of whom a new node is told. */
const CONTACTS = 3
const START_MS = 60_000
const QUIET_MS = 3_000

export abstract class Processes extends Timeline {
  abstract override readonly network: SimulatedNetwork
  protected abstract readonly around: Surroundings
  readonly #processes: WorldProcess[] = []
  /** Those of earlier lives too. */
  readonly #ofNode = new WeakMap<ChordNode, WorldProcess>()
  readonly #onHandover: ((node: ChordNode, handover: Handover) => void)[] = []
  #clients = 0

  /** Those that run, paused ones too, oldest first. */
  get nodes(): readonly ChordNode[] {
    return this.processes.map(({ node }) => node)
  }

  /** The dead and those that have left, too. */
  protected get everybody(): readonly WorldProcess[] {
    return this.#processes
  }

  protected get processes(): readonly WorldProcess[] {
    return this.#processes.filter((process) => process.isAlive)
  }

  /** A node on a host of its own that has not been started: it will join through those that run now. */
  create(node: WorldNode = {}, setUp?: SetUp): ChordNode {
    const host = `10.0.${this.#processes.length >> 8}.${this.#processes.length & 255}`
    const process = new WorldProcess(host, node, setUp, this.around)
    const join = this.#contacts(process)
    this.#processes.push(process)
    return this.#begin(process, join)
  }

  /** The same, started. */
  start(node: WorldNode = {}, setUp?: SetUp): Promise<ChordNode> {
    return this.settle(this.create(node, setUp).start({ timeoutMs: START_MS }), START_MS + 1)
  }

  /** So many nodes, one after the other, and then some quiet. */
  async grow(count: number, node: WorldNode = {}, setUp?: SetUp): Promise<ChordNode[]> {
    const grown: ChordNode[] = []
    for (let i = 0; i < count; i++) grown.push(await this.start(node, setUp))
    await this.run(QUIET_MS)
    return grown
  }

  /** A client on a host of its own. */
  client(options: Partial<ClientOptions> = {}): Promise<Caller> {
    const host = `10.1.${this.#clients >> 8}.${this.#clients++ & 255}`
    const own = { disk: new Disk(), woke: () => {}, opened: () => {} }
    const { environment } = environmentOf(this.around, host, 1, {}, own)
    // When those that it knew have gone, it finds others.
    const to = [...this.nodes.slice(0, CONTACTS).map(({ address }) => address), `dns://${WORLD_NAME}:${PORT}`]
    return this.settle(connectWith(clientSettings({ to, ...options }), environment))
  }

  /** As SIGKILL: connections break, others are refused. */
  kill(who: Who): void {
    this.#end(who, 'kill', false)
  }

  /** As if its host had lost its power: nothing is closed, nothing answers. */
  vanish(who: Who): void {
    this.#end(who, 'vanish', true)
  }

  /** The next life at the same address, with what is left of its files. If it still runs, it is killed. */
  restart(who: Who, memory: Memory = 'kept'): Promise<ChordNode> {
    if (!MEMORIES.includes(memory)) throw bad(`memory is ${MEMORIES.join(', ')}, not '${memory}'`)
    const process = this.process(who)
    if (process.isAlive) process.die(false)
    this.history.fault('restart', process.address, memory)
    process.disk.forget(memory)
    return this.settle(this.#begin(process, this.#contacts(process)).start({ timeoutMs: START_MS }), START_MS + 1)
  }

  /** Its process stands still: time passes, connections stay, nothing is answered. For `forMs`, or until `resume`. */
  pause(who: Who, forMs?: number): void {
    const process = this.process(who)
    const { life } = process
    this.history.fault('pause', process.address)
    process.clock.pause()
    if (forMs === undefined) return
    this.clock.setTimer(forMs, () => {
      if (process.life === life) process.clock.resume()
    })
  }

  resume(who: Who): void {
    this.process(who).clock.resume()
  }

  /** Takes leave in order. */
  async leave(who: Who): Promise<void> {
    const process = this.process(who)
    this.history.fault('leave', process.address)
    process.state = 'left'
    await this.settle(process.node.leave())
  }

  /** Another process with the address, and so the ids, of one that lives. Rejects with ERR_DUPLICATE_ID if all is well. */
  duplicate(who: Who): Promise<ChordNode> {
    const { address } = this.process(who)
    this.history.fault('duplicate', address)
    const node = this.create({ advertise: address, join: this.nodes.map((one) => one.address).slice(0, CONTACTS) })
    const process = this.process(node)
    return this.settle(
      node.start({ timeoutMs: START_MS }).catch((error) => {
        process.state = 'left'
        throw error
      }),
      START_MS + 1,
    )
  }

  /** How fast its time goes from now on, and how far its wall clock is off when it starts next. */
  setClock(who: Who, fault: ClockFault): void {
    const process = this.process(who)
    known(fault, 'clock fault', ['offsetMs', 'rate'])
    checkNumber('offsetMs', fault.offsetMs, -Number.MAX_SAFE_INTEGER)
    checkNumber('rate', fault.rate, 0.001, 1000)
    this.history.fault('clock', process.address)
    process.clockFault = { ...process.clockFault, ...fault }
    if (fault.rate !== undefined) process.clock.setRate(fault.rate)
  }

  /** Its state file cannot be written any more, or can again. */
  fillDisk(who: Who, isFull = true): void {
    const process = this.process(who)
    if (isFull) this.history.fault('disk', process.address)
    process.disk.isFull = isFull
  }

  /** As if all its queues were full: it sends nothing but what keeps connections up. */
  choke(who: Who, on = true): void {
    const process = this.process(who)
    if (on) this.history.fault('choke', process.address)
    process.choke(on)
  }

  /** Called at each step of each hand-over: a good moment to kill a node. */
  onHandover(fn: (node: ChordNode, handover: Handover) => void): void {
    this.#onHandover.push(fn)
  }

  /** Who says that it owns the key. */
  owners(key: string): ChordNode[] {
    return this.nodes.filter((node) => node.owns(key) !== undefined)
  }

  /** Of a few that run. */
  protected hosts(): string[] {
    return this.processes.slice(0, CONTACTS).map(({ host }) => host)
  }

  protected process(who: Who): WorldProcess {
    const found = typeof who === 'string' ? this.#processes.find((one) => one.address === who) : this.#ofNode.get(who)
    if (found === undefined) throw new Error(`nobody in this world is ${typeof who === 'string' ? who : who.address}`)
    return found
  }

  /** A process begins a life. */
  protected abstract began(process: WorldProcess): void

  protected toldOfHandover(process: WorldProcess, handover: Handover): void {
    for (const fn of this.#onHandover) fn(process.node, handover)
  }

  #begin(process: WorldProcess, join: readonly string[]): ChordNode {
    const node = process.begin(join)
    this.#ofNode.set(node, process)
    this.history.listen(node, () => process.address)
    node.on('state', ({ current }) => {
      if (current === 'closed' && process.node === node && process.isAlive) process.state = 'left'
    })
    this.began(process)
    return node
  }

  #contacts(joiner: WorldProcess): string[] {
    const others = this.#processes.filter((one) => one !== joiner && one.isAlive)
    return others.slice(0, CONTACTS).map(({ address }) => address)
  }

  #end(who: Who, how: string, silent: boolean): void {
    const process = this.process(who)
    this.history.fault(how, process.address)
    process.die(silent)
  }
}
