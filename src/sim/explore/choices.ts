/** Everything that may happen next in a world, within bounds. */
import { ChordNode, type CoreConfig } from '../../core/chord-node.ts'
import type { Peer } from '../../core/messages.ts'
import { type Frozen, NOW_MS } from './local.ts'
import type { NodeInput } from './steps.ts'
import { slotOf } from './universe.ts'
import { ABSENT, CRASHED, type Flight, type Slot, type Used, type World, type Worlds, without } from './world.ts'

export interface Bounds {
  /** Timers fire, and nodes join and leave, only while fewer messages than this are in flight. */
  readonly inFlight: number
  readonly joins: number
  readonly crashes: number
  readonly leaves: number
  readonly losses: number
  readonly duplicates: number
  /** Deadlines that may pass while question or answer are still under way. */
  readonly late: number
  /** Nodes look themselves up (rule 8). */
  readonly selfLookups: boolean
  /** A crashed process refuses connections; otherwise it is only silent. */
  readonly refuses: boolean
}

export interface Choice {
  readonly name: string
  readonly world: World
  /** What the check of a node's step said. */
  readonly complaint: string | undefined
}

/** More than that in flight is not pursued, and counted. */
const MESSAGES_MAX = 12

export class Choices {
  readonly #worlds: Worlds
  readonly #bounds: Bounds
  readonly #config: CoreConfig
  /** Worlds that had too many messages in flight. */
  cutOff = 0

  constructor(worlds: Worlds, bounds: Bounds, config: CoreConfig) {
    this.#worlds = worlds
    this.#bounds = bounds
    this.#config = config
  }

  /** Always in the same order. */
  *of(world: World): Generator<Choice> {
    yield* this.#network(world)
    const isBusy = this.#worlds.messages(world) >= this.#bounds.inFlight
    for (let slot = 0; slot < world.slots.length; slot++) {
      const { state } = world.slots[slot] as Slot
      if (state >= 0) yield* this.#ofNode(world, slot, state, isBusy)
      else if (!isBusy) yield* this.#joins(world, slot)
    }
  }

