/** What members and clients share: the public calls, checked and turned into `Call`s. */
import { AsyncResource } from 'node:async_hooks'
import type {
  Bodies,
  ByteStream,
  CallbackWait,
  Caller,
  Key,
  LookupManyOptions,
  MessageType,
  Owner,
  PackedKeys,
  PackedOwners,
  Peer,
  Result,
  StreamOptions,
  Wait,
} from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { Id } from '../core/id.ts'
import { parseAddress } from './address.ts'
import { lookUpMany, notCached } from './bulk/look-up-many.ts'
import { requestMany, sendMany } from './bulk/message-many.ts'
import type { BulkPort } from './bulk/port.ts'
import type { Call, Done, Wants } from './calls.ts'
import type { Exchange } from './exchange.ts'
import type { KnownRanges } from './known.ts'
import type { Streams } from './streams/streams.ts'
import {
  aborted,
  encodedBody,
  idOfKey,
  LOOKUP_NAMES,
  methodOfType,
  REQUEST_NAMES,
  SEND_NAMES,
  timeoutOf,
} from './values.ts'

/** An owner of a key, a certain member, or member 0 at an address. */
type To = Id | Peer | string
type Reject = (error: ChordError) => void
type AnyType = MessageType<never, unknown>
interface Options extends Wait {
  route?: 'recursive' | 'iterative'
  cached?: boolean
  ack?: boolean
  idempotent?: boolean
}

export abstract class BaseCaller implements Caller {
  protected abstract readonly exchange: Exchange
  abstract readonly closed: Promise<ChordError | undefined>

  /** Why no call can be made now. */
  protected abstract refusal(): ChordError | undefined
  protected abstract nowMs(): number
  protected abstract readonly payloadBytesMax: number
  protected abstract readonly known: KnownRanges
  protected abstract readonly streams: Streams
  #bulkPort: BulkPort | undefined

  abstract close(): Promise<void>
  abstract ref(): this
  abstract unref(): this
  abstract [Symbol.asyncDispose](): Promise<void>

