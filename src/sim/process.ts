/**
 * A simulated process: an address, the virtual nodes that live there now, a clock of its own, and what its state file would
 * hold. It outlives its deaths: the next life at the address is the same object.
 */
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import { type Peer, samePeer } from '../core/messages.ts'
import type { Link } from './network.ts'
import type { SimMember } from './observer.ts'

/** What it forgets with its state file is lost; a `stale` file is the first that it ever wrote. */
export type Memory = 'kept' | 'stale' | 'lost'
/** Of a hand-over: the services are at work, or the new owner has been told. */
export type Phase = 'services' | 'telling'

export interface StateFile {
  readonly incarnation: bigint
  readonly peers: readonly string[]
}

const NOTHING: StateFile = { incarnation: 0n, peers: [] }

export class Member implements SimMember {
  readonly kind = 'member'
  readonly node: ChordNode
  readonly process: Process
  readonly index: number
  alive = true
  /** The timeout that it waits for, in simulated and in its own time. */
  wakeMs = Number.POSITIVE_INFINITY
  wakeLocalMs = Number.POSITIVE_INFINITY

  constructor(node: ChordNode, process: Process, index: number) {
    this.node = node
    this.process = process
    this.index = index
  }
}

export class Process {
  readonly address: string
  readonly index: number
  readonly links = new Map<string, Link>()
  members: Member[] = []
  alive = false
  /** Whoever lived here vanished without a trace: nothing refuses connections. */
  silent = false
  /** How often it has started. Who kept the number can tell whether it is still the same life. */
  life = 0
  paused = false
  /** What arrived while it was paused. */
  waiting: (() => void)[] = []
  incarnation = 0n
  /** Of all its lives. */
  readonly incarnations = new Set<bigint>()
  ids: readonly Id[] = []
  /** Whom it was told to join through, as its command line would have it. */
  via: readonly string[] = []
  /** Addresses that it read from its state file. */
  remembered: readonly string[] = []
  file: StateFile = NOTHING
  firstFile: StateFile = NOTHING
  failsToWrite = false
  /** When one of its members was last cut off. */
  isolatedMs = Number.NEGATIVE_INFINITY
  stopAt: Phase | undefined = undefined

  /** Local time = `#baseLocalMs` + rate × (simulated time - `#baseMs`), and never goes back within a life. */
  #rate = 1
  #baseMs = 0
  #baseLocalMs = 0
  #lastMs = Number.NEGATIVE_INFINITY
  /** How far its wall clock is off when it starts next. */
  offsetMs = 0

  constructor(address: string, index: number) {
    this.address = address
    this.index = index
  }

  get rate(): number {
    return this.#rate
  }

  /** A process takes its clock's offset when it starts; after that its time only goes on, faster or slower. */
  startClock(nowMs: number): void {
    this.#baseMs = nowMs
    this.#baseLocalMs = nowMs + this.offsetMs
    this.#lastMs = Number.NEGATIVE_INFINITY
  }

  setRate(rate: number, nowMs: number): void {
    this.#baseLocalMs = this.localMs(nowMs)
    this.#baseMs = nowMs
    this.#rate = rate
  }

  localMs(nowMs: number): number {
    if (this.#rate === 1) return this.#baseLocalMs + (nowMs - this.#baseMs)
    this.#lastMs = Math.max(this.#lastMs, this.#baseLocalMs + (nowMs - this.#baseMs) * this.#rate)
    return this.#lastMs
  }

  /** When its clock will show that. */
  simulatedMs(localMs: number): number {
    return this.#baseMs + (localMs - this.#baseLocalMs) / this.#rate
  }

  find(peer: Peer): Member | undefined {
    for (const member of this.members) if (samePeer(member.node.self, peer)) return member
    return undefined
  }

  /** Whom the members together remember, as the runtime's state file keeps it. */
  knownAddresses(limit: number): string[] {
    const addresses = new Set<string>()
    for (const { node } of this.members) for (const peer of node.remembered()) addresses.add(peer.address)
    addresses.delete(this.address)
    return [...addresses].slice(0, limit)
  }

  write(file: StateFile): void {
    if (this.failsToWrite) return
    if (this.firstFile === NOTHING) this.firstFile = file
    this.file = file
  }

  /** What a process that starts again finds. */
  read(memory: Memory): StateFile {
    if (memory === 'lost') this.file = this.firstFile = NOTHING
    return memory === 'stale' ? this.firstFile : this.file
  }
}
