/** Messages for us: found their handler, dropped if they came before, answered. */

import type { Clock, Member, Peer } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import type { Id } from '../core/id.ts'
import { FAIL_BAD_BODY, FAIL_NO_HANDLER, FAIL_REMOTE } from '../wire/answers.ts'
import type { PeerBook } from '../wire/codec.ts'
import {
  type FrameMemory,
  readExtensions,
  readFlags,
  readMethodHigh,
  readMethodLow,
  readVnode,
} from '../wire/frames.ts'
import { bodyOffset, extensionOffset } from '../wire/framing.ts'
import { EXT_DEADLINE, EXT_ORIGIN, FLAG_IDEMPOTENT, FLAG_ONE_WAY } from '../wire/layout.ts'
import { type Answering, cameStraight, type ReturnPath, wantsAnswer } from './answering.ts'
import { Batch, messageOf } from './batches.ts'
import { copyOf } from './copies.ts'
import { Duplicates, type Seen } from './duplicates.ts'
import { type Handler, Handlers } from './handlers.ts'
import { type IncomingContext, IncomingMessage } from './incoming.ts'
import type { Origin } from './origins.ts'
import type { Session } from './session.ts'
import type { Turn } from './turn.ts'
import { isBytes } from './values.ts'

export interface DeliveryOptions {
  answering: Answering
  book: PeerBook
  clock: Clock
  turn: Turn
  duplicates: number
  member(index: number): Member
  /** Who this process is as an originator. */
  self(): Peer
  warn(error: ChordError): void
}

/** Deadline of messages that carry none. */
const NO_DEADLINE_MS = 60_000

export class Delivery implements IncomingContext {
  readonly handlers = new Handlers()
  readonly stats = { requests: 0, oneWay: 0, duplicates: 0, failed: 0 }
  /** Handlers that have not settled yet. */
  running = 0
  readonly #o: DeliveryOptions
  readonly #duplicates: Duplicates
  readonly #batches = new Map<Handler, Batch>()
  /** Of the message before: mostly that of the next one too. */
  #lastBatched: Handler | undefined
  #lastBatch: Batch | undefined
  readonly #signals = new Map<AbortController, Disposable>()
  /** The node leaves or closes. */
  #isEnding = false
  #whenIdle: (() => void)[] = []

  constructor(o: DeliveryOptions) {
    this.#o = o
    this.#duplicates = new Duplicates(o.duplicates)
  }

  /** A request frame for our member `index`; `key` if it was sent to one. */
  receive(
    session: Session | undefined,
    m: FrameMemory,
    at: number,
    length: number,
    index: number,
    key: Id | undefined,
  ): void {
    const handler = this.handlers.find(readMethodLow(m, at), readMethodHigh(m, at))
    const straight = (readExtensions(m, at) & EXT_ORIGIN) === 0 || cameStraight(session, m, at)
    // Of what came straight for a batch handler nothing is remembered, so nothing of it need be read.
    if (handler?.batch !== undefined && straight) {
      this.#count(m, at)
      return this.#batchOf(handler).add(session, m, at, length, index)
    }
    const path = this.#o.answering.path(session, m, at)
    if (handler === undefined) {
      return this.#o.answering.failure(path, index, FAIL_NO_HANDLER, 'the receiver handles no such message type')
    }
    const deadlineMs = this.#o.turn.nowMs + remainingMs(m, at)
    const idempotent = (readFlags(m, at) & FLAG_IDEMPOTENT) !== 0
    let known: Seen | undefined
    // What came straight is sent again only if it is idempotent; what was routed may come by two ways.
    // What a batch handler answered is not kept, so it may be asked again for what may be handled again.
    const isRemembered = handler.batch === undefined ? idempotent || !straight : !idempotent && !straight
    if (wantsAnswer(path) && isRemembered) {
      const from = this.from(path, readVnode(m, at))
      if (this.#isRepeated(path, from, index)) return
      known = this.#duplicates.add(path, from, deadlineMs, idempotent)
    }
    this.#count(m, at)
    if (handler.batch !== undefined) return this.#batchOf(handler).add(session, m, at, length, index)
    const start = bodyOffset(m, at)
    let body: unknown
    try {
      body = handler.type!.request.decode(copyOf(m.bytes, start, at + length))
    } catch (error) {
      this.stats.failed++
      if (known !== undefined) this.#duplicates.failed(known)
      const why = `the body of '${handler.name}' cannot be decoded: ${messageOf(error)}`
      return this.#o.answering.failure(path, index, FAIL_BAD_BODY, why)
    }
    const message = new IncomingMessage(this, path, body, key, index, readVnode(m, at), deadlineMs)
    this.#handle(handler, message, path, index, known)
  }

  /** At the end of a wake-up. */
  runBatches(): void {
    for (const [handler, batch] of this.#batches) {
      if (batch.length === 0) continue
      batch.run(handler.batch!, (error) => {
        this.stats.failed++
        this.#warn(handler, error)
      })
    }
  }

  /** Resolves when no handler is at work. */
  idle(): Promise<void> {
    return this.running === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  /** The node leaves or closes: handlers that listen may give up. */
  abortAll(): void {
    this.#isEnding = true
    for (const controller of [...this.#signals.keys()]) this.#abort(controller, ending())
  }

  member(index: number): Member {
    return this.#o.member(index)
  }

  from(path: ReturnPath, senderIndex: number): Peer {
    const { origin, session } = path
    if (origin !== undefined) {
      origin.peer ??= this.#peerOf(origin)
      return origin.peer
    }
    if (session === undefined) return this.#o.self()
    return session.peers[session.role === 'client' ? 0 : senderIndex] ?? session.peers[0]!
  }

  #peerOf({ client, address, index, incarnation, id }: Origin): Peer {
    const peer = client ? undefined : this.#o.book.peer(address, index, incarnation)
    return peer ?? { id, address: '', incarnation }
  }

  signal(deadlineMs: number): AbortController {
    const controller = new AbortController()
    if (this.#isEnding) {
      controller.abort(ending())
      return controller
    }
    const timer = this.#o.clock.setTimer(deadlineMs - this.#o.clock.nowMs(), () => {
      this.#abort(controller, new ChordError('ERR_TIMEOUT', "the caller's deadline has passed"))
    })
    this.#signals.set(controller, timer)
    return controller
  }

  #count(m: FrameMemory, at: number): void {
    if ((readFlags(m, at) & FLAG_ONE_WAY) !== 0) this.stats.oneWay++
    else this.stats.requests++
  }