  lookup(key: Key, o?: Wait & { route?: 'recursive' | 'iterative'; cached?: boolean }): Promise<Owner> {
    return new Promise<Owner>((resolve, reject) => this.#lookup(idOfKey(key), o, resolve, reject))
  }

  lookupMany(
    keys: readonly Key[] | PackedKeys,
    o?: LookupManyOptions & { packed?: false },
  ): Promise<readonly Result<Owner>[]>
  lookupMany(keys: readonly Key[] | PackedKeys, o: LookupManyOptions & { packed: true }): Promise<PackedOwners>
  lookupMany(keys: readonly Key[] | PackedKeys, o?: LookupManyOptions): Promise<unknown> {
    return lookUpMany(this.#bulk(), keys, o)
  }

  send<Q>(key: Key, type: MessageType<Q, unknown>, body: Q, o?: Wait & { ack?: boolean }): Promise<void> {
    return new Promise<void>((resolve, reject) =>
      this.#send(idOfKey(key), type as AnyType, body as never, o, resolve, reject),
    )
  }

  sendMany<Q>(
    keys: readonly Key[] | PackedKeys,
    type: MessageType<Q, unknown>,
    bodies: Bodies<NoInfer<Q>>,
    o?: Wait & { ack?: boolean },
  ): Promise<readonly Result<void>[]> {
    return sendMany(this.#bulk(), { keys, type: type as AnyType, bodies: bodies as Bodies<never> }, o)
  }

  requestMany<Q, R>(
    keys: readonly Key[] | PackedKeys,
    type: MessageType<Q, R>,
    bodies: Bodies<NoInfer<Q>>,
    o?: Wait & { idempotent?: boolean },
  ): Promise<readonly Result<R>[]> {
    const given = { keys, type: type as AnyType, bodies: bodies as Bodies<never> }
    return requestMany(this.#bulk(), given, o) as Promise<readonly Result<R>[]>
  }

  sendTo<Q>(peer: Peer | string, type: MessageType<Q, unknown>, body: Q, o?: Wait & { ack?: boolean }): Promise<void> {
    return new Promise<void>((resolve, reject) =>
      this.#send(peerOf(peer), type as AnyType, body as never, o, resolve, reject),
    )
  }

  request<Q, R>(key: Key, type: MessageType<Q, R>, body: Q, o?: Wait & { idempotent?: boolean }): Promise<R>
  request<Q, R>(
    key: Key,
    type: MessageType<Q, R>,
    body: Q,
    o: CallbackWait,
    callback: (result: Result<R>) => void,
  ): void
  request<Q, R>(
    key: Key,
    type: MessageType<Q, R>,
    body: Q,
    o?: CallbackWait,
    callback?: (result: Result<R>) => void,
  ): Promise<R> | undefined {
    return this.#ask<R, Key>(idOfKey, key, type as AnyType, body as never, o, callback)
  }

  requestTo<Q, R>(
    peer: Peer | string,
    type: MessageType<Q, R>,
    body: Q,
    o?: Wait & { idempotent?: boolean },
  ): Promise<R>
  requestTo<Q, R>(
    peer: Peer | string,
    type: MessageType<Q, R>,
    body: Q,
    o: CallbackWait,
    callback: (result: Result<R>) => void,
  ): void
  requestTo<Q, R>(
    peer: Peer | string,
    type: MessageType<Q, R>,
    body: Q,
    o?: CallbackWait,
    callback?: (result: Result<R>) => void,
  ): Promise<R> | undefined {
    return this.#ask<R, Peer | string>(peerOf, peer, type as AnyType, body as never, o, callback)
  }

  async openStream(to: Key | Peer, name: string, o?: StreamOptions): Promise<ByteStream> {
    const isKey = typeof to === 'string' || to instanceof Id || to instanceof Uint8Array
    return isKey ? this.streams.open(idOfKey(to), name, o) : this.openStreamTo(to, name, o)
  }

  async openStreamTo(peer: Peer | string, name: string, o?: StreamOptions): Promise<ByteStream> {
    const to = peerOf(peer)
    checkAddress(typeof to === 'string' ? to : to.address)
    return this.streams.open(to, name, o)
  }

  /** A promise; or, with a callback, none: then what is wrong with the call is told to that, but never before it has returned. */
  #ask<R, T>(
    target: (to: T) => To,
    to: T,
    type: AnyType,
    body: never,
    o: CallbackWait | undefined,
    callback: ((result: Result<R>) => void) | undefined,
  ): Promise<R> | undefined {
    if (callback === undefined) return this.#promise<R, T>(target, to, type, body, o)
    checkCallback(callback)
    try {
      this.#request(target(to), type, body, o, inContext(o, callback) as Done, undefined)
    } catch (error) {
      failLater(error, callback as Done)
    }
    return undefined
  }

  /** By itself, because a function that makes a closure pays for it each time, also where it makes none. */
  #promise<R, T>(target: (to: T) => To, to: T, type: AnyType, body: never, o: Options | undefined): Promise<R> {
    return new Promise<R>((resolve, reject) => this.#request(target(to), type, body, o, resolve, reject))
  }

  #lookup(key: Id, o: Options | undefined, done: Done, reject?: Reject): void {
    const timeoutMs = timeoutOf(o, LOOKUP_NAMES)
    if (o?.route !== undefined && o.route !== 'recursive' && o.route !== 'iterative') {
      throw new ChordError('ERR_BAD_OPTION', `route must be 'recursive' or 'iterative', got ${String(o.route)}`)
    }
    if (o?.cached === true) return this.#remembered(key, o, done)
    const call = this.#open('found', o, timeoutMs, done, reject)
    call.key = key
    call.iterative = o?.route === 'iterative'
    this.exchange.begin(call, this.nowMs())
  }

  #remembered(key: Id, o: Options, done: Done): void {
    this.#checkOpen()
    if (o.route !== undefined) throw new ChordError('ERR_BAD_OPTION', 'what is cached takes no route')
    const owner = this.known.find(key)
    if (owner === undefined) throw notCached()
    done(owner as never)
  }

  #send(to: To, type: AnyType, body: never, o: Options | undefined, done: Done, reject: Reject): void {
    this.#message(o?.ack === false ? 'nothing' : 'ack', to, type, body, o, timeoutOf(o, SEND_NAMES), done, reject)
  }

