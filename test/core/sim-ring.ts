/**
 * A ring of cores under a virtual clock: messages are objects, nothing is encoded, every run of a seed is the same. For
 * tests of the protocol alone; `src/transports/simulated.ts` runs the whole library.
 */
import { ChordNode, type CoreConfig } from '../../src/core/chord-node.ts'
import { Id } from '../../src/core/id.ts'
import type { Message, Peer } from '../../src/core/messages.ts'
import type { CoreEvent } from '../../src/core/output.ts'

export const CONFIG: CoreConfig = {
  successors: 8,
  onIsolated: 'wait',
  stabilizeMinMs: 250,
  stabilizeMaxMs: 2000,
  probeMinMs: 50,
  probeMaxMs: 2000,
  evictAfterMisses: 3,
  fingersMinMs: 1000,
  fingersMaxMs: 30_000,
  selfLookupMs: 5000,
  rejoinMinMs: 100,
  rejoinMaxMs: 10_000,
  handoverMs: 10_000,
  rememberedPeers: 128,
}

/** mulberry32: small, and the same everywhere. */
export class SeededRandom {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }
  nextUint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  below(n: number): number {
    return this.nextUint32() % n
  }
}

/** How a node is placed on a ring that is in some state, right or wrong. */
export interface Placement {
  readonly id: Id
  readonly successors: readonly Id[]
  /** None for a node that takes itself for the ring. */
  readonly predecessor?: Id
  readonly remembered: readonly Id[]
}

export interface HeldMessage {
  readonly from: Peer
  readonly to: Peer
  readonly message: Message
  readonly deliver: () => void
}

interface Item {
  atMs: number
  order: number
  run: () => void
}

export class SimRing {
  nowMs = 0
  readonly random: SeededRandom
  readonly live = new Map<string, ChordNode>()
  readonly events: { address: string; event: CoreEvent }[] = []
  messages = 0
  /** Dead peers vanish without a trace instead of refusing connections. */
  silentDeaths = false
  /** Return false to lose a message. */
  filter: (from: string, to: string, message: Message) => boolean = () => true
  /** Return true to keep a message back, in `held`, until a test delivers it. */
  holds: (from: Peer, to: Peer, message: Message) => boolean = () => false
  held: HeldMessage[] = []
  /** Time that the services take over a hand-over. */
  servicesMs = 0
  /** Called when a message arrives. */
  onMessage: (from: Peer, to: Peer, message: Message) => void = () => undefined
  /** Addresses that nodes are told of when they ask for seeds, if somebody lives there. */
  seeds: string[] = []
  /** Called after every input of a node, when all that it wanted done is under way. */
  onStep: (node: ChordNode) => void = () => undefined
  readonly config: CoreConfig
  #queue: Item[] = []
  readonly #wakeMs = new WeakMap<ChordNode, number>()
  #order = 0
  #incarnation = 1n

  constructor(seed = 1, config: Partial<CoreConfig> = {}) {
    this.random = new SeededRandom(seed)
    this.config = { ...CONFIG, ...config }
  }

  peer(id: Id, address: string, incarnation = this.#incarnation++): Peer {
    return { id, address, incarnation }
  }

  /** Adds a node that makes a ring, or joins through the node at `via`. */
  add(id: Id, via?: string, address = addressOf(id), incarnation?: bigint): ChordNode {
    const node = new ChordNode({ self: this.peer(id, address, incarnation), config: this.config, random: this.random })
    this.live.set(keyOf(node.self), node)
    if (via === undefined) node.create(this.nowMs)
    else
      node.join(
        this.at(via).map((contact) => contact.self),
        this.nowMs,
      )
    this.#drain(node)
    return node
  }

