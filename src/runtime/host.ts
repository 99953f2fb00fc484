/** What a node is made of while it runs: connections, members, seeds, state file; how they start and end. */
import type { Key, Member, NodeState, Peer } from '../api.ts'
import type { CoreConfig } from '../core/chord-node.ts'
import { ISOLATED_GRACE_MS, type NodeSettings } from '../core/config.ts'
import { assert, ChordError } from '../core/errors.ts'
import type { Id } from '../core/id.ts'
import type { CoreEvent } from '../core/output.ts'
import { formatAddress } from './address.ts'
import { plannedChange, rangeChange, stateOf, tell } from './core-events.ts'
import { Deferred } from './deferred.ts'
import type { Environment } from './environment.ts'
import type { Emitter } from './events.ts'
import { Links } from './links.ts'
import { Lives } from './lives.ts'
import { type Handover, Members, type MembersHandler } from './members.ts'
import { PastQuestions } from './past-questions.ts'
import { Peers } from './peers.ts'
import { joinTimeout, listenAddress, OwnAddress } from './place.ts'
import { type Recorder, recorderOf } from './recorder.ts'
import { RoutingAddresses, tellDown } from './routing-addresses.ts'
import { Seeds, tellContacts } from './seeds.ts'
import type { Services } from './services.ts'
import type { Down, LinksHandler, Session } from './session.ts'
import type { Streams } from './streams/streams.ts'
import { Traffic } from './traffic.ts'
import { aborted } from './values.ts'

export interface HostOptions {
  settings: NodeSettings
  environment: Environment
  emitter: Emitter
  services: Services
  streams: Streams
  state(state: NodeState): void
  /** The node cannot go on. */
  fatal(error: ChordError): void
}

/** Contacts of an earlier life are given this long before a node with no seed but itself makes a ring of its own. */
const REMEMBERED_MS = 2_000

export class Host {
  readonly traffic: Traffic
  readonly book: Peers
  address = ''
  evictions = 0
  readonly #o: HostOptions
  readonly #seeds: Seeds
  readonly #lives: Lives
  readonly #place: OwnAddress
  readonly #past: PastQuestions
  readonly #recorder: Recorder | undefined
  #links: Links | undefined
  #members: Members | undefined
  readonly #routing = new RoutingAddresses()
  #started = new Deferred<void>()
  #left: Deferred<void> | undefined
  readonly #cut = new Deferred<void>()
  #patience: Disposable | undefined
  #isStarting = true
  /** When the node was last cut off. */
  #isolatedMs = Number.NEGATIVE_INFINITY
  #isClosed = false
  #holds = true

