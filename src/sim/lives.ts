/** How processes start, end and start again, with or without memory: what `src/runtime/host.ts` does around its cores. */
import { ChordNode } from '../core/chord-node.ts'
import { STATE_FILE_MS } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import { incarnationAbove, incarnationAt } from '../core/incarnation.ts'
import type { Peer } from '../core/messages.ts'
import type { Engine, Lives } from './engine.ts'
import { Member, type Memory, type Process } from './process.ts'
import { streamOf } from './random.ts'

export interface Start {
  readonly address: string
  /** Of its virtual nodes. The first joins before the others do. */
  readonly ids: readonly Id[]
  /** Processes through which it joins; none: it makes a ring. */
  readonly via?: string | readonly string[]
  /** Default: by its wall clock and its state file. */
  readonly incarnation?: bigint
}

/** Simulated time begins at this instant of wall clocks, from which incarnations are made. */
export const EPOCH_MS = 1_700_000_000_000
/** Members of a process that are told to one who looks for a ring. */
const CONTACTS_MAX = 4
/** Those of an earlier life are given this long before a process without a seed makes a ring of its own. */
const REMEMBERED_MS = 2_000

export class LifeCycle implements Lives {
  /** Found by every process that looks its seeds up. */
  seedAddresses: readonly string[] = []
  readonly #engine: Engine
  /** A process whose incarnation is not its latest starts again above it. */
  readonly #reboots: boolean
  readonly #idsInUse = new Map<string, number>()
  #sorted: readonly Member[] | undefined

  constructor(engine: Engine, reboots: boolean) {
    this.#engine = engine
    this.#reboots = reboots
    engine.lives = this
  }

  /** Live members in ring order. Another array after each change. */
  sorted(): readonly Member[] {
    this.#sorted ??= [...this.#engine.processes.values()].flatMap(({ members }) => members).sort(inRingOrder)
    return this.#sorted
  }

  // Starting.

  start(o: Start): Process {
    const process = this.#engine.process(o.address)
    if (process.alive) throw new Error(`somebody lives at ${o.address}`)
    process.ids = o.ids
    process.via = o.via === undefined ? [] : typeof o.via === 'string' ? [o.via] : o.via
    process.remembered = []
    this.#begin(process, o.incarnation ?? this.#nextIncarnation(process, 0n))
    this.#boot(process, o.via === undefined)
    return process
  }

  /** Another virtual node of a living process; not what a real process does, but what a ring must stand. */
  grow(process: Process, id: Id, via: string | undefined, incarnation: bigint | undefined): Member {
    process.ids = [...process.ids, id]
    const member = this.#add(process, id, incarnation ?? process.incarnation)
    this.#enter(member, via === undefined ? undefined : this.#contacts(process, [via]))
    return member
  }

  /** In the middle of its life. Its state file is not kept. */
  put(self: Peer, run: (node: ChordNode, nowMs: number) => void): Member {
    const process = this.#engine.process(self.address)
    if (!process.alive) {
      process.alive = true
      process.life++
      process.incarnation = self.incarnation
      process.startClock(this.#engine.nowMs)
    }
    process.ids = [...process.ids, self.id]
    const member = this.#add(process, self.id, self.incarnation)
    this.#engine.inputOf(member, { kind: 'placed', run })
    return member
  }

  restart(process: Process, memory: Memory, via = process.via, incarnation?: bigint): void {
    const { incarnation: saved, peers } = process.read(memory)
    process.via = via
    process.remembered = peers.filter((address) => address !== process.address)
    this.#begin(process, incarnation ?? this.#nextIncarnation(process, saved))
    this.#boot(process, !this.#hasSeeds(process) && process.remembered.length === 0)
    if (this.#hasSeeds(process)) return
    const { life } = process
    this.#engine.after(REMEMBERED_MS, () => {
      const first = process.members[0]?.node
      if (process.life !== life || first?.status !== 'joining' || first.successors.length > 0) return
      this.#again(process, process.incarnation, true)
    })
  }

