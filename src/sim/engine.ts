/**
 * The one loop: what is due next becomes the input of a core, and what the core then wants done becomes what is due later.
 * `lives.ts` starts and ends processes; `simulation.ts` is what users hold.
 */
import type { CoreConfig } from '../core/chord-node.ts'
import { isQuestion, type Message, type Peer } from '../core/messages.ts'
import type { Output } from '../core/output.ts'
import { type Conditions, LANE } from './conditions.ts'
import { corrupted } from './corruption.ts'
import { causeOf, give, type Input } from './input.ts'
import { type Link, Network, Packet, type Parcel } from './network.ts'
import type { Cause, FaultKind } from './observer.ts'
import { type Member, Process } from './process.ts'
import { EventQueue } from './queue.ts'
import { Watchers } from './watchers.ts'

interface Call {
  readonly kind: 'call'
  readonly run: () => void
}

/** What a process hears of another's connections or end. */
export type News = 'connectionLost' | 'refused' | 'departed'

/** What becomes of members and processes is decided elsewhere. */
export interface Lives {
  /** A member was given an input: has the process come to a turn of its life? */
  settled(member: Member): void
  /** A member wants contacts. */
  seeds(member: Member): void
  /** It must not go on: another has its id, or it is not the latest of its lives. */
  refuted(member: Member, known: bigint | undefined): void
}

/** Events of one instant: more than this, and the ring is chasing its tail. */
const INSTANT_MAX = 2_000_000
const TIMEOUT: Input = { kind: 'timeout' }

export class Engine {
  nowMs = 0
  /** Inputs of cores, and faults. */
  events = 0
  /** Messages sent. */
  messages = 0
  /** Time that the services take over a hand-over. */
  servicesMs = 0
  readonly seed: number
  readonly config: CoreConfig
  readonly network: Network
  readonly watchers = new Watchers()
  readonly processes = new Map<string, Process>()
  readonly queue = new EventQueue<Packet | Parcel | Member | Call>()
  /** False loses a message. */
  filter: ((from: string, to: string, message: Message) => boolean) | undefined = undefined
  /** True keeps a message back, in `held`. */
  holds: ((from: Peer, to: Peer, message: Message) => boolean) | undefined = undefined
  held: Packet[] = []
  lives: Lives = { settled() {}, seeds() {}, refuted() {} }
  #flights = 0
  #instantMs = 0
  #ofInstant = 0

  constructor(seed: number, config: CoreConfig, conditions: Partial<Conditions>) {
    this.seed = seed
    this.config = config
    this.network = new Network(seed, conditions)
  }

  process(address: string): Process {
    let process = this.processes.get(address)
    if (process === undefined) {
      process = new Process(address, this.processes.size)
      this.processes.set(address, process)
    }
    return process
  }

  after(delayMs: number, run: () => void): void {
    this.queue.push(this.nowMs + delayMs, { kind: 'call', run })
  }

  fault(kind: FaultKind, addresses: readonly string[]): void {
    this.events++
    this.watchers.fault({ kind, addresses })
  }

  /** The next thing that is due by then. Returns whether there was one. */
  step(untilMs: number): boolean {
    const atMs = this.queue.nextMs()
    if (atMs > untilMs) return false
    const item = this.queue.pop() as Packet | Parcel | Member | Call
    this.#advance(atMs)
    if (item.kind === 'packet') this.#land(item)
    else if (item.kind === 'member') this.#wakeUp(item)
    else if (item.kind === 'parcel') this.#hand(item)
    else item.run()
    return true
  }

  #advance(atMs: number): void {
    if (atMs > this.nowMs) this.nowMs = atMs
    if (this.nowMs > this.#instantMs) {
      this.#instantMs = this.nowMs
      this.#ofInstant = 0
    } else if (++this.#ofInstant > INSTANT_MAX) throw new Error(`the simulation does not come to rest at ${atMs} ms`)
  }

  // Inputs of cores.

  /** For each member of the process, if that is still the same life; after a pause, if it pauses. */
  input(process: Process, input: Input): void {
    const { life } = process
    if (process.paused) {
      process.waiting.push(() => this.#giveAll(process, life, input))
    } else this.#giveAll(process, life, input)
  }

  #giveAll(process: Process, life: number, input: Input): void {
    for (const member of [...process.members]) {
      // An input may have ended the process, or have begun its next life.
      if (process.life !== life) return
      if (member.alive) this.#give(member, input)
    }
  }