  constructor(o: HostOptions) {
    this.#o = o
    const { settings, environment } = o
    this.book = new Peers(environment.idOf)
    this.#seeds = new Seeds({
      seeds: settings.join,
      links: () => this.links,
      clock: environment.clock,
      resolve: (host) => environment.resolve(host),
      address: () => this.address,
      contact: (index, session) => this.#contact(index, session),
      alone: () => this.#alone(),
    })
    this.#place = new OwnAddress(environment.clock)
    this.#lives = new Lives({
      path: settings.stateFile,
      files: environment.files,
      clock: environment.clock,
      peers: () => this.#remembered(),
      warn: (error) => o.emitter.warn(error),
    })
    this.#recorder = recorderOf(settings, environment, (error) => o.emitter.warn(error))
    this.#past = new PastQuestions({ links: () => this.links, members: () => this.members })
    this.traffic = new Traffic({
      environment,
      limits: settings.limits,
      timing: settings.timing,
      book: this.book,
      links: () => this.links,
      members: () => this.members,
      streams: o.streams,
      isOurs: (address) => this.isOurs(address),
      isRouting: (address) => this.#routing.has(address),
      isSettling: (nowMs) => this.#isStarting || nowMs - this.#isolatedMs < ISOLATED_GRACE_MS,
      warn: (error) => o.emitter.warn(error),
    })
  }

  get booted(): boolean {
    return this.#members !== undefined
  }

  get links(): Links {
    assert(this.#links !== undefined, 'there are connections')
    return this.#links
  }

  get members(): Members {
    assert(this.#members !== undefined, 'there are members')
    return this.#members
  }

  get opened(): Links | undefined {
    return this.#links
  }

  views(): Member[] {
    return this.#members?.cores.map((_, index) => this.members.view(index)) ?? []
  }

  owns(key: Id & Key): Member | undefined {
    const index = this.#members?.cores.findIndex((core) => core.owns(key)) ?? -1
    return index < 0 ? undefined : this.members.view(index)
  }

  isOurs(address: string): boolean {
    return this.#seeds.isOurs(address)
  }

  ref(): void {
    this.#holds = true
    this.#links?.ref()
  }

  unref(): void {
    this.#holds = false
    this.#links?.unref()
  }

  /** Resolves when every member has its range. Whoever calls closes everything after an error. */
  async start(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const timer = this.#o.environment.clock.setTimer(timeoutMs, () =>
      this.#started.reject(joinTimeout(this.#o.settings.join, timeoutMs)),
    )
    const onAbort = () => this.#started.reject(aborted(signal!))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.all([this.#open(timeoutMs).catch((error) => this.#started.reject(error)), this.#started.promise])
      this.#isStarting = false
      this.#lives.keepSaving()
    } finally {
      timer[Symbol.dispose]()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Hands over, says goodbye; ends at the deadline whether that is done or not. */
  async leave(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const left = new Deferred<void>()
    this.#left = left
    const cut = this.#cut
    const timer = this.#o.environment.clock.setTimer(timeoutMs, () => cut.resolve())
    const onAbort = () => cut.resolve()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.traffic.delivery.abortAll()
    const streams = this.#o.streams.leave(timeoutMs)
    this.members.input((nowMs) => {
      for (const core of this.members.cores) core.leave(nowMs)
    })
    const steps = async () => {
      await left.promise
      await this.#o.services.stop()
      await Promise.all([this.traffic.delivery.idle(), streams])
      if (!this.#isClosed) await this.links.leave()
    }
    await Promise.race([steps(), cut.promise])
    timer[Symbol.dispose]()
    signal?.removeEventListener('abort', onAbort)
  }

  async close(reason: ChordError): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cut.resolve()
    this.#patience?.[Symbol.dispose]()
    this.#started.reject(reason)
    this.traffic.close(reason)
    this.#members?.stop()
    await this.#links?.destroy()
    await this.#lives.close()
    await this.#recorder?.close()
  }

  // Starting.

  async #open(timeoutMs: number): Promise<void> {
    const { settings, environment } = this.#o
    const saved = await this.#lives.read()
    const { host, port } = await listenAddress(settings.listen, environment)
    if (this.#isClosed) return
    this.#links = new Links({
      transport: (options) => environment.transport(options),
      handler: this.#linksHandler(),
      clock: environment.clock,
      random: environment.random,
      self: { role: 'member', network: settings.network, address: '', incarnations: [] },
      idOf: environment.idOf,
      limits: settings.limits,
      timing: settings.timing,
      resolve: (name) => environment.resolve(name),
    })
    if (!this.#holds) this.#links.unref()
    const bound = await this.#links.listen(host, port)
    this.address = await this.#place.find(bound, settings, () => void this.#seeds.dial(), this.#started.promise)
    this.#past.isAlone = this.address === formatAddress(bound.host, bound.port)
    if (this.#isClosed) return
    await this.#lives.begin(saved)
    this.#seeds.remember(saved.peers)
    this.#boot(this.#seeds.none)
    if (!this.#seeds.none) {
      const patienceMs = Math.min(REMEMBERED_MS, timeoutMs / 2)
      this.#patience = environment.clock.setTimer(patienceMs, () => this.#seeds.waitNoLonger())
    }
  }

  /** Makes the members, each new, and sends them into the ring, or lets the first one make it. */
  #boot(create: boolean): void {
    const { settings, environment } = this.#o
    const { virtualNodes, successors, onIsolated, timing, limits } = settings
    const peers: Peer[] = []
    for (let index = 0; index < virtualNodes; index++) {
      const peer = this.book.peer(this.address, index, this.#lives.incarnation)
      assert(peer !== undefined, 'our own address is an address')
      peers.push(peer)
    }
    this.links.identify({ address: this.address, incarnations: peers.map((peer) => peer.incarnation) })
    const config: CoreConfig = { successors, onIsolated, rememberedPeers: limits.rememberedPeers, ...timing }
    this.#members?.stop()
    this.#routing.forget()
    const { random, clock } = environment
    const members = new Members(peers, config, random, clock, this.#membersHandler(), this.#recorder?.boot)
    this.#members = members
    members.input((nowMs) => {
      if (create) members.cores[0]!.create(nowMs)
      else members.cores[0]!.join([], nowMs)
    })
  }

  /** There is nobody to join: this is the first node of the ring. */
  #alone(): void {
    this.#place.nobody()
    const first = this.#members?.cores[0]
    if (this.#isClosed || first?.status !== 'joining' || first.successors.length > 0) return
    this.#lives.next()
    this.#boot(true)
  }

  // From below: connections.

  #linksHandler(): LinksHandler {
    return {
      peerFrame: (session, ring, offset, length) => {
        if (this.#members !== undefined) this.traffic.frame(session, ring, offset, length)
      },
      sessionUp: (session) => this.#sessionUp(session),
      sessionDown: (down) => this.#sessionDown(down),
      sessionEnded: (session) => this.traffic.sessionEnded(session),
      drained: (session) => this.#o.streams.drained(session),
      batchEnd: () => this.traffic.batchEnd(),
    }
  }

  #sessionUp(session: Session): void {
    const { observedHost } = this.links
    if (observedHost !== undefined) this.#place.told(observedHost)
    if (this.#members === undefined) return
    this.#seeds.sessionUp(session)
    this.traffic.sessionUp(session)
  }

  #sessionDown(down: Down): void {
    const { address, rejection } = down
    if (rejection === 'self') this.#seeds.ours(address)
    // Anybody may answer so. Once we are in the ring it counts only if it comes from our own address.
    if (rejection === 'duplicate' && (this.#isStarting || address === this.address)) this.#duplicate(address)
    if (this.#members === undefined || this.#isClosed) return
    this.#past.sessionDown(down)
    const isReachable = this.links.session(address) !== undefined
    this.members.input((nowMs) => {
      for (const core of this.members.cores) tellDown(core, down, isReachable, nowMs)
    })
    this.traffic.sessionDown(down)
  }

  #contact(index: number, session: Session): void {
    const core = this.#members?.cores[index]
    if (core === undefined) return
    this.members.input((nowMs) => tellContacts(core, session, this.book, nowMs))
  }

  // From above: cores.

  #membersHandler(): MembersHandler {
    return {
      transmit: (index, to, request, message) => this.traffic.maintenance.transmit(index, to, request, message),
      event: (index, event) => this.#event(index, event),
      handover: (index, handover) => this.#handover(index, handover),
      askPast: (index, to, request) => this.#past.ask(index, to, request),
      seeds: (index) => this.#seeds.want(index),
      settled: () => this.#settled(),
    }
  }

  #event(index: number, event: CoreEvent): void {
    const { emitter, services } = this.#o
    const member = this.members.view(index)
    switch (event.type) {
      case 'range': {
        const change = rangeChange(member, event)
        services.commit(change)
        return emitter.emit('range', change)
      }
      case 'duplicate':
        return this.#duplicate(event.peer.address)
      case 'staleIncarnation':
        return this.#raiseIncarnation(event.known)
      case 'peerDown':
        this.evictions++
        this.traffic.ranges.cache.forgetAddress(event.peer.address)
        return tell(emitter, member, event)
      case 'state':
        if (event.current === 'isolated') this.#isolatedMs = this.#o.environment.clock.nowMs()
        return tell(emitter, member, event)
      default:
        return tell(emitter, member, event)
    }
  }

  #handover(index: number, handover: Handover): void {
    const { members } = this
    this.#o.services.handOver(plannedChange(members.view(index), handover), () => {
      members.input((nowMs) => members.cores[index]!.handedOver(handover.token, nowMs))
    })
  }

  /** After the cores have done all they could for now. */
  #settled(): void {
    const { cores } = this.members
    if (this.#isClosed) return
    if (cores[0]!.status === 'member' && cores.some((core) => core.status === 'new')) {
      return this.members.input((nowMs) => {
        for (const core of cores) if (core.status === 'new') core.join([cores[0]!.self], nowMs)
      })
    }
    this.#routing.update(cores, this.links)
    this.traffic.settled()
    const status = stateOf(cores.map((core) => core.status))
    if (status === 'left') this.#left?.resolve()
    else this.#o.state(status)
    if (status === 'member') this.#started.resolve()
  }

  #duplicate(address: string): void {
    const text = `another live process has our place on the ring (${address}); is the same address advertised twice?`
    const error = new ChordError('ERR_DUPLICATE_ID', text)
    if (this.#isStarting) this.#started.reject(error)
    else this.#o.fatal(error)
  }

  /** A later life of ours is remembered in the ring: start again above it. */
  #raiseIncarnation(known: bigint): void {
    this.#lives.next(known)
    const stale = this.#members
    this.#o.environment.defer(() => {
      if (!this.#isClosed && this.#members === stale) this.#boot(false)
    })
  }

  #remembered(): string[] {
    const addresses = new Set<string>()
    for (const core of this.#members?.cores ?? []) for (const peer of core.remembered()) addresses.add(peer.address)
    addresses.delete(this.address)
    return [...addresses].slice(0, this.#o.settings.limits.rememberedPeers)
  }
}
