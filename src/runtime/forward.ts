/** Frames that travel by key: delivered here, passed on, or answered with why not. */

import type { Limits, Peer, Random } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import { type Decision, FINAL_STEPS_MAX, route } from '../core/router.ts'
import { FAIL_BUSY, FAIL_HOP_LIMIT, FAIL_ISOLATED, FAIL_UNSETTLED } from '../wire/answers.ts'
import {
  type FrameMemory,
  frameCopy,
  frameMemory,
  originBytes,
  patchHop,
  readExtensions,
  readFinalSteps,
  readFlags,
  readHops,
  readId,
  readType,
  writeOrigin,
} from '../wire/frames.ts'
import { bodyOffset, extensionOffset } from '../wire/framing.ts'
import {
  EXT_DEADLINE,
  EXT_ORIGIN,
  FLAG_FINAL,
  FRAME_BYTES_MAX,
  HEADER_BYTES,
  ROLE_CLIENT,
  TYPE_LOOKUP,
  TYPE_REQUEST,
} from '../wire/layout.ts'
import { type Answering, type ReturnPath, returnPath, wantsAnswer } from './answering.ts'
import type { Delivery } from './deliver.ts'
import type { HeldFrame, Holding } from './holding.ts'
import type { Links } from './links.ts'
import { Relay } from './relay.ts'
import type { Session } from './session.ts'

export interface ForwardOptions {
  links: () => Links
  cores: () => readonly ChordNode[]
  self: () => Peer
  answering: Answering
  delivery: Delivery
  holding: Holding
  random: Random
  limits: Limits
  /** An answer that was routed back to us. */
  answer(m: FrameMemory, at: number, length: number): void
  violation(session: Session, why: string): void
}

/** Next hops tried before a frame is given back as BUSY. */
const WAYS_MAX = 3

export class Forward {
  readonly stats = { delivered: 0, forwarded: 0, unsettled: 0, hopLimit: 0, busy: 0 }
  readonly relay: Relay
  readonly #o: ForwardOptions

  constructor(o: ForwardOptions) {
    this.#o = o
    this.relay = new Relay(o.random)
  }

