/**
 * Connections to other processes, once for all transports: hellos, who is at which address, dialing, what is queued
 * until a connection is up, which connections are kept, goodbyes, and messages larger than a frame.
 */
import { isIP } from 'node:net'
import { classOfFrame } from '../transports/classes.ts'
import type { CloseReason, FrameRing, Lane, Link, Transport, TransportHandler } from '../transports/transport.ts'
import { isolated } from '../transports/uncaught.ts'
import { decodeGoodbye, decodeHello, encodeGoodbye, type Goodbye, type Refusal } from '../wire/hello.ts'
import * as L from '../wire/layout.ts'
import { Departure } from './departure.ts'
import { Dialer } from './dialer.ts'
import { Greeting, introduce } from './greeting.ts'
import { LargeMessages } from './large-messages.ts'
import { type Dial, LinkSession, noteFailure } from './link-session.ts'
import { Refusals } from './refusals.ts'
import type { ConnectionCounts, DownCause, LinksHandler, LinksOptions, Self, Session } from './session.ts'
import { SessionTable } from './session-table.ts'

const SWEEPS_PER_IDLE = 4

/**
 * The cheap path for an address with a session allocates nothing:
 *
 *     const session = links.session(address)
 *     const at = links.reserve(session, bytes, 'own')     // -1: busy
 *     …write the frame into links.tx at `at`…
 *     links.commit(session, at, bytes)
 *
 * Without a session, `send` copies the frame and dials. */
export class Links {
  readonly transport: Transport
  /** Our numeric host as the other end of the first connection that we dialed sees it. */
  observedHost: string | undefined
  readonly #options: LinksOptions
  readonly #handler: LinksHandler
  readonly #greeting: Greeting
  readonly #dialer: Dialer
  readonly #table = new SessionTable()
  /** Every connection whose `closed` is still to come. */
  readonly #open = new Set<LinkSession>()
  readonly #large: LargeMessages
  readonly #refusals = new Refusals()
  readonly #departure: Departure
  #keep: ReadonlySet<string> = new Set()
  #sweeper: Disposable | undefined
  #destroyed = false