  /** A ring that is already there, as given. */
  place(placements: readonly Placement[]): void {
    const peers = new Map(placements.map(({ id }) => [String(id), this.peer(id, addressOf(id))]))
    const peer = (id: Id) => peers.get(String(id)) as Peer
    for (const placement of placements) {
      const node = new ChordNode({ self: peer(placement.id), config: this.config, random: this.random })
      const { core } = node
      core.setStatus('joining')
      core.follow(placement.successors.map(peer), this.nowMs)
      const predecessor = placement.predecessor === undefined ? undefined : peer(placement.predecessor)
      core.sole = predecessor === undefined
      core.setPredecessor(predecessor, true)
      core.boundary = { peer: predecessor ?? node.self, dead: false }
      const range = { after: (predecessor ?? node.self).id, upTo: placement.id }
      core.setRange(range, { gained: range, cause: 'create' })
      for (const id of placement.remembered) core.remembered.add(peer(id), true)
      core.timers.stabilizeMs = this.nowMs + this.random.below(this.config.stabilizeMinMs)
      core.timers.neighborsMs = this.nowMs + this.random.below(this.config.stabilizeMaxMs / 2)
      core.timers.selfLookupMs = this.nowMs + this.random.below(this.config.selfLookupMs)
      this.live.set(keyOf(node.self), node)
      this.#drain(node)
    }
  }

  /** All virtual nodes at an address. */
  at(address: string): ChordNode[] {
    return [...this.live.values()].filter((node) => node.self.address === address)
  }

  /** kill -9: connections break, later ones are refused. */
  kill(address: string): void {
    for (const node of this.at(address)) this.live.delete(keyOf(node.self))
    if (this.silentDeaths) return
    for (const node of this.live.values()) {
      this.#after(1, () => this.input(node, () => node.connectionLost(address, this.nowMs)))
    }
  }

  leave(address: string): void {
    for (const node of this.at(address)) this.input(node, () => node.leave(this.nowMs))
  }

  /** Runs `fn`, which gives `node` an input, if it still lives; then does what the node wants done. */
  input(node: ChordNode, fn: () => void): void {
    if (this.live.get(keyOf(node.self)) !== node) return
    fn()
    this.#drain(node)
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs
    for (let steps = 0; ; steps++) {
      if (steps > 5_000_000) throw new Error('the simulation does not come to rest')
      const item = this.#queue[0]
      if (item === undefined || item.atMs > endMs) break
      this.#pop()
      this.nowMs = Math.max(this.nowMs, item.atMs)
      item.run()
    }
    this.nowMs = endMs
  }

  /** At most one item is queued for each node's next timeout, and one that comes too early looks again. */
  #wake(node: ChordNode): void {
    const atMs = Math.max(this.nowMs, node.nextTimeout())
    if (atMs >= (this.#wakeMs.get(node) ?? Number.POSITIVE_INFINITY)) return
    this.#wakeMs.set(node, atMs)
    this.#after(atMs - this.nowMs, () => {
      if (this.#wakeMs.get(node) !== atMs) return
      this.#wakeMs.delete(node)
      if (node.nextTimeout() <= this.nowMs) this.input(node, () => node.handleTimeout(this.nowMs))
      else if (this.live.get(keyOf(node.self)) === node) this.#wake(node)
    })
  }