  /** With new cores: they know nothing of what those before have said, so they are another life. */
  #again(process: Process, known: bigint, create: boolean): void {
    process.incarnation = incarnationAbove(known, process.incarnation)
    process.incarnations.add(process.incarnation)
    this.#save(process)
    this.#drop(process)
    process.life++
    this.#boot(process, create)
  }

  #hasSeeds(process: Process): boolean {
    return [...process.via, ...this.seedAddresses].some((address) => address !== process.address)
  }

  /**
   * By the rule of the core. A start takes a moment: no two of them fall into one millisecond, however clocks are set. So
   * lives that the state file does not know of are never met; that which it knows is left to the rule.
   */
  #nextIncarnation(process: Process, saved: bigint): bigint {
    let incarnation = incarnationAt(saved, EPOCH_MS + this.#engine.nowMs + process.offsetMs)
    while (incarnation !== saved && process.incarnations.has(incarnation)) incarnation++
    return incarnation
  }

  #begin(process: Process, incarnation: bigint): void {
    process.life++
    process.alive = true
    process.silent = false
    process.incarnation = incarnation
    process.incarnations.add(incarnation)
    process.startClock(this.#engine.nowMs)
    process.write({ incarnation, peers: process.remembered })
  }

  /** All members are there at once; the first goes ahead. */
  #boot(process: Process, create: boolean): void {
    for (const id of process.ids) this.#add(process, id, process.incarnation)
    this.#enter(process.members[0] as Member, create ? undefined : this.#contacts(process, process.via))
    this.#keepFile(process, process.life)
  }

  #add(process: Process, id: Id, incarnation: bigint): Member {
    const engine = this.#engine
    const index = process.members.length
    const self: Peer = { id, address: process.address, incarnation }
    const random = streamOf(engine.seed, 'node', process.address, index, process.life)
    const member = new Member(new ChordNode({ self, config: engine.config, random }), process, index)
    const users = this.#idsInUse.get(String(id)) ?? 0
    if (users > 0) engine.fault('duplicate-id', [process.address])
    this.enlist(member)
    return member
  }

  enlist(member: Member): void {
    const key = String(member.node.self.id)
    this.#idsInUse.set(key, (this.#idsInUse.get(key) ?? 0) + 1)
    member.process.members.push(member)
    if (this.#sorted !== undefined) this.#sorted = this.#sorted.toSpliced(placeOf(member, this.#sorted), 0, member)
    this.#engine.watchers.started(member)
  }

  #enter(member: Member, contacts: readonly Peer[] | undefined): void {
    this.#engine.inputOf(member, contacts === undefined ? { kind: 'create' } : { kind: 'join', contacts })
  }

  /** Members that can be reached there now. */
  #contacts(process: Process, addresses: readonly string[]): Peer[] {
    const { processes, network } = this.#engine
    return addresses.flatMap((address) => {
      const other = processes.get(address)
      if (other === undefined || !other.alive) return []
      const link = network.link(process, other)
      if (network.isCut(link) || network.isCut(link.back(network))) return []
      return other.members
        .filter(({ process: at, node }) => at !== process || node.core.joined)
        .map(({ node }) => node.self)
    })
  }

  /** Written when all members are in, then now and again. */
  #keepFile(process: Process, life: number): void {
    this.#engine.after(STATE_FILE_MS, () => {
      if (process.life !== life || !process.alive) return
      if (!process.paused) this.#save(process)
      this.#keepFile(process, life)
    })
  }

  #save(process: Process): void {
    const peers = process.knownAddresses(this.#engine.config.rememberedPeers)
    process.write({ incarnation: process.incarnation, peers })
  }

  // While it lives.

  settled(member: Member): void {
    const { process, node } = member
    // Who was refuted has left too, but waits for its next life.
    if (node.status === 'left') return node.core.departure === undefined ? undefined : this.#leftRing(member)
    if (process.stopAt !== undefined && node.core.handover?.phase === process.stopAt) return this.#stop(process)
    const first = process.members[0] as Member
    if (process.members.length === 1 || first.node.status !== 'member') return
    for (const other of [...process.members]) {
      if (other.node.status === 'new' && other.alive) this.#enter(other, [first.node.self])
    }
  }

  /** Dials the seeds and those remembered; whoever answers a hello is told to the member. */
  seeds(member: Member): void {
    const { process } = member
    for (const address of new Set([...this.seedAddresses, ...process.remembered])) {
      const other = this.#engine.processes.get(address)
      if (other !== undefined && other !== process) this.#greet(member, other)
    }
  }

  #greet(member: Member, other: Process): void {
    const engine = this.#engine
    const link = engine.network.link(member.process, other)
    engine.news(link, () => {
      if (!other.alive && !other.silent) return engine.refuse(link)
      if (!other.alive || other.paused) return
      const peers = other.members.slice(0, CONTACTS_MAX).map(({ node }) => node.self)
      link.usedMs = engine.nowMs
      engine.news(link.back(engine.network), () => {
        for (const [index, peer] of peers.entries()) {
          engine.inputOf(member, { kind: index === 0 ? 'compareRings' : 'contact', peer })
        }
      })
    })
  }

  // Ending.

  /** Without a word: what has an open connection finds it broken, unless the machine is gone. */
  end(process: Process, silently: boolean): void {
    const others = silently ? [] : this.#neighbors(process)
    this.#drop(process)
    process.alive = false
    process.silent = silently
    process.life++
    for (const other of others) this.#tellOf(process, other, 'connectionLost')
  }

  refuted(member: Member, known: bigint | undefined): void {
    const { process } = member
    if (known === undefined || !this.#reboots) {
      this.#save(process)
      return this.end(process, false)
    }
    const { life } = process
    // Not within the input that told it so.
    this.#engine.after(0, () => {
      if (process.life === life && process.alive) this.#again(process, known, false)
    })
  }

  #stop(process: Process): void {
    process.stopAt = undefined
    this.#engine.fault('stop-at', [process.address])
    this.end(process, false)
  }

  #leftRing(member: Member): void {
    const { process } = member
    if (process.members.length === 1) this.#save(process)
    this.#remove(member, 'left')
    process.members = process.members.filter((other) => other !== member)
    if (process.members.length > 0) return
    const others = this.#neighbors(process)
    process.alive = false
    process.life++
    for (const other of others) this.#tellOf(process, other, 'departed')
  }

  #drop(process: Process): void {
    const { members } = process
    process.members = []
    process.waiting = []
    process.paused = false
    for (const member of members) this.#remove(member, 'crashed')
  }

  #remove(member: Member, how: 'crashed' | 'left'): void {
    const key = String(member.node.self.id)
    const users = (this.#idsInUse.get(key) ?? 1) - 1
    if (users > 0) this.#idsInUse.set(key, users)
    else this.#idsInUse.delete(key)
    member.alive = false
    if (this.#sorted !== undefined) this.#sorted = this.#sorted.toSpliced(this.#sorted.indexOf(member), 1)
    this.#engine.watchers.stopped(member, how)
  }

  /** Processes with a connection to it: it was used lately, or they have it among their neighbors. */
  #neighbors(process: Process): Process[] {
    const { network, processes, nowMs } = this.#engine
    const out: Process[] = []
    for (const other of processes.values()) {
      if (other === process || !other.alive) continue
      const link = process.links.get(other.address)
      if ((link !== undefined && network.isConnected(link, nowMs)) || lists(other, process.address)) out.push(other)
      if (link === undefined) continue
      link.usedMs = link.back(network).usedMs = Number.NEGATIVE_INFINITY
    }
    return out
  }

  #tellOf(process: Process, other: Process, news: 'connectionLost' | 'departed'): void {
    const engine = this.#engine
    const { life } = other
    engine.news(engine.network.link(process, other), () => {
      if (other.life === life) engine.tell(process, other, news)
    })
  }
}

/** Of twins, who first came to its address. */
function inRingOrder(a: Member, b: Member): number {
  return a.node.self.id.compare(b.node.self.id) || a.process.index - b.process.index || a.index - b.index
}

function placeOf(member: Member, sorted: readonly Member[]): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (inRingOrder(sorted[middle] as Member, member) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function lists(process: Process, address: string): boolean {
  for (const { node } of process.members) {
    if (node.predecessor?.address === address) return true
    for (const peer of node.successors) if (peer.address === address) return true
  }
  return false
}
