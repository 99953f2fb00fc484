/** Frames that travel by key: delivered here, passed on, or answered with why not. */

import type { Limits, Peer, Random } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import type { RangeCache } from '../core/range-cache.ts'
import { decide, type Shortcuts } from '../core/router.ts'
import { classOf } from '../transports/classes.ts'
import { FAIL_BUSY, FAIL_HOP_LIMIT, FAIL_ISOLATED, FAIL_LOST, FAIL_UNSETTLED } from '../wire/answers.ts'
import {
  type FrameMemory,
  frameMemory,
  originBytes,
  patchHop,
  readExtensions,
  readFinalSteps,
  readFlags,
  readHops,
  readId,
  readType,
  readVnode,
  writeOrigin,
} from '../wire/frames.ts'
import { bodyOffset, extensionOffset } from '../wire/framing.ts'
import {
  AT_EXTENSIONS,
  EXT_DEADLINE,
  EXT_ORIGIN,
  EXT_OWNER,
  FLAG_FINAL,
  FLAG_UNCACHED,
  FRAME_BYTES_MAX,
  HEADER_BYTES,
  ROLE_CLIENT,
  ROLE_MEMBER,
  TYPE_LOOKUP,
  TYPE_REQUEST,
} from '../wire/layout.ts'
import { type Answering, cameStraight, type ReturnPath, wantsAnswer } from './answering.ts'
import type { Delivery } from './deliver.ts'
import { awaited, HeadLog } from './head-log.ts'
import type { HeldFrame, Holding } from './holding.ts'
import type { Links } from './links.ts'
import { ownerAt } from './own-ranges.ts'
import { Relay, type Relayed } from './relay.ts'
import { WAYS_MAX, type Way } from './route-plan.ts'
import { Routes } from './routes.ts'
import type { Session } from './session.ts'
import type { Turn } from './turn.ts'

export interface ForwardOptions {
  links: () => Links
  cores: () => readonly ChordNode[]
  self: () => Peer
  answering: Answering
  delivery: Delivery
  holding: Holding
  random: Random
  turn: Turn
  limits: Limits
  shortcuts: Shortcuts & { readonly cache: RangeCache }
  /** A frame went out over it. */
  handed(session: Session): void
  /** An answer that was routed back to us. */
  answer(m: FrameMemory, at: number, length: number): void
  violation(session: Session, why: string): void
}

/** Who asks, for a frame that does not say so and is passed on. */
interface Entrance {
  readonly address: string
  readonly index: number
  readonly role: number
  readonly incarnation: bigint
  readonly id: Id
  /** A client's goes under a request id of ours, if an answer is wanted. */
  readonly relayed: Relayed | undefined
}

export class Forward {
  readonly stats = { delivered: 0, forwarded: 0, unsettled: 0, hopLimit: 0, busy: 0, lost: 0 }
  readonly relay: Relay
  readonly routes: Routes
  readonly #o: ForwardOptions

  constructor(o: ForwardOptions) {
    this.#o = o
    this.relay = new Relay(o.random)
    const { links, cores, turn, limits } = o
    this.routes = new Routes({ links, cores, turn, hops: limits.hops, remembered: o.shortcuts.cache })
  }

  /** A frame with a key as its target; from `session`, or from this process. */
  receive(session: Session | undefined, m: FrameMemory, at: number, length: number): void {
    if (session !== undefined && !saysWhoAsks(session, m, at)) return this.#o.violation(session, 'origin')
    const cores = this.#o.cores()
    const owner = ownerAt(cores, m, at + HEADER_BYTES)
    if (owner >= 0) return this.#deliver(session, m, at, length, owner)
    const key = readId(m, at + HEADER_BYTES)
    const flags = readFlags(m, at)
    const final = (flags & FLAG_FINAL) !== 0
    const way = final ? undefined : this.#way(key, (flags & FLAG_UNCACHED) !== 0)
    if (way !== undefined) return this.#passOn(session, m, at, length, way, WAYS_MAX)
    const decision = decide(cores, key, final, readFinalSteps(m, at), 0)
    switch (decision.kind) {
      case 'deliver':
        return this.#deliver(session, m, at, length, cores.indexOf(decision.member))
      case 'unsettled':
        this.stats.unsettled++
        return this.#fail(session, m, at, FAIL_UNSETTLED, 'nobody here knows who owns the key')
      case 'isolated':
        return this.#fail(session, m, at, FAIL_ISOLATED, 'this node reaches nobody that it knew')
      case 'forward':
        return this.#passOn(session, m, at, length, decision, 1)
      default:
        decision satisfies never
    }
  }