  *#network(world: World): Generator<Choice> {
    const { losses, duplicates } = this.#bounds
    let last = -1
    for (const number of world.net) {
      if (number === last) continue
      last = number
      const flight = this.#worlds.flight(number)
      const { world: next, complaint } = this.#worlds.deliver(world, number)
      yield* this.#within({ name: showFlight(flight), world: next, complaint })
      if (flight.kind !== 'message') continue
      if (world.used.losses < losses)
        yield used(world, 'losses', `lose ${showFlight(flight)}`, { net: without(world.net, number) })
      if (world.used.duplicates < duplicates)
        yield used(world, 'duplicates', `duplicate ${showFlight(flight)}`, {
          net: [...world.net, number].sort((a, b) => a - b),
        })
    }
  }

  *#ofNode(world: World, slot: number, state: number, isBusy: boolean): Generator<Choice> {
    const frozen = this.#worlds.steps.frozen(state)
    if (frozen.handover?.phase === 'services') yield* this.#turn(world, slot, { kind: 'services' })
    yield* this.#deadlines(world, slot)
    if (world.used.crashes < this.#bounds.crashes && this.#mayCrash(world, slot)) yield this.#crash(world, slot)
    if (isBusy) return
    for (const timer of frozen.armed) {
      yield* this.#turn(world, slot, { kind: 'timer', timer: timer as 'stabilizeMs' })
    }
    if (isOrphan(frozen)) yield* this.#turn(world, slot, { kind: 'timer', timer: 'stabilizeMs', quiet: true })
    if (frozen.successors.length > 0) yield* this.#turn(world, slot, { kind: 'silent', who: 'successor' })
    if (frozen.predecessor !== undefined) yield* this.#turn(world, slot, { kind: 'silent', who: 'predecessor' })
    if (frozen.departure !== undefined) return
    if (this.#bounds.selfLookups && frozen.status !== 'joining') {
      for (const via of frozen.remembered) yield* this.#turn(world, slot, { kind: 'self', via })
    }
    if (world.used.leaves < this.#bounds.leaves) {
      for (const choice of this.#turn(world, slot, { kind: 'leave' })) {
        yield { ...choice, world: { ...choice.world, used: { ...world.used, leaves: world.used.leaves + 1 } } }
      }
    }
  }

  *#deadlines(world: World, slot: number): Generator<Choice> {
    const self = this.#worlds.peerAt(world, slot)
    const { asked } = this.#worlds.steps.frozen((world.slots[slot] as Slot).state)
    for (let request = 1; request <= asked.length; request++) {
      const isLate = this.#worlds.isUnderWay(world, self, request)
      if (isLate && world.used.late >= this.#bounds.late) continue
      for (const choice of this.#turn(world, slot, { kind: 'deadline', request })) {
        const late = world.used.late + (isLate ? 1 : 0)
        yield { ...choice, world: { ...choice.world, used: { ...world.used, late } } }
      }
    }
  }

  *#turn(world: World, slot: number, input: NodeInput): Generator<Choice> {
    const { world: next, complaint } = this.#worlds.turn(world, slot, input)
    yield* this.#within({
      name: `${slot.toString(16)}: ${showInput(input, this.#worlds, world, slot)}`,
      world: next,
      complaint,
    })
  }

  *#within(choice: Choice): Generator<Choice> {
    if (choice.complaint === undefined && this.#worlds.messages(choice.world) > MESSAGES_MAX) this.cutOff++
    else yield choice
  }

  /** Nobody may lose the last live entry of its list: that is what the promises presuppose. */
  #mayCrash(world: World, slot: number): boolean {
    const victim = this.#worlds.peerAt(world, slot)
    return world.slots.every(({ state }, other) => {
      if (other === slot || state < 0) return true
      const { sole, successors } = this.#worlds.steps.frozen(state)
      if (sole || !successors.includes(victim)) return successors.length > 0 || sole
      return successors.some((peer) => peer !== victim && this.#worlds.isUp(world, peer))
    })
  }

  #crash(world: World, slot: number): Choice {
    let next = this.#worlds.end(world, slot, CRASHED)
    if (!this.#bounds.refuses) {
      next = { ...next, net: next.net.filter((number) => this.#worlds.flight(number).kind !== 'refused') }
    }
    return used(next, 'crashes', `crash ${slot.toString(16)}`, {})
  }

  /** A new node, or a new life of one that crashed or left, through every member. */
  *#joins(world: World, slot: number): Generator<Choice> {
    if (world.used.joins >= this.#bounds.joins) return
    if (world.net.some((number) => isNewsOf(this.#worlds.flight(number), slot))) return
    const { life, state } = world.slots[slot] as Slot
    const next = state === ABSENT ? 1 : life + 1
    const self = this.#worlds.universe.peer(slot, next)
    if (self === undefined) return
    for (let via = 0; via < world.slots.length; via++) {
      const at = world.slots[via] as Slot
      if (at.state < 0 || this.#worlds.steps.frozen(at.state).successors.length === 0) {
        if (at.state < 0 || !this.#worlds.steps.frozen(at.state).sole) continue
      }
      const contact = this.#worlds.peerAt(world, via)
      const begun = startJoining(this.#worlds, this.#config, self, contact)
      const after = this.#worlds.begin(world, slot, { life: next, state: begun.state }, begun.sent)
      yield used(after, 'joins', `join ${slot.toString(16)} via ${via.toString(16)}`, {})
    }
  }
}

/** Waits for a range; after some time it claims one. */
export function isOrphan({ status, range, successors }: Frozen): boolean {
  return status === 'joining' && range === undefined && successors.length > 0
}

const joined = new WeakMap<Worlds, Map<string, { state: number; sent: Flight[] }>>()

function startJoining(
  worlds: Worlds,
  config: CoreConfig,
  self: Peer,
  contact: Peer,
): { state: number; sent: (Flight & { kind: 'message' })[] } {
  const known = joined.get(worlds) ?? new Map()
  joined.set(worlds, known)
  const key = worlds.universe.text([self, contact])
  const found = known.get(key)
  if (found !== undefined) return found
  const node = new ChordNode({ self, config, random: { nextUint32: () => 0 } })
  const result = worlds.steps.start(node, () => {
    node.join([contact], NOW_MS)
    node.handleTimeout(NOW_MS)
  })
  known.set(key, result)
  return result as never
}

function isNewsOf(flight: Flight, slot: number): boolean {
  return flight.kind !== 'message' && slotOf(flight.of) === slot
}

function used(world: World, what: keyof Used, name: string, change: Partial<World>): Choice {
  return {
    name,
    complaint: undefined,
    world: { ...world, ...change, used: { ...world.used, [what]: world.used[what] + 1 } },
  }
}

export function showFlight(flight: Flight): string {
  const name = (peer: Peer) => `${slotOf(peer).toString(16)}${peer.incarnation > 1n ? `'` : ''}`
  if (flight.kind !== 'message') return `${name(flight.to)} hears that ${name(flight.of)} ${flight.kind}`
  const { message } = flight
  const about = message.type === 'meet' ? ` ${name(message.peer)}` : ''
  return `${message.type}${about} from ${name(flight.from)} to ${name(flight.to)}`
}

function showInput(input: NodeInput, worlds: Worlds, world: World, slot: number): string {
  const { asked } = worlds.steps.frozen((world.slots[slot] as Slot).state)
  switch (input.kind) {
    case 'timer':
      return `${input.timer.replace('Ms', '')}${input.quiet ? ', after a long time' : ''}`
    case 'silent':
      return `checks its ${input.who}`
    case 'self':
      return `looks itself up through ${slotOf(input.via).toString(16)}`
    case 'deadline': {
      const entry = asked[input.request - 1]
      return entry === undefined ? 'deadline' : `no ${entry.purpose.kind} answer from ${slotOf(entry.to).toString(16)}`
    }
    case 'services':
      return 'services done'
    default:
      return input.kind
  }
}
