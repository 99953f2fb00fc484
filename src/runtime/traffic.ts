/** Everything that goes over the connections of a member, wired together: who gets which frame, and how calls leave. */

import type { Limits, Member, Owner, Timing } from '../api.ts'
import type { ChordError } from '../core/errors.ts'
import { reportUncaught } from '../transports/uncaught.ts'
import { decodeFailure, decodeFound, FAIL_LOST, FAIL_NOT_MEMBER, FAIL_UNSETTLED, readOwner } from '../wire/answers.ts'
import {
  type FrameMemory,
  isForKey,
  readExtensions,
  readFlags,
  readHigh,
  readId,
  readIncarnation,
  readLow,
  readType,
} from '../wire/frames.ts'
import { bodyOffset } from '../wire/framing.ts'
import {
  EXT_ORIGIN,
  EXT_TARGET,
  FLAG_UNCACHED,
  HEADER_BYTES,
  TARGET_INCARNATION,
  TYPE_FAILURE,
  TYPE_FOUND,
  TYPE_LOOKUP,
  TYPE_REPLY,
  TYPE_REQUEST,
  TYPE_STREAM,
} from '../wire/layout.ts'
import { Answering, routedBack } from './answering.ts'
import { Delivery } from './deliver.ts'
import { Dispatch } from './dispatch.ts'
import type { Environment } from './environment.ts'
import { Exchange } from './exchange.ts'
import { Forward } from './forward.ts'
import { Holding } from './holding.ts'
import { Iterative } from './iterative.ts'
import type { Links } from './links.ts'
import { Maintenance } from './maintenance.ts'
import type { Members } from './members.ts'
import { OwnFrames } from './own-frames.ts'
import type { Peers } from './peers.ts'
import { RELAY_BIT } from './relay.ts'
import { RememberedRanges } from './remembered-ranges.ts'
import type { Down, Session } from './session.ts'
import { Silence } from './silence.ts'
import type { Streams } from './streams/streams.ts'
import { Turn } from './turn.ts'

export interface TrafficOptions {
  environment: Environment
  limits: Limits
  timing: Pick<Timing, 'cachedMs'>
  book: Peers
  links: () => Links
  members: () => Members
  streams: Streams
  /** Our own address, or another name of it. */
  isOurs(address: string): boolean
  isRouting(address: string): boolean
  /** Before the ranges are known, or just after being cut off, a key that nobody can route is no reason to give up. */
  isSettling(nowMs: number): boolean
  warn(error: ChordError): void
}

export class Traffic {
  readonly exchange: Exchange
  readonly delivery: Delivery
  readonly forward: Forward
  readonly maintenance: Maintenance
  readonly answering: Answering
  readonly holding: Holding
  readonly iterative: Iterative
  readonly ranges: RememberedRanges
  readonly #silence: Silence
  readonly #o: TrafficOptions
  readonly #own: OwnFrames
  readonly #turn: Turn