  /** The same for one member. */
  inputOf(member: Member, input: Input): void {
    if (!member.alive) return
    if (member.process.paused) {
      member.process.waiting.push(() => this.inputOf(member, input))
    } else this.#give(member, input)
  }

  #give(member: Member, input: Input, localMs = member.process.localMs(this.nowMs)): void {
    this.events++
    this.watchers.input(member, input, localMs)
    give(member.node, input, localMs)
    this.drain(member, causeOf(input))
  }

  #wakeUp(member: Member): void {
    const { node, process } = member
    if (!member.alive || process.paused || member.wakeMs !== this.nowMs) return
    // Rounding must not make it wake a moment too early, again and again.
    const localMs = Math.max(process.localMs(this.nowMs), member.wakeLocalMs)
    member.wakeMs = Number.POSITIVE_INFINITY
    if (node.nextTimeout() > localMs) this.wake(member)
    else this.#give(member, TIMEOUT, localMs)
  }

  /** At most one entry of the queue counts for each member, and one that comes too early looks again. */
  wake(member: Member): void {
    const { node, process } = member
    const localMs = node.nextTimeout()
    if (localMs === Number.POSITIVE_INFINITY || process.paused) return
    const atMs = Math.max(this.nowMs, process.simulatedMs(localMs))
    if (atMs >= member.wakeMs) return
    member.wakeMs = atMs
    member.wakeLocalMs = localMs
    this.queue.push(atMs, member)
  }

  /** Does what the core wants done. */
  drain(member: Member, cause: Cause): void {
    const { outputs } = member.node.core
    let refuted: { known: bigint | undefined } | undefined
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i] as Output
      this.watchers.output(member, output)
      if (output.kind === 'send') this.#send(member, output.to, output.request, output.message)
      else if (output.kind === 'event') {
        const { event } = output
        this.watchers.event(member, event)
        if (event.type === 'state' && event.current === 'isolated') member.process.isolatedMs = this.nowMs
        if (event.type === 'duplicate') refuted = { known: undefined }
        else if (event.type === 'staleIncarnation') refuted = { known: event.known }
      } else if (output.kind === 'seeds') this.lives.seeds(member)
      else this.#startServices(member, output.token)
    }
    // One by one: cutting the length gives the memory back, and the next output has to ask for it.
    for (let left = outputs.length; left > 0; left--) outputs.pop()
    this.watchers.stepped(member, cause)
    if (refuted !== undefined) return this.lives.refuted(member, refuted.known)
    this.wake(member)
    this.lives.settled(member)
  }

  #startServices(member: Member, token: number): void {
    this.after(this.servicesMs, () => {
      this.inputOf(member, { kind: 'handedOver', token })
    })
  }

  // Messages.

  #send(member: Member, to: Peer, request: number, message: Message): void {
    const from = member.node.self
    const { process } = member
    const link = process.links.get(to.address) ?? this.network.link(process, this.process(to.address))
    this.transmit(link, from, to, request, message)
  }

  transmit(link: Link, from: Peer, to: Peer, request: number, message: Message): void {
    const { network } = this
    const conditions = network.conditionsOf(link)
    const n = link.count++
    this.messages++
    const packet = new Packet(this.#flights++, link, n, from, to, request, message, this.nowMs)
    this.watchers.sent(packet)
    if (this.filter?.(from.address, to.address, message) === false) return this.lose(packet)
    if (this.holds?.(from, to, message) === true) {
      this.held.push(packet)
      return
    }
    if (network.happens(link, LANE.loss, conditions.lossPercent, n)) {
      this.fault('loss', [from.address, to.address])
      return this.lose(packet)
    }
    packet.corrupt = network.happens(link, LANE.corrupt, conditions.corruptPercent, n)
    this.#carry(packet, n, LANE.delay)
    if (!network.happens(link, LANE.duplicate, conditions.duplicatePercent, n)) return
    this.fault('duplicate', [from.address, to.address])
    const copy = new Packet(this.#flights++, link, n, from, to, request, message, this.nowMs)
    this.watchers.sent(copy)
    this.#carry(copy, n, LANE.copy)
  }

  #carry(packet: Packet, n: number, lane: number): void {
    const { link } = packet
    if (link.clogged !== undefined) link.clogged.push(packet)
    else if (this.network.isCut(link)) this.lose(packet)
    else this.queue.push(this.network.arrivalMs(link, n, this.nowMs, lane), packet)
  }

  lose(packet: Packet): void {
    this.watchers.landed(packet, 'lost')
  }

  /** For one that was held back. */
  deliver(packet: Packet): void {
    this.#land(packet)
  }

  #land(packet: Packet): void {
    const { link } = packet
    const process = link.to
    if (packet.broken !== link.broken || this.network.isCut(link)) return this.lose(packet)
    if (link.clogged !== undefined) {
      link.clogged.push(packet)
      return
    }
    if (!process.alive) {
      this.lose(packet)
      if (!process.silent) this.refuse(link)
      return
    }
    if (process.paused) {
      process.waiting.push(() => this.#land(packet))
      return
    }
    link.usedMs = this.nowMs
    if (packet.corrupt) this.#receiveCorrupt(packet)
    else this.#receive(packet, packet.message, packet.request)
  }

  #receive(packet: Packet, message: Message, request: number): void {
    const { link, from, to } = packet
    const process = link.to
    this.watchers.landed(packet, 'delivered')
    const member = process.find(to)
    if (member !== undefined) {
      return this.#give(member, { kind: 'message', from, request, message })
    }
    // Whoever was asked lives no more, or never lived here.
    if (!isQuestion(message)) return
    const speaker = process === link.from ? to : (process.members[0] as Member).node.self
    this.transmit(link.back(this.network), speaker, from, request, { type: 'notMember', joining: false })
  }

  #receiveCorrupt(packet: Packet): void {
    const { link, from, to } = packet
    const addresses = [from.address, to.address]
    const read = corrupted(packet, this)
    this.fault(read === undefined ? 'garbled' : 'corrupt', addresses)
    if (read !== undefined) return this.#receive(packet, read.message, read.request)
    this.lose(packet)
    this.reset(link)
  }

  /** For applications: look-ups, and answers to them. */
  parcel(from: Process, to: Process, arrive: () => void, dead?: (silent: boolean) => void): void {
    const link = this.network.link(from, to)
    const parcel: Parcel = { kind: 'parcel', link, broken: link.broken, arrive, dead }
    const atMs = this.network.parcelMs(link, link.parcels++, this.nowMs)
    if (link.clogged !== undefined) link.clogged.push(parcel)
    else if (!this.network.isCut(link) && atMs < Number.POSITIVE_INFINITY) this.queue.push(atMs, parcel)
  }

  #hand(parcel: Parcel): void {
    const { link, arrive, dead } = parcel
    const { to } = link
    if (parcel.broken !== link.broken || this.network.isCut(link)) return
    if (link.clogged !== undefined) link.clogged.push(parcel)
    else if (!to.alive) {
      dead?.(to.silent)
      if (!to.silent) this.refuse(link)
    } else if (to.paused) to.waiting.push(() => this.#hand(parcel))
    else {
      this.events++
      link.usedMs = this.nowMs
      arrive()
    }
  }

  // Connections.

  /** The connection breaks, and with it what is under way either way. */
  reset(link: Link): void {
    const back = link.back(this.network)
    link.broken++
    back.broken++
    this.tell(link.to, link.from, 'connectionLost')
    this.tell(link.from, link.to, 'connectionLost')
  }

  /** Nobody listens there: that takes a way back. */
  refuse(link: Link): void {
    const { life } = link.from
    this.news(link.back(this.network), () => {
      if (link.from.life === life) this.tell(link.to, link.from, 'refused')
    })
  }

  /** Something that `link.from` does not say itself, but that its machine or its end does. */
  news(link: Link, run: () => void): void {
    if (this.network.isCut(link)) return
    const atMs = this.network.arrivalMs(link, link.count++, this.nowMs, LANE.news)
    this.queue.push(atMs, { kind: 'call', run })
  }

  tell(of: Process, to: Process, news: News): void {
    this.input(to, { kind: news, address: of.address })
  }

  clog(link: Link): void {
    link.clogged ??= []
  }

  unclog(link: Link): void {
    const packets = link.clogged ?? []
    link.clogged = undefined
    for (const packet of packets) this.queue.push(this.nowMs, packet)
  }

  pause(process: Process): void {
    process.paused = true
    for (const member of process.members) member.wakeMs = Number.POSITIVE_INFINITY
  }

  /** Timers that have run out come first, as in an event loop; then what arrived meanwhile, in order. */
  resume(process: Process): void {
    process.paused = false
    for (const member of process.members) this.wake(member)
    for (const run of process.waiting.splice(0)) this.queue.push(this.nowMs, { kind: 'call', run })
  }
}
