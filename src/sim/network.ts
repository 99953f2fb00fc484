/**
 * Who reaches whom, and how: conditions of each directed link, partitions of any shape, clogged links, broken connections.
 * Decides about a message when it is sent; the simulation carries it.
 */
import type { Message, Peer } from '../core/messages.ts'
import { type Conditions, DEFAULT_CONDITIONS, delayOf, LANE } from './conditions.ts'
import type { Flight } from './observer.ts'
import type { Process } from './process.ts'
import { isBelow, type Stream, streamOf } from './random.ts'

/** From one process to another. Made when the first message takes it. */
export class Link {
  readonly from: Process
  readonly to: Process
  readonly stream: Stream
  /** Messages so far: each has its own draws. */
  count = 0
  /** Connections over it are broken so often; what left before is lost. */
  broken = 0
  lastArrivalMs = 0
  /** What applications send goes its own way: a look-up more or less changes nothing for the ring's upkeep. */
  parcels = 0
  lastParcelMs = 0
  /** When the last message arrived. */
  usedMs = Number.NEGATIVE_INFINITY
  own: Conditions | undefined = undefined
  /** What waits while the link is clogged. */
  clogged: (Packet | Parcel)[] | undefined = undefined
  #back: Link | undefined = undefined
  cut = false
  checkedVersion = -1

  constructor(from: Process, to: Process, stream: Stream) {
    this.from = from
    this.to = to
    this.stream = stream
  }

  back(network: Network): Link {
    this.#back ??= network.link(this.to, this.from)
    return this.#back
  }
}

/** A flight, as the simulation carries it. */
export class Packet implements Flight {
  readonly kind = 'packet'
  readonly id: number
  readonly from: Peer
  readonly to: Peer
  readonly request: number
  readonly message: Message
  readonly atMs: number
  readonly link: Link
  /** Which message of the link. */
  readonly n: number
  readonly broken: number
  /** Of the sender when it was sent. */
  readonly life: number
  corrupt = false

  constructor(
    id: number,
    link: Link,
    n: number,
    from: Peer,
    to: Peer,
    request: number,
    message: Message,
    atMs: number,
  ) {
    this.id = id
    this.link = link
    this.from = from
    this.to = to
    this.request = request
    this.message = message
    this.atMs = atMs
    this.n = n
    this.broken = link.broken
    this.life = link.from.life
  }
}

/** Something else that takes a link: a frame of an application, or its answer. */
export interface Parcel {
  readonly kind: 'parcel'
  readonly link: Link
  readonly broken: number
  readonly arrive: () => void
  /** Nobody lives there. `silent`: and nobody says so. */
  readonly dead: ((silent: boolean) => void) | undefined
}

/** A connection that nobody uses is closed after this long. */
const IDLE_MS = 30_000

export class Network {
  conditions: Conditions
  readonly #seed: number
  /** Raised whenever who reaches whom may have changed. */
  #version = 0
  #sides: Map<string, number> | undefined
  readonly #blocked = new Map<string, Set<string>>()

  constructor(seed: number, conditions: Partial<Conditions> = {}) {
    this.#seed = seed
    this.conditions = { ...DEFAULT_CONDITIONS, ...conditions }
  }

  link(from: Process, to: Process): Link {
    let link = from.links.get(to.address)
    if (link === undefined) {
      link = new Link(from, to, streamOf(this.#seed, 'link', from.address, to.address))
      from.links.set(to.address, link)
    }
    return link
  }

  /** From now on, for this link alone; undefined: like all others. */
  condition(from: Process, to: Process, conditions: Partial<Conditions> | undefined): void {
    this.link(from, to).own = conditions === undefined ? undefined : { ...this.conditions, ...conditions }
  }

  /** No side hears another. Who is in none is on a side with the others that are in none. Replaces earlier sides. */
  cut(sides: readonly Iterable<string>[]): void {
    this.#sides = new Map()
    for (const [index, side] of sides.entries()) for (const address of side) this.#sides.set(address, index)
    this.#version++
  }

  /** What `from` send does not reach `to`. */
  block(from: Iterable<string>, to: Iterable<string>): void {
    for (const address of from) {
      const blocked = this.#blocked.get(address) ?? new Set()
      for (const other of to) blocked.add(other)
      this.#blocked.set(address, blocked)
    }
    this.#version++
  }

  unblock(from: Iterable<string>, to: Iterable<string>): void {
    for (const address of from) for (const other of to) this.#blocked.get(address)?.delete(other)
    this.#version++
  }

  /** Everybody reaches everybody. */
  mend(): void {
    this.#sides = undefined
    this.#blocked.clear()
    this.#version++
  }

  isCut(link: Link): boolean {
    if (link.checkedVersion !== this.#version) {
      const { from, to } = link
      const apart = this.#sides !== undefined && this.#sides.get(from.address) !== this.#sides.get(to.address)
      link.cut = from !== to && (apart || (this.#blocked.get(from.address)?.has(to.address) ?? false))
      link.checkedVersion = this.#version
    }
    return link.cut
  }

  isConnected(link: Link, nowMs: number): boolean {
    return Math.max(link.usedMs, link.back(this).usedMs) >= nowMs - IDLE_MS
  }

  /** When message `n` arrives, or a copy of it: in order, unless it is one of those that do not keep to it. */
  arrivalMs(link: Link, n: number, nowMs: number, lane: number = LANE.delay): number {
    if (link.from === link.to) return nowMs
    const conditions = this.conditionsOf(link)
    const { from, to, stream } = link
    const atMs = nowMs + delayOf(conditions.delay, stream, lane, n, from.address, to.address)
    const overtakes = conditions.reorderPercent > 0 && isBelow(stream.at(LANE.reorder, n), conditions.reorderPercent)
    if (overtakes) return atMs
    link.lastArrivalMs = Math.max(link.lastArrivalMs, atMs)
    return link.lastArrivalMs
  }

  /** Of parcel `n`, which is lost if that is Infinity. */
  parcelMs(link: Link, n: number, nowMs: number): number {
    if (link.from === link.to) return nowMs
    const { delay, lossPercent, reorderPercent } = this.conditionsOf(link)
    const { from, to, stream } = link
    if (isBelow(stream.at(LANE.parcelLoss, n), lossPercent)) return Number.POSITIVE_INFINITY
    const atMs = nowMs + delayOf(delay, stream, LANE.parcel, n, from.address, to.address)
    if (reorderPercent > 0 && isBelow(stream.at(LANE.parcelReorder, n), reorderPercent)) return atMs
    link.lastParcelMs = Math.max(link.lastParcelMs, atMs)
    return link.lastParcelMs
  }

  happens(link: Link, lane: number, percent: number, n: number): boolean {
    return percent > 0 && link.from !== link.to && isBelow(link.stream.at(lane, n), percent)
  }

  conditionsOf(link: Link): Conditions {
    return link.own ?? this.conditions
  }
}