  #request(to: To, type: AnyType, body: never, o: Options | undefined, done: Done, reject: Reject | undefined): void {
    this.#message('reply', to, type, body, o, timeoutOf(o, REQUEST_NAMES), done, reject)
  }

  #message(
    wants: Wants,
    to: To,
    type: AnyType,
    value: never,
    o: Options | undefined,
    timeoutMs: number,
    done: Done,
    reject: Reject | undefined,
  ): void {
    this.#checkOpen()
    const method = methodOfType(type as MessageType<never, never>)
    const body = encodedBody(type, value, this.payloadBytesMax)
    const address = to instanceof Id ? '' : typeof to === 'string' ? to : to.address
    const session = to instanceof Id ? undefined : this.exchange.session(address)
    if (session === undefined && !(to instanceof Id)) checkAddress(address)
    const call = this.#open(wants, o, timeoutMs, done, reject)
    call.methodLow = method.low
    call.methodHigh = method.high
    call.body = body
    call.reply = type.reply
    call.idempotent = o?.idempotent === true
    if (to instanceof Id) {
      call.key = to
      if (this.exchange.sendToOwner(call)) return
    } else {
      call.address = address
      if (typeof to !== 'string') call.target = to
      if (session !== undefined && this.exchange.sendDirect(call, session)) return
    }
    this.exchange.begin(call, this.nowMs())
  }

  #bulk(): BulkPort {
    const { exchange, payloadBytesMax, known } = this
    this.#bulkPort ??= { exchange, payloadBytesMax, known, refusal: () => this.refusal() }
    return this.#bulkPort
  }

  /** Errors: ERR_STATE, ERR_CLOSED. */
  #checkOpen(): void {
    const refusal = this.refusal()
    if (refusal !== undefined) throw refusal
  }

  #open(wants: Wants, o: Options | undefined, timeoutMs: number, done: Done, reject: Reject | undefined): Call {
    // Encoding the body was the application's own code.
    this.#checkOpen()
    if (o?.signal?.aborted === true) throw aborted(o.signal)
    const call = this.exchange.table.take()
    if (call === undefined) throw new ChordError('ERR_BUSY', 'too many calls wait for an answer (limits.pendingCalls)')
    call.wants = wants
    call.timeoutMs = timeoutMs
    call.signal = o?.signal
    call.done = done
    call.reject = reject
    return call
  }
}

/** Errors: ERR_BAD_OPTION. The address is checked when no connection to it shows that it is one. */
function peerOf(peer: Peer | string): Peer | string {
  if (typeof peer === 'string') return peer
  if (!(peer?.id instanceof Id) || typeof peer.address !== 'string' || typeof peer.incarnation !== 'bigint') {
    throw new ChordError('ERR_BAD_OPTION', 'a peer has an id, an address and an incarnation')
  }
  return peer
}

/** Addresses that have passed: a program sends to the same few over and over. */
const checked = new Set<string>()
const CHECKED_MAX = 4_096

/** Errors: ERR_NOT_MEMBER, ERR_BAD_ADDRESS. */
function checkAddress(address: string): void {
  if (checked.has(address)) return
  if (address === '') throw new ChordError('ERR_NOT_MEMBER', 'a client takes no messages')
  const parsed = parseAddress(String(address))
  if (!parsed.ok) throw new ChordError(parsed.code, parsed.message)
  if (checked.size >= CHECKED_MAX) checked.clear()
  checked.add(address)
}

function checkCallback(callback: unknown): void {
  if (typeof callback === 'function') return
  throw new ChordError('ERR_BAD_OPTION', 'a callback must be a function')
}

/** Where nobody asks for it, no object is made for it. */
function inContext<R>(o: CallbackWait | undefined, callback: (result: Result<R>) => void): (result: Result<R>) => void {
  return o?.asyncContext === true ? AsyncResource.bind(callback) : callback
}

/** Never before the call has returned. */
function failLater(error: unknown, done: Done): void {
  if (!(error instanceof ChordError)) throw error
  queueMicrotask(() => done({ ok: false, error } as never))
}