  /** A frame with a key as its target; from `session`, or from this process. */
  receive(session: Session | undefined, m: FrameMemory, at: number, length: number, nowMs: number): void {
    const extensions = readExtensions(m, at)
    const isAnswer = readType(m, at) !== TYPE_LOOKUP && readType(m, at) !== TYPE_REQUEST
    const fromClient = session?.role === 'client'
    // A client has no say in who asked; a member always says it.
    if (!isAnswer && session !== undefined && fromClient === ((extensions & EXT_ORIGIN) !== 0)) {
      return this.#o.violation(session, 'origin')
    }
    const cores = this.#o.cores()
    const key = readId(m, at + HEADER_BYTES)
    const final = (readFlags(m, at) & FLAG_FINAL) !== 0
    const decision = decide(cores, key, final, readFinalSteps(m, at), 0)
    switch (decision.kind) {
      case 'deliver':
        return this.#deliver(session, m, at, length, cores.indexOf(decision.member), nowMs)
      case 'unsettled':
        this.stats.unsettled++
        return this.#fail(session, m, at, FAIL_UNSETTLED, 'nobody here knows who owns the key')
      case 'isolated':
        return this.#fail(session, m, at, FAIL_ISOLATED, 'this node reaches nobody that it knew')
      case 'forward':
        if (length + (fromClient ? originBytes(this.#o.self().address) : 0) > FRAME_BYTES_MAX) {
          this.stats.unsettled++
          return this.#fail(session, m, at, FAIL_UNSETTLED, 'too large to be passed on, and the key is not ours')
        }
        if (readHops(m, at) + 1 >= this.#o.limits.hops) {
          this.stats.hopLimit++
          return this.#fail(session, m, at, FAIL_HOP_LIMIT, 'passed on too often')
        }
        return this.#forward(session, m, at, length, decision, nowMs)
      default:
        decision satisfies never
    }
  }

  /** A frame that waited for a connection which did not come up: certainly not delivered. */
  undeliverable(frame: HeldFrame): void {
    this.stats.unsettled++
    this.#fail(undefined, frame.memory, 0, FAIL_UNSETTLED, 'the next hop cannot be reached')
  }

  #deliver(
    session: Session | undefined,
    m: FrameMemory,
    at: number,
    length: number,
    index: number,
    nowMs: number,
  ): void {
    this.stats.delivered++
    const type = readType(m, at)
    if (type === TYPE_REQUEST) {
      return this.#o.delivery.receive(session, m, at, length, index, readId(m, at + HEADER_BYTES), nowMs)
    }
    if (type !== TYPE_LOOKUP) return this.#o.answer(m, at, length)
    const owner = this.#o.cores()[index]!
    const { range, epoch, self } = owner
    if (range === undefined) return
    const hops = readHops(m, at) + (session === undefined ? 0 : 1)
    this.#o.answering.found(returnPath(session, m, at), index, { owner: self, range, epoch, hops })
  }

  #forward(
    session: Session | undefined,
    m: FrameMemory,
    at: number,
    length: number,
    first: Decision & { kind: 'forward' },
    nowMs: number,
  ): void {
    const remainingMs = this.#remaining(m, at)
    if (remainingMs === 0) return // nobody waits for it any more
    let frame = { m, at, length }
    if (session?.role === 'client') {
      const entered = this.#enter(session, m, at, length, remainingMs, nowMs)
      if (entered === undefined) return this.#busy(session, m, at)
      frame = { m: entered, at: 0, length: entered.bytes.length }
    }
    let decision: Decision = first
    for (let way = 1; decision.kind === 'forward'; way++) {
      if (this.#pass(frame.m, frame.at, frame.length, decision)) return
      if (decision.final || way >= WAYS_MAX) break
      decision = decide(this.#o.cores(), readId(m, at + HEADER_BYTES), false, 0, way)
    }
    this.#busy(session, m, at)
  }

  /** False: that next hop takes no more for now. */
  #pass(m: FrameMemory, at: number, length: number, to: Decision & { kind: 'forward' }): boolean {
    const links = this.#o.links()
    const session = links.session(to.to.address)
    if (session === undefined) {
      const copy = frameCopy(m, at, length)
      patchHop(copy, 0, to.final, to.finalSteps)
      this.stats.forwarded++
      this.#o.holding.hold(to.to.address, 'forward', copy, length)
      return true
    }
    const place = links.reserve(session, length, 'forward')
    if (place < 0) return false
    const { tx } = links
    tx.bytes.set(m.bytes.subarray(at, at + length), place)
    patchHop(tx, place, to.final, to.finalSteps)
    links.commit(session, place, length)
    this.stats.forwarded++
    return true
  }

  /** The frame of a client, with us as its originator. */
  #enter(
    session: Session,
    m: FrameMemory,
    at: number,
    length: number,
    remainingMs: number,
    nowMs: number,
  ): FrameMemory | undefined {
    const { address, incarnation } = this.#o.self()
    const path = returnPath(session, m, at)
    const extensions = readExtensions(m, at)
    const head = bodyOffset(m, at) - at
    const entered = frameMemory(length + originBytes(address))
    entered.bytes.set(m.bytes.subarray(at, at + head))
    entered.halves[9] = extensions | EXT_ORIGIN
    entered.words[0] = entered.bytes.length
    if (wantsAnswer(path)) {
      const relayed = this.relay.add(session, path.low, path.high, nowMs + remainingMs, nowMs)
      if (relayed === undefined) return undefined
      entered.words[2] = relayed.relayLow
      entered.words[3] = relayed.relayHigh
    }
    const client = session.ids[0]!
    const p = writeOrigin(entered, head, address, 0, ROLE_CLIENT, session.incarnations[0] ?? incarnation, client)
    entered.bytes.set(m.bytes.subarray(at + head, at + length), p)
    return entered
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
    const type = readType(m, at)
    if (type !== TYPE_LOOKUP && type !== TYPE_REQUEST) return // an answer has nobody to answer to
    const path: ReturnPath = returnPath(session, m, at)
    this.#o.answering.failure(path, 0, code, message)
  }
}

/** As `route`, past the members of our own process: a frame never goes through the socket to come back to us. */
export function decide(
  cores: readonly ChordNode[],
  key: Id,
  final: boolean,
  finalSteps: number,
  attempt: number,
): Decision {
  let decision = route(cores, key, final, finalSteps, attempt)
  const address = cores[0]?.self.address
  for (let again = 0; decision.kind === 'forward' && decision.to.address === address; again++) {
    if (again === FINAL_STEPS_MAX) return { kind: 'unsettled' }
    decision = route(cores, key, decision.final, decision.finalSteps, attempt + again + 1)
  }
  return decision
}