  constructor(options: LinksOptions) {
    this.#options = options
    this.#handler = options.handler
    this.#greeting = new Greeting(options.self, options.random)
    const { outputBytes, connections } = options.limits
    this.transport = options.transport({ handler: this.#transportHandler(), outputBytes, connections })
    this.#large = new LargeMessages(this.transport, options.clock, options.limits)
    this.#dialer = new Dialer({
      transport: this.transport,
      clock: options.clock,
      connectMs: options.timing.connectMs,
      resolve: options.resolve,
      attempt: (session) => this.#attempt(session),
      failed: (dial) => this.#dialFailed(dial),
    })
    this.#departure = new Departure({
      transport: this.transport,
      clock: options.clock,
      patienceMs: options.timing.connectMs,
      open: this.#open,
      isDialing: () => this.#dialer.dials.size > 0,
      tell: (session) => this.#copyOut(session, encodeGoodbye('leaving'), 'control'),
    })
    this.#armSweeper()
  }

  /** Where to write between `reserve` and `commit`; read it anew after each `reserve`. */
  get tx(): FrameRing {
    return this.transport.tx
  }

  /** Binds. `host` is numeric. Errors: ERR_ADDRESS_IN_USE, ERR_LISTEN. */
  listen(host: string, port: number): Promise<{ host: string; port: number }> {
    return this.transport.listen(host, port)
  }

  /** Changes what our hello says. Sessions under the old identity are closed as idle; dialing ones start over. */
  identify(change: Partial<Self>): void {
    this.#greeting.self = { ...this.#greeting.self, ...change }
    for (const session of [...this.#table.all]) this.#farewell(session, 'idle')
    this.#dialer.restart()
  }

  /** The session to use for an address, if one is up. */
  session(address: string): Session | undefined {
    return this.#table.get(address)
  }

  /** `total` counts those too that have not said hello yet, or goodbye already. */
  counts(): ConnectionCounts {
    return { ...this.#table.counts(), total: this.#open.size }
  }

  /**
   * Room in `tx` for a frame of `bytes`: its offset, or -1 if the session is down or its queue over the lane's mark.
   * `trafficClass` is what the frame will say; an application's message if it is not given.
   */
  reserve(session: Session, bytes: number, lane: Lane, trafficClass?: number): number {
    return session.up ? this.transport.reserve(session.link, bytes, lane, trafficClass) : -1
  }

  /** Sends the frame written at `offset`. */
  commit(session: Session, offset: number, bytes: number): void {
    this.#table.used(session as LinkSession)
    this.transport.commit(session.link, offset, bytes)
  }

  /**
   * Sees to it that there is, or soon will be, a session to the address: ends in `sessionUp` or `sessionDown`, and
   * does nothing if there is one already (other than making a `reply` one a `routing` one).
   */
  open(address: string, purpose: 'routing' | 'reply'): void {
    const session = this.#table.get(address)
    if (session === undefined) this.#dial(address, purpose)
    else if (purpose === 'routing' && session.purpose === 'reply') session.purpose = purpose
  }

  /**
   * Sends a copy of a whole frame to an address: at once over a session, else when one is up (dialing if nobody does). Those over
   * FRAME_BYTES_MAX go as fragments, in order among themselves; small ones sent later may overtake them, and their bytes must
   * not be changed afterwards. False: a queue is full, the frame is not sent.
   */
  send(address: string, frame: Uint8Array, purpose: 'routing' | 'reply', lane: Lane): boolean {
    const session = this.#table.get(address)
    if (session !== undefined) return this.sendOn(session, frame, lane)
    const dial = this.#dial(address, purpose)
    if (dial === undefined || dial.queuedBytes >= this.#options.limits.outputBytes) return false
    dial.frames.push(frame.slice())
    dial.queuedBytes += frame.length
    return true
  }

  /** As `send`, over this session only (answers to clients, which have no address). False also if it is down. */
  sendOn(session: Session, frame: Uint8Array, lane: Lane): boolean {
    if (!session.up) return false
    const own = session as LinkSession
    if (frame.length <= L.FRAME_BYTES_MAX) return this.#copyOut(own, frame, lane)
    this.#table.used(own)
    return this.#large.push(own, frame)
  }

  /** Addresses that the routing table names now: connections dialed to them are not closed for being idle. */
  keep(addresses: ReadonlySet<string>): void {
    this.#keep = addresses
  }

  /** Says goodbye (`idle`) and closes one session; `sessionDown` with `local` follows. */
  close(session: Session): void {
    this.#farewell(session as LinkSession, 'idle')
  }

  /** The other end does not keep the rules: closes at once, counted as `what`. */
  refuse(session: Session, what: string): void {
    const own = session as LinkSession
    this.#refusals.count(what)
    this.#large.forget(own)
    own.cause ??= 'lost'
    own.up = false
    this.#table.remove(own)
    this.transport.close(own.link, true)
  }

  /**
   * Stops accepting, says goodbye (`leaving`) to all, and closes when all have said it too: until then what is on its
   * way to us arrives, and can be answered and passed on. Resolves when all have closed, or after `connectMs`.
   */
  leave(): Promise<void> {
    this.transport.unlisten()
    return this.#departure.begin()
  }

  /** Closes everything at once. No handler call comes after it was called. */
  destroy(): Promise<void> {
    this.#destroyed = true
    this.#sweeper?.[Symbol.dispose]()
    this.#large.destroy()
    for (const session of this.#open) {
      session.up = false
      session.stopTimer()
    }
    this.#dialer.stop()
    this.#departure.stop()
    return this.transport.destroy()
  }

  /** What was refused since the beginning, by reason: of framing, of hellos, of fragments. */
  refused(): Readonly<Record<string, number>> {
    return this.#refusals.with(this.transport.closeReasons())
  }

  ref(): void {
    this.transport.ref()
  }

  unref(): void {
    this.transport.unref()
  }

  #transportHandler(): TransportHandler {
    return {
      opened: (link) => this.#opened(link),
      frame: (link, ring, offset, length) => this.#frame(link.session as LinkSession, ring, offset, length),
      closed: (link, reason) => this.#closed(link.session as LinkSession, reason),
      drained: (link) => this.#drained(link.session as LinkSession),
      batchEnd: () => this.#handler.batchEnd(),
    }
  }

  #opened(link: Link): void {
    if (link.dialed) return
    const session = new LinkSession(link, 'accepted')
    link.session = session
    this.#open.add(session)
    session.timer = this.#options.clock.setTimer(this.#options.timing.connectMs, () => {
      this.#refusals.count('silence')
      this.transport.close(link, true)
    })
  }

  #frame(session: LinkSession, ring: FrameRing, offset: number, length: number): void {
    const type = ring.halves[(offset + L.AT_TYPE) >>> 1]!
    this.#table.used(session)
    if (type >= L.TYPE_MAINTENANCE_FIRST && session.greeted) {
      this.#handler.peerFrame(session, ring, offset, length)
    } else if (!session.greeted) {
      this.#hello(session, ring, offset, length)
    } else if (type === L.TYPE_FRAGMENT) {
      this.#fragment(session, ring, offset, length)
    } else if (type === L.TYPE_GOODBYE) {
      this.#goodbye(session, decodeGoodbye(ring, offset, length))
    } else {
      this.refuse(session, 'type')
    }
  }

  /** The first frame of a link, which the transport has seen to be a hello. */
  #hello(session: LinkSession, ring: FrameRing, offset: number, length: number): void {
    const { link } = session
    const hello = decodeHello(ring, offset, length)
    let refusal: Refusal = hello.ok ? this.#greeting.judge(hello.value, link.dialed) : 'hello'
    if (link.dialed && hello.ok && hello.value.refusal !== 'none') refusal = hello.value.refusal
    if (this.#departure.isLeaving && !link.dialed) refusal = 'leaving'
    if (!link.dialed) this.#copyOut(session, this.#greeting.encode(link.remoteHost, refusal), 'control')
    if (refusal !== 'none' || !hello.ok) {
      this.#refusals.count(refusal)
      session.cause = 'rejected'
      if (refusal !== 'none') session.rejection = refusal
      this.transport.close(link)
      return
    }
    if (link.dialed && isIP(hello.value.observedHost) !== 0) this.observedHost ??= hello.value.observedHost
    introduce(session, hello.value, this.#options.idOf)
    this.#up(session)
  }

  #up(session: LinkSession): void {
    const { dial } = session
    session.stopTimer()
    session.greeted = session.up = session.announced = true
    session.idleSinceMs = this.#options.clock.nowMs()
    this.#table.add(session)
    if (dial !== undefined) {
      session.dial = undefined
      session.purpose = dial.purpose
      this.#dialer.dials.delete(dial.address)
      this.#sendQueued(dial, session)
    }
    const crossing = this.#dialer.dials.get(session.address)
    if (crossing !== undefined) this.#sendQueued(crossing, session)
    this.#handler.sessionUp(session)
    if (this.#departure.isLeaving) this.#departure.opened(session)
  }

  #sendQueued(dial: Dial, session: LinkSession): void {
    // No more than one link's own queue holds, so the control lane takes it all.
    for (const frame of dial.frames) this.sendOn(session, frame, 'control')
    dial.frames.length = 0
    dial.queuedBytes = 0
  }

  #goodbye(session: LinkSession, goodbye: Goodbye | undefined): void {
    if (goodbye === undefined) return this.refuse(session, 'goodbye')
    if (this.#departure.isLeaving) return this.#departure.heard(session)
    session.up = false
    this.#table.remove(session)
    // Who leaves closes when all know it. Until then it may answer what we sent.
    const told = goodbye === 'leaving' && this.#copyOut(session, encodeGoodbye('closing'), 'control')
    if (!told) this.transport.close(session.link)
    this.#closeAtLast(session)
    this.#down(session, session.cause ?? (goodbye === 'idle' ? 'idle' : 'leaving'))
  }

  #fragment(session: LinkSession, ring: FrameRing, offset: number, length: number): void {
    let result = this.#large.take(session, ring, offset, length)
    while (result.kind === 'full') {
      this.refuse(result.victim, 'reassembly')
      result = this.#large.take(session, ring, offset, length)
    }
    if (result.kind === 'message') this.#handler.peerFrame(session, result.ring, 0, result.bytes)
    else if (result.kind === 'fault') this.refuse(session, 'fragment')
  }

  #closed(session: LinkSession, reason: CloseReason): void {
    this.#open.delete(session)
    this.#table.remove(session)
    this.#large.forget(session)
    session.stopTimer()
    session.up = false
    const { dial } = session
    if (dial !== undefined) {
      noteFailure(dial, session.cause ?? (reason === 'refused' ? reason : 'unreachable'), session.rejection)
      this.#dialer.next(dial)
    }
    if (session.isParting) this.#handler.sessionEnded(session)
    this.#down(session, session.cause ?? (reason === 'local' ? 'local' : 'lost'))
    this.#departure.changed()
  }

  #down(session: LinkSession, cause: DownCause): void {
    if (!session.announced) return
    session.ended(cause)
    this.#handler.sessionDown({ address: session.address, cause, session })
  }

  #drained(session: LinkSession): void {
    if (!session.up) return
    this.#large.pump(session)
    this.#handler.drained(session)
  }

  #dial(address: string, purpose: 'routing' | 'reply'): Dial | undefined {
    if (!this.#dialer.dials.has(address)) {
      if (this.#departure.isClosing || this.#destroyed) return undefined
      if (purpose === 'reply' && !this.#makeRoomForReply()) return undefined
    }
    return this.#dialer.begin(address, purpose)
  }

  #makeRoomForReply(): boolean {
    const dialing = this.#dialer.count('reply')
    if (this.#table.counts().reply + dialing < this.#options.limits.replyConnections) return true
    // A member's answers find another way; a client has no address.
    const oldest =
      this.#table.leastRecentReply(false) ??
      (this.#greeting.self.role === 'member' ? this.#table.leastRecentReply(true) : undefined)
    if (oldest !== undefined) this.#farewell(oldest, 'idle')
    return oldest !== undefined
  }

  #attempt(session: LinkSession): void {
    this.#open.add(session)
    this.#copyOut(session, this.#greeting.encode(session.link.remoteHost), 'control')
  }

  /** Comes from timers and promises too, so it makes a batch of its own. */
  #dialFailed(dial: Dial): void {
    if (this.#destroyed) return
    const session = this.#table.get(dial.address)
    if (session !== undefined) return this.#sendQueued(dial, session)
    const { address, cause, rejection } = dial
    isolated(() => this.#handler.sessionDown({ address, cause, ...(rejection === undefined ? {} : { rejection }) }))
    isolated(() => this.#handler.batchEnd())
    this.#departure.changed()
  }

  #farewell(session: LinkSession, goodbye: Goodbye): void {
    if (!session.up) return
    const told = this.#copyOut(session, encodeGoodbye(goodbye), 'control')
    session.up = false
    session.cause = 'local'
    this.#table.remove(session)
    // The other end closes when it has sent what it had; nothing of it is lost.
    if (!told) this.transport.close(session.link)
    this.#closeAtLast(session)
  }

  /** Should the other end not do so in time. */
  #closeAtLast(session: LinkSession): void {
    this.#large.stop(session)
    const { clock, timing } = this.#options
    session.timer ??= clock.setTimer(timing.connectMs, () => this.transport.close(session.link, true))
  }

  #copyOut(session: LinkSession, frame: Uint8Array, lane: Lane): boolean {
    const at = this.transport.reserve(session.link, frame.length, lane, classOfFrame(frame))
    if (at < 0) return false
    this.transport.tx.bytes.set(frame, at)
    this.commit(session, at, frame.length)
    return true
  }

  #armSweeper(): void {
    const { clock, timing } = this.#options
    this.#sweeper = clock.setTimer(timing.idleMs / SWEEPS_PER_IDLE, () => {
      for (const session of this.#table.sweep(clock.nowMs(), timing.idleMs, this.#keep)) this.#farewell(session, 'idle')
      this.#armSweeper()
    })
  }
}