  #drain(node: ChordNode): void {
    for (let output = node.poll(); output !== undefined; output = node.poll()) {
      if (output.kind === 'send') this.#send(node, output.to, output.request, output.message)
      else if (output.kind === 'event') this.events.push({ address: node.self.address, event: output.event })
      else if (output.kind === 'seeds') {
        for (const contact of this.seeds.flatMap((address) => this.at(address))) {
          if (contact.core.joined)
            this.#after(2, () => this.input(node, () => node.compareRings(contact.self, this.nowMs)))
        }
      } else if (output.kind === 'handover') {
        const { token } = output
        this.#after(this.servicesMs, () => this.input(node, () => node.handedOver(token, this.nowMs)))
      }
    }
    this.onStep(node)
    this.#wake(node)
    if (node.status === 'left') {
      this.live.delete(keyOf(node.self))
      for (const other of this.live.values()) {
        if (this.at(node.self.address).length > 0) break
        this.#after(1, () => this.input(other, () => other.departed(node.self.address, this.nowMs)))
      }
    }
  }

  #send(from: ChordNode, to: Peer, request: number, message: Message): void {
    this.messages++
    if (!this.filter(from.self.address, to.address, message)) return
    const deliver = () => this.#deliver(from, to, request, message)
    if (this.holds(from.self, to, message)) this.held.push({ from: from.self, to, message, deliver })
    else this.#after(1 + this.random.below(3), deliver)
  }

  #deliver(from: ChordNode, to: Peer, request: number, message: Message): void {
    const node = this.live.get(keyOf(to))
    if (node !== undefined) {
      this.onMessage(from.self, to, message)
      this.input(node, () => node.handleMessage(from.self, request, message, this.nowMs))
      return
    }
    const others = this.at(to.address)
    if (others.length === 0) {
      if (!this.silentDeaths) this.input(from, () => from.refused(to.address, this.nowMs))
    } else if (request !== 0) {
      const answer: Message = { type: 'notMember', joining: false }
      this.input(from, () => from.handleMessage((others[0] as ChordNode).self, request, answer, this.nowMs))
    }
  }

  #after(delayMs: number, run: () => void): void {
    const item = { atMs: this.nowMs + delayMs, order: this.#order++, run }
    const queue = this.#queue
    queue.push(item)
    for (let i = queue.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!before(queue[i] as Item, queue[parent] as Item)) break
      ;[queue[i], queue[parent]] = [queue[parent] as Item, queue[i] as Item]
      i = parent
    }
  }

  #pop(): void {
    const queue = this.#queue
    const last = queue.pop() as Item
    if (queue.length === 0) return
    queue[0] = last
    for (let i = 0; ; ) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < queue.length && before(queue[child] as Item, queue[least] as Item)) least = child
      }
      if (least === i) return
      ;[queue[i], queue[least]] = [queue[least] as Item, queue[i] as Item]
      i = least
    }
  }

  /** In ring order. */
  sorted(): ChordNode[] {
    return [...this.live.values()].sort((a, b) => a.self.id.compare(b.self.id))
  }

  /** What is not as it would be on an ideal ring of the live nodes; empty when all is well. */
  flaws(): string[] {
    const nodes = this.sorted()
    const flaws: string[] = []
    nodes.forEach((node, index) => {
      const { id } = node.self
      const next = nodes[(index + 1) % nodes.length] as ChordNode
      const previous = nodes[(index + nodes.length - 1) % nodes.length] as ChordNode
      if (nodes.length === 1) {
        if (!node.core.sole) flaws.push(`${id} is alone and does not know`)
      } else {
        if (node.successors[0]?.id !== next.self.id)
          flaws.push(`${id}: successor ${node.successors[0]?.id} is not ${next.self.id}`)
        if (node.predecessor?.id !== previous.self.id)
          flaws.push(`${id}: predecessor ${node.predecessor?.id} is not ${previous.self.id}`)
      }
      if (!node.range?.after.equals(previous.self.id))
        flaws.push(`${id}: range after ${node.range?.after} is not ${previous.self.id}`)
      if (node.status !== 'member') flaws.push(`${id} is ${node.status}`)
    })
    return flaws
  }

  /** Runs until the ring is ideal; throws with the flaws if it is not within `limitMs`. */
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

function before(a: Item, b: Item): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function keyOf(peer: Peer): string {
  return `${peer.address}/${peer.id}/${peer.incarnation}`
}

export function addressOf(id: Id): string {
  return `n${String(id).replace(/^0+(?=.)/, '')}`
}

export function smallId(n: number): Id {
  return new Id(0, 0, 0, 0, n)
}

export function randomId(random: SeededRandom): Id {
  return new Id(random.nextUint32(), random.nextUint32(), random.nextUint32(), random.nextUint32(), random.nextUint32())
}