  /** Straight to an owner that is remembered, instead of a step towards it. */
  #way(key: Id, uncached: boolean): Way | undefined {
    const way = this.routes.wayTo(key, 0)
    if (way === undefined || way.final || uncached) return way
    const to = this.#o.shortcuts.next(key)
    return to === undefined ? way : { to, final: true, finalSteps: 0 }
  }

  /** A frame that waited for a connection which did not come up: certainly not delivered. */
  undeliverable(frame: HeldFrame): void {
    this.stats.unsettled++
    this.#fail(undefined, frame.memory, 0, FAIL_UNSETTLED, 'the next hop cannot be reached')
  }

  #deliver(session: Session | undefined, m: FrameMemory, at: number, length: number, index: number): void {
    this.stats.delivered++
    const type = readType(m, at)
    if (type === TYPE_REQUEST) {
      return this.#o.delivery.receive(session, m, at, length, index, readId(m, at + HEADER_BYTES))
    }
    if (type !== TYPE_LOOKUP) return this.#o.answer(m, at, length)
    const owner = this.#o.cores()[index]!
    const { range, epoch, self } = owner
    if (range === undefined) return
    const hops = readHops(m, at) + (session === undefined ? 0 : 1)
    this.#o.answering.found(this.#o.answering.path(session, m, at), index, { owner: self, range, epoch, hops })
  }

  #passOn(session: Session | undefined, m: FrameMemory, at: number, length: number, first: Way, waysMax: number): void {
    const isBare = isRequest(m, at) && (readExtensions(m, at) & EXT_ORIGIN) === 0
    const origin = isBare ? originBytes(this.#addressFor(session)) : 0
    if (length + origin > FRAME_BYTES_MAX) {
      this.stats.unsettled++
      return this.#fail(session, m, at, FAIL_UNSETTLED, 'too large to be passed on, and the key is not ours')
    }
    if (readHops(m, at) + 1 >= this.#o.limits.hops) {
      this.stats.hopLimit++
      return this.#fail(session, m, at, FAIL_HOP_LIMIT, 'passed on too often')
    }
    const remainingMs = this.#remaining(m, at)
    if (remainingMs === 0) return // nobody waits for it any more
    const entrance = isBare ? this.#enter(session, m, at, remainingMs) : undefined
    if (entrance === 'full' || !this.#passBy(m, at, length, entrance, first, waysMax)) this.#busy(session, m, at)
  }

  /** By the first way that is open, as `native/endpoint_forward.cc` does. An owner that is behind gets no more of it by way of others. */
  #passBy(
    m: FrameMemory,
    at: number,
    length: number,
    entrance: Entrance | undefined,
    first: Way,
    waysMax: number,
  ): boolean {
    let down: Way | undefined
    let way: Way | undefined = first
    for (let other = 1; way !== undefined; other++) {
      const session = this.#o.links().session(way.to.address)
      if (session === undefined) down ??= way
      else if (this.#pass(m, at, length, entrance, way, session)) return true
      else if (way.final) break
      way = other < waysMax ? this.routes.wayTo(readId(m, at + HEADER_BYTES), other) : undefined
    }
    if (down === undefined) return false
    this.#hold(m, at, length, entrance, down)
    return true
  }

  /** False: that next hop takes no more for now. */
  #pass(
    m: FrameMemory,
    at: number,
    length: number,
    entrance: Entrance | undefined,
    way: Way,
    session: Session,
  ): boolean {
    const links = this.#o.links()
    const bytes = length + this.#entranceBytes(entrance)
    const place = links.reserve(session, bytes, 'forward', classOf(readType(m, at), readFlags(m, at)))
    if (place < 0) return false
    this.#write(links.tx, place, m, at, length, entrance, way)
    links.commit(session, place, bytes)
    this.note(session, links.tx, place)
    this.#o.handed(session)
    this.stats.forwarded++
    return true
  }

  /** It has left, and its originator is told should the connection break. */
  note(session: Session, m: FrameMemory, at: number): void {
    if ((readExtensions(m, at) & EXT_ORIGIN) === 0) return // an answer
    session.passed ??= new HeadLog()
    session.passed.note(m, at, this.#o.turn.nowMs)
  }

  /** It broke. What was passed on over it may have got further, or not. */
  lost(session: Session): void {
    const { answering, turn, links } = this.#o
    const logs = [session.passed?.take(turn.nowMs), links().transport.routing?.heads(session.link)]
    session.passed = undefined
    for (const log of logs) {
      if (log === undefined) continue
      for (const { m, at } of awaited(log)) {
        this.stats.lost++
        answering.failure(answering.path(undefined, m, at), 0, FAIL_LOST, 'a connection on the way broke')
      }
    }
  }

  /** Until there is a connection. */
  #hold(m: FrameMemory, at: number, length: number, entrance: Entrance | undefined, way: Way): void {
    const bytes = length + this.#entranceBytes(entrance)
    const memory = frameMemory(bytes)
    this.#write(memory, 0, m, at, length, entrance, way)
    this.stats.forwarded++
    this.#o.holding.hold(way.to.address, 'forward', memory, bytes)
  }

  #entranceBytes(entrance: Entrance | undefined): number {
    return entrance === undefined ? 0 : originBytes(entrance.address)
  }

  /** Where the answer to a frame that does not say so is to go. */
  #addressFor(session: Session | undefined): string {
    return session?.role === 'member' ? session.address : this.#o.self().address
  }

  #write(
    out: FrameMemory,
    place: number,
    m: FrameMemory,
    at: number,
    length: number,
    entrance: Entrance | undefined,
    to: Way,
  ): void {
    if (entrance === undefined) out.bytes.set(m.bytes.subarray(at, at + length), place)
    else this.#writeEntered(out, place, m, at, length, entrance)
    patchHop(out, place, to.final, to.finalSteps)
  }

  /** With its originator. */
  #writeEntered(out: FrameMemory, place: number, m: FrameMemory, at: number, length: number, from: Entrance): void {
    const { address, index, role, incarnation, id, relayed } = from
    const head = bodyOffset(m, at) - at
    out.bytes.set(m.bytes.subarray(at, at + head), place)
    out.halves[(place + AT_EXTENSIONS) >>> 1] = readExtensions(m, at) | EXT_ORIGIN
    const word = place >>> 2
    out.words[word] = length + originBytes(address)
    if (relayed !== undefined) {
      out.words[word + 2] = relayed.relayLow
      out.words[word + 3] = relayed.relayHigh
    }
    const p = writeOrigin(out, place + head, address, index, role, incarnation, id)
    out.bytes.set(m.bytes.subarray(at + head, at + length), p)
  }

  /** From a member that took us for the owner, from this process itself, or from a client, whose answers come by way of us. */
  #enter(session: Session | undefined, m: FrameMemory, at: number, remainingMs: number): Entrance | 'full' {
    const address = this.#addressFor(session)
    if (session?.role !== 'client') {
      const index = session === undefined || session.peers[readVnode(m, at)] === undefined ? 0 : readVnode(m, at)
      const { incarnation, id } = session === undefined ? this.#o.self() : session.peers[index]!
      return { address, index, role: ROLE_MEMBER, incarnation, id, relayed: undefined }
    }
    const id = session.ids[0]!
    const incarnation = session.incarnations[0] ?? this.#o.self().incarnation
    const entrance = { address, index: 0, role: ROLE_CLIENT, incarnation, id }
    const path = this.#o.answering.path(session, m, at)
    if (!wantsAnswer(path)) return { ...entrance, relayed: undefined }
    const { nowMs } = this.#o.turn
    const relayed = this.relay.add(session, path.low, path.high, nowMs + remainingMs, nowMs)
    return relayed === undefined ? 'full' : { ...entrance, relayed }
  }

  #remaining(m: FrameMemory, at: number): number {
    const extensions = readExtensions(m, at)
    if ((extensions & EXT_DEADLINE) === 0) return 0xffffffff
    return m.words[extensionOffset(m, at, EXT_DEADLINE) >>> 2]!
  }

  #busy(session: Session | undefined, m: FrameMemory, at: number): void {
    this.stats.busy++
    this.#fail(session, m, at, FAIL_BUSY, 'queues on the way to the owner are full')
  }

  #fail(session: Session | undefined, m: FrameMemory, at: number, code: number, message: string): void {
    if (!isRequest(m, at)) return // an answer has nobody to answer to
    const path: ReturnPath = this.#o.answering.path(session, m, at)
    this.#o.answering.failure(path, 0, code, message)
  }
}

function isRequest(m: FrameMemory, at: number): boolean {
  const type = readType(m, at)
  return type === TYPE_REQUEST || type === TYPE_LOOKUP
}

/**
 * A client has no say in who asked, and nothing to answer by key. A member says it, unless it asks itself and has sent the frame straight to
 * us as the owner of the key.
 */
function saysWhoAsks(session: Session, m: FrameMemory, at: number): boolean {
  const extensions = readExtensions(m, at)
  if (!isRequest(m, at)) return session.role === 'member'
  if ((extensions & EXT_OWNER) !== 0) return false
  const says = (extensions & EXT_ORIGIN) !== 0
  return session.role === 'client' ? !says : says || cameStraight(session, m, at)
}