  constructor(o: TrafficOptions) {
    this.#o = o
    const { environment, limits, book, links } = o
    const { clock, random } = environment
    const turn = new Turn(clock)
    this.#turn = turn
    const cores = () => o.members().cores
    const self = () => cores()[0]!.self
    const member = (index: number): Member => o.members().view(index)
    const violation = (session: Session, why: string) => links().refuse(session, why)
    this.#silence = new Silence({ clock, defer: (run) => environment.defer(run), ask: this.#askWhether })
    const handed = (session: Session) => this.#silence.handed(session)
    this.ranges = new RememberedRanges({ links, cores, clock, limits, timing: o.timing })
    const { ranges } = this
    this.#own = new OwnFrames({
      defer: (run) => environment.defer(run),
      handle: (memory, at, length) => this.#handleOwn(memory, at, length),
      begin: () => turn.begin(),
      handled: () => this.batchEnd(),
    })
    const dispatch = new Dispatch({
      exchange: () => this.exchange,
      cores,
      ranges,
      iterative: () => this.iterative,
      isOurs: o.isOurs,
      isSettling: o.isSettling,
      own: this.#own,
      nowMs: () => clock.nowMs(),
    })
    this.exchange = new Exchange({
      links,
      clock,
      random,
      limits,
      isClient: false,
      dispatch: (call, nowMs) => dispatch.send(call, nowMs),
      hedge: (call, nowMs) => dispatch.hedge(call, nowMs),
      defer: (run) => environment.defer(run),
      handed,
      remembered: ranges,
      ourselves: {
        owns: (key) => cores().some((core) => core.owns(key)),
        send: (call, remainingMs) => dispatch.toOurselves(call, remainingMs),
      },
    })
    this.holding = new Holding({
      links,
      clock,
      passedOn: (session, m) => this.forward.note(session, m, 0),
      undeliverable: (frame) => this.#undeliverable(frame),
    })
    this.answering = new Answering({
      links,
      book,
      holding: this.holding,
      cores,
      address: () => self().address,
      own: this.#own,
      payloadBytesMax: limits.payloadBytes,
    })
    const { answering, holding } = this
    this.delivery = new Delivery({
      answering,
      book,
      clock,
      turn,
      duplicates: limits.duplicates,
      member,
      self,
      warn: o.warn,
    })
    const { delivery } = this
    this.forward = new Forward({
      links,
      cores,
      self,
      answering,
      delivery,
      holding,
      random,
      turn,
      limits,
      shortcuts: ranges,
      answer: (m, at, length) => this.#answer(m, at, length),
      handed,
      violation,
    })
    this.iterative = new Iterative({
      clock,
      ask: (to, request, message) => this.maintenance.transmit(0, to, request, message),
      start: (key) => dispatch.stepsTowards(key),
      found: (call, owner, nowMs) => dispatch.straightTo(call, owner, true, nowMs),
      through: (call, nearest, nowMs) => dispatch.straightTo(call, nearest, false, nowMs),
      lost: (call, nowMs) => this.exchange.pause(call, FAIL_UNSETTLED, nowMs),
    })
    this.maintenance = new Maintenance({
      links,
      members: o.members,
      book,
      isRouting: o.isRouting,
      answer: (from, request, message) => this.iterative.answer(from, request, message),
      violation,
    })
  }

  // From the connections.

  frame(session: Session, m: FrameMemory, at: number, length: number): void {
    this.#turn.begin()
    this.#silence.heard(session)
    if (readType(m, at) < TYPE_LOOKUP) this.maintenance.receive(session, m, at, length, this.#turn.nowMs)
    else this.#application(session, m, at, length)
  }

  batchEnd(): void {
    this.#turn.end()
    this.delivery.runBatches()
  }

  /** The members may know something else than before. */
  settled(): void {
    this.forward.routes.settled()
  }

  sessionUp(session: Session): void {
    this.#silence.up(session)
    this.ranges.reached(session.address)
    this.forward.routes.sessionChanged(session)
    this.exchange.sessionUp(this.#o.environment.clock.nowMs())
    this.holding.sessionUp()
    this.#o.streams.sessionUp()
  }

  sessionDown(down: Down): void {
    if (down.session === undefined) this.ranges.avoid(down.address)
    // A connection that was closed for being idle says nothing of who is there.
    if (down.cause !== 'idle' && down.cause !== 'local') this.ranges.cache.forgetAddress(down.address)
    this.exchange.sessionDown(down, this.#o.environment.clock.nowMs())
    this.holding.sessionDown(down.address)
    this.#o.streams.sessionDown(down)
    if (down.session === undefined) return
    this.#silence.down(down.session)
    this.forward.routes.sessionChanged(down.session)
    if (down.cause === 'lost') this.forward.lost(down.session)
    this.forward.relay.sessionDown(down.session)
  }

  /** A connection that had said goodbye before is no more. */
  sessionEnded(session: Session): void {
    this.exchange.sessionEnded(session, this.#o.environment.clock.nowMs())
  }

  close(error: ChordError): void {
    this.delivery.abortAll()
    this.iterative.stop()
    this.#silence.stop()
    this.ranges.stop()
    this.exchange.close(error)
    this.#o.streams.close(error)
    this.#own.clear()
  }

  /** They have said nothing for a while. */
  readonly #askWhether = (addresses: readonly string[]): void => {
    const members = this.#o.members()
    for (const address of addresses) this.ranges.cache.forgetAddress(address)
    members.input((nowMs) => {
      for (const core of members.cores) for (const address of addresses) core.silent(address, nowMs)
    })
  }

  #application(session: Session | undefined, m: FrameMemory, at: number, length: number): void {
    const routed = isForKey(m, at)
    switch (readType(m, at)) {
      case TYPE_LOOKUP:
        if (routed) return this.forward.receive(session, m, at, length)
        if (session !== undefined) this.#o.links().refuse(session, 'target')
        return
      case TYPE_STREAM:
        if (session !== undefined) this.#o.streams.frame(session, m, at, length)
        return
      case TYPE_REQUEST:
        if (routed) return this.forward.receive(session, m, at, length)
        return this.#direct(session, m, at, length)
      case TYPE_FOUND:
      case TYPE_REPLY:
      case TYPE_FAILURE:
        if (routed) return this.forward.receive(session, m, at, length)
        return this.#answer(m, at, length)
      default:
        if (session !== undefined) this.#o.links().refuse(session, 'type')
    }
  }

  #direct(session: Session | undefined, m: FrameMemory, at: number, length: number): void {
    let index = 0
    const extensions = readExtensions(m, at)
    // It comes straight from who asks, who is known: anybody else's name would be a forged one.
    if ((extensions & EXT_ORIGIN) !== 0 && session !== undefined) return this.#o.links().refuse(session, 'origin')
    if ((extensions & EXT_TARGET) !== 0) {
      const incarnation = readIncarnation(m, at + HEADER_BYTES + TARGET_INCARNATION)
      const id = readId(m, at + HEADER_BYTES)
      const { cores } = this.#o.members()
      index = cores.findIndex((core) => core.self.incarnation === incarnation && core.self.id.equals(id))
      if (index < 0) {
        const why = 'no such member here: it has left or been restarted'
        return this.answering.failure(this.answering.path(session, m, at), 0, FAIL_NOT_MEMBER, why)
      }
    }
    this.delivery.receive(session, m, at, length, index, undefined)
  }

  /** To one of our calls, or to one of a client whose entry hop we are. */
  #answer(m: FrameMemory, at: number, length: number): void {
    const low = readLow(m, at)
    const high = readHigh(m, at)
    if ((low & RELAY_BIT) !== 0) return this.#relay(low, high, m, at, length)
    const isRepeated = (readFlags(m, at) & FLAG_UNCACHED) !== 0
    this.#learn(low, high, readOwner(m, at, this.#o.book), 0, isRepeated)
    const start = bodyOffset(m, at)
    const end = at + length
    switch (readType(m, at)) {
      case TYPE_FOUND: {
        const found = decodeFound(m.bytes, start, end, this.#o.book)
        if (found === undefined) return
        this.#learn(low, high, found, 1, isRepeated)
        return this.exchange.found(low, high, found, isRepeated, this.#turn.nowMs)
      }
      case TYPE_REPLY:
        return this.exchange.replied(low, high, isRepeated, m.bytes, start, end)
      default: {
        const failure = decodeFailure(m.bytes, start, end)
        if (failure === undefined) return
        this.exchange.refusedBy(low, high, failure.code, failure.message, isRepeated, this.#turn.nowMs)
      }
    }
  }

  #relay(low: number, high: number, m: FrameMemory, at: number, length: number): void {
    const { relay } = this.forward
    const entry = isLost(m, at, length) ? relay.find(low, high) : relay.take(low, high)
    if (entry === undefined) return
    const { book } = this.#o
    const isFound = readType(m, at) === TYPE_FOUND
    const owner = isFound ? decodeFound(m.bytes, bodyOffset(m, at), at + length, book) : readOwner(m, at, book)
    if (owner !== undefined) this.ranges.learn(owner, this.#turn.nowMs)
    if (!this.answering.passBack(entry.session, m, at, length, entry.low, entry.high)) this.answering.dropped++
  }

  #learn(low: number, high: number, owner: Owner | undefined, straight: number, isRepeated: boolean): void {
    const call = owner === undefined ? undefined : this.exchange.table.find(low, high)
    if (call !== undefined) this.ranges.answered(call, owner!, straight, isRepeated, this.#turn.nowMs)
  }

  #undeliverable(frame: Parameters<Forward['undeliverable']>[0]): void {
    if (frame.kind === 'forward') return this.forward.undeliverable(frame)
    const { originId } = frame
    const routed = originId === undefined ? undefined : routedBack(frame.memory, frame.length, originId)
    if (routed === undefined) this.answering.dropped++
    else this.forward.receive(undefined, routed, 0, routed.bytes.length)
  }

  // Frames of our own for ourselves.

  #handleOwn(memory: FrameMemory, at: number, length: number): void {
    try {
      this.#application(undefined, memory, at, length)
    } catch (error) {
      reportUncaught(error)
    }
  }
}

/** Only that: not an answer. */
function isLost(m: FrameMemory, at: number, length: number): boolean {
  if (readType(m, at) !== TYPE_FAILURE) return false
  return decodeFailure(m.bytes, bodyOffset(m, at), at + length)?.code === FAIL_LOST
}
