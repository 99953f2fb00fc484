/** The calls of a cluster, made through a client that comes and goes with it. */
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

export abstract class CallsThroughClient implements Caller {
  abstract readonly closed: Promise<ChordError | undefined>
  /** Errors: ERR_STATE, ERR_CLOSED. */
  protected abstract client(): Caller

  abstract close(): Promise<void>
  abstract ref(): this
  abstract unref(): this
  abstract [Symbol.asyncDispose](): Promise<void>

  lookup(key: Key, o?: Wait & { route?: 'recursive' | 'iterative'; cached?: boolean }): Promise<Owner> {
    return this.#through((client) => client.lookup(key, o))
  }

  lookupMany(
    keys: readonly Key[] | PackedKeys,
    o?: LookupManyOptions & { packed?: false },
  ): Promise<readonly Result<Owner>[]>
  lookupMany(keys: readonly Key[] | PackedKeys, o: LookupManyOptions & { packed: true }): Promise<PackedOwners>
  lookupMany(keys: readonly Key[] | PackedKeys, o?: LookupManyOptions): Promise<never> {
    return this.#through((client) => client.lookupMany(keys, o as never) as Promise<never>)
  }

  send<Q>(key: Key, type: MessageType<Q, unknown>, body: Q, o?: Wait & { ack?: boolean }): Promise<void> {
    return this.#through((client) => client.send(key, type, body, o))
  }

  sendMany<Q>(
    keys: readonly Key[] | PackedKeys,
    type: MessageType<Q, unknown>,
    bodies: Bodies<NoInfer<Q>>,
    o?: Wait & { ack?: boolean },
  ): Promise<readonly Result<void>[]> {
    return this.#through((client) => client.sendMany(keys, type, bodies, o))
  }

  requestMany<Q, R>(
    keys: readonly Key[] | PackedKeys,
    type: MessageType<Q, R>,
    bodies: Bodies<NoInfer<Q>>,
    o?: Wait & { idempotent?: boolean },
  ): Promise<readonly Result<R>[]> {
    return this.#through((client) => client.requestMany(keys, type, bodies, o))
  }

  sendTo<Q>(peer: Peer | string, type: MessageType<Q, unknown>, body: Q, o?: Wait & { ack?: boolean }): Promise<void> {
    return this.#through((client) => client.sendTo(peer, type, body, o))
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
    if (callback === undefined) return this.#through((client) => client.request(key, type, body, o))
    this.#withCallback(callback, (client) => client.request(key, type, body, o ?? {}, callback))
    return undefined
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
    if (callback === undefined) return this.#through((client) => client.requestTo(peer, type, body, o))
    this.#withCallback(callback, (client) => client.requestTo(peer, type, body, o ?? {}, callback))
    return undefined
  }

  openStream(to: Key | Peer, name: string, o?: StreamOptions): Promise<ByteStream> {
    return this.#through((client) => client.openStream(to, name, o))
  }

  openStreamTo(peer: Peer | string, name: string, o?: StreamOptions): Promise<ByteStream> {
    return this.#through((client) => client.openStreamTo(peer, name, o))
  }

  async #through<T>(call: (client: Caller) => Promise<T>): Promise<T> {
    return call(this.client())
  }

  /** Without a client that is told to the callback, but never before the call has returned. */
  #withCallback<R>(callback: (result: Result<R>) => void, call: (client: Caller) => void): void {
    let client: Caller
    try {
      client = this.client()
    } catch (error) {
      if (!(error instanceof ChordError) || typeof callback !== 'function') throw error
      return queueMicrotask(() => callback({ ok: false, error }))
    }
    call(client)
  }
}