  #abort(controller: AbortController, reason: ChordError): void {
    this.#forget(controller)
    controller.abort(reason)
  }

  /** Nobody looks at it any more. */
  #forget(controller: AbortController | undefined): void {
    if (controller === undefined) return
    this.#signals.get(controller)?.[Symbol.dispose]()
    this.#signals.delete(controller)
  }

  #isRepeated(path: ReturnPath, from: Peer, index: number): boolean {
    const seen = this.#duplicates.find(path, from, this.#o.turn.nowMs)
    if (seen === undefined) return false
    this.stats.duplicates++
    if (seen.reply !== undefined) this.#o.answering.reply(path, index, seen.reply)
    return true
  }

  #handle(handler: Handler, message: IncomingMessage, path: ReturnPath, index: number, known: Seen | undefined): void {
    let result: unknown
    try {
      result = handler.one!(message as never)
    } catch (error) {
      this.#forget(message.controller)
      return this.#failed(handler, path, index, error, known)
    }
    // A message is taken when its handler has been called; a request, when it has been answered.
    if (path.oneWay) this.#answer(handler, path, index, undefined, known)
    if (!isThenable(result)) {
      // Whatever a one-way message has set going may still look at its signal.
      if (path.oneWay) return
      this.#forget(message.controller)
      return this.#answer(handler, path, index, result, known)
    }
    this.#await(handler, message, path, index, known, result)
  }

  /** By itself, because a function that makes closures pays for them each time, also where it makes none. */
  #await(
    handler: Handler,
    message: IncomingMessage,
    path: ReturnPath,
    index: number,
    known: Seen | undefined,
    result: object,
  ): void {
    this.running++
    // Who asked directly is answered over the same connection, if that can be.
    if (path.session !== undefined && path.origin === undefined) path.session.awaited++
    // A thenable of somebody else's may throw; a promise does not.
    const promise = result instanceof Promise ? result : Promise.resolve().then(() => result)
    promise.then(
      (value) => {
        if (!path.oneWay) this.#answer(handler, path, index, value, known)
        this.#settled(message, path)
      },
      (error: unknown) => {
        if (path.oneWay) this.#warn(handler, error)
        else this.#failed(handler, path, index, error, known)
        this.#settled(message, path)
      },
    )
  }

  #answer(handler: Handler, path: ReturnPath, index: number, value: unknown, known: Seen | undefined): void {
    let body: Uint8Array = NOTHING
    if (!path.oneWay) {
      try {
        body = handler.type!.reply.encode(value as never)
        if (!isBytes(body)) throw new TypeError('the reply does not encode to a Uint8Array')
      } catch (error) {
        return this.#failed(handler, path, index, error, known)
      }
    }
    if (known !== undefined) this.#duplicates.answered(known, body)
    this.#o.answering.reply(path, index, body)
  }

  #failed(handler: Handler, path: ReturnPath, index: number, error: unknown, known: Seen | undefined): void {
    this.stats.failed++
    if (known !== undefined) this.#duplicates.failed(known)
    if (!path.oneWay) return this.#o.answering.failure(path, index, FAIL_REMOTE, messageOf(error))
    // Nobody else will hear of it.
    this.#warn(handler, error)
    this.#o.answering.reply(path, index, NOTHING)
  }

  #warn(handler: Handler, cause: unknown): void {
    this.#o.warn(
      new ChordError('ERR_HANDLER', `the handler of '${handler.name}' threw: ${messageOf(cause)}`, { cause }),
    )
  }

  #settled(message: IncomingMessage, { session, origin }: ReturnPath): void {
    this.#forget(message.controller)
    if (session !== undefined && origin === undefined) session.awaited--
    if (--this.running > 0) return
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  #batchOf(handler: Handler): Batch {
    if (handler === this.#lastBatched) return this.#lastBatch!
    let batch = this.#batches.get(handler)
    if (batch === undefined) {
      batch = new Batch(this.#o.answering, this)
      this.#batches.set(handler, batch)
    }
    this.#lastBatched = handler
    this.#lastBatch = batch
    return batch
  }
}

function remainingMs(m: FrameMemory, at: number): number {
  const extensions = readExtensions(m, at)
  if ((extensions & EXT_DEADLINE) === 0) return NO_DEADLINE_MS
  return m.words[extensionOffset(m, at, EXT_DEADLINE) >>> 2]!
}

function isThenable(value: unknown): value is object {
  // Bytes are what most handlers return, and asking them for a property costs more than asking what they are.
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false
  // Not read here: reading it may throw.
  return 'then' in value
}

function ending(): ChordError {
  return new ChordError('ERR_CLOSED', 'the node leaves or closes')
}

const NOTHING = new Uint8Array(0)
