/**
 * A ring of the exploration: in which state every node is, what is in flight, and how much of each fault has been used. Worlds do not
 * change; `turn` makes the next one of an input to one node.
 */
import { isQuestion, type Message, type Peer } from '../../core/messages.ts'
import type { NodeInput, Steps } from './steps.ts'
import { slotOf, type Universe } from './universe.ts'

/** Instead of the number of a state. */
export const ABSENT = -1
export const CRASHED = -2
export const LEFT = -3
const NONE = 3

export interface Slot {
  readonly life: number
  readonly state: number
}

export interface Used {
  readonly joins: number
  readonly crashes: number
  readonly leaves: number
  readonly losses: number
  readonly duplicates: number
  /** Deadlines that passed although question or answer were still on their way. */
  readonly late: number
}

export interface World {
  readonly slots: readonly Slot[]
  /** Numbers of flights, ascending. */
  readonly net: readonly number[]
  readonly used: Used
  /** Some list had no live entry once, or the last who had a range left: what is promised is to heal, no more. */
  readonly broken: boolean
}

/** A message in flight, or news of a peer's process that has not come to everybody yet. */
export type Flight =
  | {
      readonly kind: 'message'
      readonly from: Peer
      readonly to: Peer
      readonly request: number
      readonly message: Message
    }
  | { readonly kind: 'refused' | 'departed' | 'lost'; readonly to: Peer; readonly of: Peer }

/** Of a question that is no longer asked. Those of grants get names below it, since a repeated grant is known by its number. */
const OVER = 255
/** The one that its receiver took last. */
const TAKEN = 254
/** Names of questions that are still asked are below. */
const STALE_FROM = 150

export class Worlds {
  readonly steps: Steps
  readonly universe: Universe
  readonly #flights: Flight[] = []
  readonly #numbers = new Map<string, number>()
  readonly #inputs: string[] = []

  constructor(steps: Steps) {
    this.steps = steps
    this.universe = steps.universe
  }

  flight(number: number): Flight {
    return this.#flights[number] as Flight
  }

  peerAt(world: World, slot: number): Peer {
    return this.universe.peer(slot, (world.slots[slot] as Slot).life)
  }

  isUp(world: World, peer: Peer): boolean {
    const slot = world.slots[slotOf(peer)] as Slot
    return slot.state >= 0 && BigInt(slot.life) === peer.incarnation
  }

  /** How many messages are in flight; news do not count. */
  messages(world: World): number {
    let count = 0
    for (const number of world.net) if (this.flight(number).kind === 'message') count++
    return count
  }

  /** Whether a question, or its answer, is still on its way. */
  isUnderWay(world: World, asker: Peer, request: number): boolean {
    return world.net.some((number) => {
      const flight = this.flight(number)
      return flight.kind === 'message' && flight.request === request && this.#askerOf(flight) === asker
    })
  }

  /** The node at `slot` gets an input, and `taken`, if given, is no longer in flight. */
  turn(world: World, slot: number, input: NodeInput, taken?: number): { world: World; complaint: string | undefined } {
    return this.#turn(world, slot, this.universe.text(input), taken)
  }

  /** The flight reaches its receiver, which lives. */
  deliver(world: World, number: number): { world: World; complaint: string | undefined } {
    const flight = this.flight(number)
    this.#inputs[number] ??= this.universe.text(inputOf(flight))
    return this.#turn(world, slotOf(flight.to), this.#inputs[number] as string, number)
  }

  #turn(
    world: World,
    slot: number,
    input: string,
    taken: number | undefined,
  ): { world: World; complaint: string | undefined } {
    const { life, state } = world.slots[slot] as Slot
    const result = this.steps.step(state, input)
    const self = this.universe.peer(slot, life)
    const ended = this.steps.frozen(result.state).status === 'left'
    let slots: readonly Slot[] = world.slots.with(slot, { life, state: ended ? LEFT : result.state })
    const flights = without(world.net, taken)
    const renamed = this.#rename(slots, flights, self, result.names)
    slots = renamed.slots
    const net = renamed.net
    for (const { to, request, message } of result.sent)
      this.#send(slots, net, { kind: 'message', from: self, to, request, message })
    if (ended) this.#end(slots, net, self, 'departed')
    // Nobody stayed to take its keys.
    const broken = world.broken || (ended && this.steps.frozen(result.state).range !== undefined)
    return { world: { ...world, slots, net: net.sort(ascending), broken }, complaint: result.complaint }
  }

  /** A process ends: what is for it will be refused, and everybody gets to know. */
  end(world: World, slot: number, how: typeof CRASHED | typeof LEFT): World {
    const peer = this.peerAt(world, slot)
    const slots = world.slots.with(slot, { life: (world.slots[slot] as Slot).life, state: how })
    const net = [...world.net]
    this.#end(slots, net, peer, how === LEFT ? 'departed' : undefined)
    return { ...world, slots, net: net.sort(ascending) }
  }

  #end(slots: readonly Slot[], net: number[], peer: Peer, news: 'departed' | undefined): void {
    for (const number of net.splice(0)) {
      const flight = this.flight(number)
      if (flight.kind === 'message' && flight.to === peer) this.#refuse(slots, net, flight)
      else if (flight.to !== peer) net.push(number)
    }
    for (let slot = 0; news !== undefined && slot < slots.length; slot++) {
      if ((slots[slot] as Slot).state < 0) continue
      net.push(this.number({ kind: news, to: this.universe.peer(slot, (slots[slot] as Slot).life), of: peer }))
    }
  }

  /** A node starts, and has sent `sent`. */
  begin(
    world: World,
    slot: number,
    next: Slot,
    sent: readonly { to: Peer; request: number; message: Message }[],
  ): World {
    const self = this.universe.peer(slot, next.life)
    const slots = world.slots.with(slot, next)
    const net = [...world.net]
    for (const { to, request, message } of sent)
      this.#send(slots, net, { kind: 'message', from: self, to, request, message })
    return { ...world, slots, net: net.sort(ascending) }
  }

  #send(slots: readonly Slot[], net: number[], flight: Flight & { kind: 'message' }): void {
    const { life, state } = slots[slotOf(flight.to)] as Slot
    if (state >= 0 && BigInt(life) === flight.to.incarnation) net.push(this.number(flight))
    else if (state < 0) this.#refuse(slots, net, flight)
    else if (isQuestion(flight.message)) {
      // Another life of the process is there, and says so.
      const { to, from, request } = flight
      const message: Message = { type: 'notMember', joining: false }
      net.push(this.number({ kind: 'message', from: this.universe.peer(slotOf(to), life), to: from, request, message }))
    }
  }

  #refuse(slots: readonly Slot[], net: number[], flight: Flight & { kind: 'message' }): void {
    const { life, state } = slots[slotOf(flight.from)] as Slot
    if (state < 0 || BigInt(life) !== flight.from.incarnation) return
    const number = this.number({ kind: 'refused', to: flight.from, of: flight.to })
    if (!net.includes(number)) net.push(number)
  }

  #askerOf(flight: Flight & { kind: 'message' }): Peer | undefined {
    if (flight.request === 0) return undefined
    return isQuestion(flight.message) ? flight.from : flight.to
  }

  /** Questions of `self` have other numbers now, or are over. */
  #rename(
    slots: readonly Slot[],
    net: readonly number[],
    self: Peer,
    names: ReadonlyMap<number, number>,
  ): { slots: readonly Slot[]; net: number[] } {
    const grants = new Map<string, number>()
    let free = this.#freeName(net, self)
    const out = net.map((number) => {
      const flight = this.flight(number)
      if (flight.kind !== 'message' || this.#askerOf(flight) !== self) return number
      let request = flight.request < STALE_FROM ? (names.get(flight.request) ?? OVER) : flight.request
      if (request === OVER && flight.message.type === 'grant') {
        const receiver = slots[slotOf(flight.to)] as Slot
        const last = receiver.state >= 0 ? this.steps.frozen(receiver.state).lastGrant : undefined
        const key = `${slotOf(flight.to)} ${flight.request}`
        if (last?.from === self && last.request === flight.request) request = TAKEN
        else request = grants.get(key) ?? free--
        grants.set(key, request)
      }
      return request === flight.request ? number : this.number({ ...flight, request })
    })
    return { slots: slots.map((slot) => this.#renameGrant(slot, self, names, out)), net: out }
  }

  #freeName(net: readonly number[], self: Peer): number {
    let free = TAKEN - 1
    for (const number of net) {
      const flight = this.flight(number)
      if (flight.kind !== 'message' || flight.message.type !== 'grant' || flight.from !== self) continue
      if (flight.request > STALE_FROM && flight.request <= free) free = flight.request - 1
    }
    return free
  }

  #renameGrant(slot: Slot, self: Peer, names: ReadonlyMap<number, number>, net: readonly number[]): Slot {
    const last = slot.state < 0 ? undefined : this.steps.frozen(slot.state).lastGrant
    if (last === undefined || last.from !== self) return slot
    const name = names.get(last.request)
    const mayRepeat = () =>
      net.some((number) => {
        const flight = this.flight(number)
        return (
          flight.kind === 'message' &&
          flight.from === self &&
          flight.request === TAKEN &&
          slotOf(flight.to) !== slotOf(self)
        )
      })
    const request = last.request === TAKEN || name === undefined ? (mayRepeat() ? TAKEN : 0) : name
    return { life: slot.life, state: this.steps.withGrant(slot.state, request) }
  }

  number(flight: Flight): number {
    const text = this.universe.text(flight)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#flights.push(flight)
    this.#numbers.set(text, this.#flights.length - 1)
    return this.#flights.length - 1
  }

  /** Equal worlds, and no others, have equal keys. */
  keyOf({ slots, net, used, broken }: World): string {
    const codes: number[] = [
      broken ? 1 : 0,
      used.joins,
      used.crashes,
      used.leaves,
      used.losses,
      used.duplicates,
      used.late,
    ]
    for (const { life, state } of slots) codes.push(life, (state + NONE) >>> 16, (state + NONE) & 0xffff)
    for (const number of net) codes.push(number)
    return String.fromCharCode(...codes)
  }

  worldOf(key: string): World {
    const code = (at: number) => key.charCodeAt(at)
    const used = {
      joins: code(1),
      crashes: code(2),
      leaves: code(3),
      losses: code(4),
      duplicates: code(5),
      late: code(6),
    }
    const slots: Slot[] = []
    let at = 7
    for (let slot = 0; slot < this.universe.nodes; slot++, at += 3) {
      slots.push({ life: code(at), state: ((code(at + 1) << 16) | code(at + 2)) - NONE })
    }
    const net: number[] = []
    for (; at < key.length; at++) net.push(code(at))
    return { slots, net, used, broken: code(0) === 1 }
  }
}

function inputOf(flight: Flight): NodeInput {
  if (flight.kind !== 'message') return { kind: flight.kind, address: flight.of.address }
  const { from, request, message } = flight
  return { kind: 'message', from, request, message }
}

export function without(net: readonly number[], taken: number | undefined): number[] {
  if (taken === undefined) return [...net]
  const index = net.indexOf(taken)
  return net.filter((_, i) => i !== index)
}

function ascending(a: number, b: number): number {
  return a - b
}
