/** The calls that members and clients make. */
import type { ChordError } from '../core/errors.ts'
import type { Bodies, MessageType } from './messages.ts'
import type { Key, Owner, PackedKeys, PackedOwners, Peer, Result } from './ring.ts'
import type { ByteStream, StreamOptions } from './streams.ts'

export interface Wait {
  /** Duration; default 5,000. */
  timeoutMs?: number
  signal?: AbortSignal
}

/** Of the callback form of `request` and `requestTo`, which makes no promise. */
export interface CallbackWait extends Wait {
  idempotent?: boolean
  /** The callback runs in the asynchronous context of the call (`AsyncLocalStorage`): an object for each. Default false. */
  asyncContext?: boolean
}

export interface LookupManyOptions extends Wait {
  cached?: boolean
  packed?: boolean
}

/** What members and clients share. */
export interface Caller {
  /**
   * Finds the owner of a key, who says so itself. Retried until the deadline by other first hops, finally iteratively.
   * `cached`: answered at once and without a message, from what is remembered of earlier answers, which may be out of date; else it
   * fails with ERR_NOT_CACHED.
   * Errors: ERR_TIMEOUT, ERR_ABORTED, ERR_ISOLATED, ERR_CLOSED, ERR_BUSY (too many calls pending).
   */
  lookup(key: Key, o?: Wait & { route?: 'recursive' | 'iterative'; cached?: boolean }): Promise<Owner>
  /**
   * Many look-ups at once: results in the order of the keys, a key that fails fails alone, with the errors of `lookup` but ERR_BUSY: it
   * waits for room. Each result was told by its owner during the call, but one answer is good for all keys in the owner's range, which
   * then share it: a few questions for each owner, not one for each key.
   * `cached`: all at once and without a message, as `lookup` does. `packed`: {@link PackedOwners} instead of an object for each key.
   */
  lookupMany(
    keys: readonly Key[] | PackedKeys,
    o?: LookupManyOptions & { packed?: false },
  ): Promise<readonly Result<Owner>[]>
  lookupMany(keys: readonly Key[] | PackedKeys, o: LookupManyOptions & { packed: true }): Promise<PackedOwners>
  /**
   * Sends to the key's owner. Resolves when its handler has taken the message or, with `ack: false`, when the
   * transport has (back-pressure is still felt). Errors: those of `request` but ERR_REMOTE.
   * Order holds from one sender to one receiver over one connection, not across re-routing; a message that fits a
   * frame (64 KiB) may overtake larger ones, so that nobody waits behind a megabyte.
   */
  send<Q>(key: Key, type: MessageType<Q, unknown>, body: Q, o?: Wait & { ack?: boolean }): Promise<void>
  /**
   * Sends to the key's owner and waits for its handler's answer. At most once, unless `idempotent`.
   * Errors: ERR_TIMEOUT (surely not delivered), ERR_OUTCOME_UNKNOWN, ERR_REMOTE, ERR_NO_HANDLER, ERR_BAD_BODY,
   * ERR_PAYLOAD_TOO_LARGE, ERR_BUSY, ERR_ISOLATED, ERR_ABORTED, ERR_CLOSED.
   */
  request<Q, R>(key: Key, type: MessageType<Q, R>, body: Q, o?: Wait & { idempotent?: boolean }): Promise<R>
  request<Q, R>(
    key: Key,
    type: MessageType<Q, R>,
    body: Q,
    o: CallbackWait,
    callback: (result: Result<R>) => void,
  ): void
  /**
   * As `send`, a message for each key: results in the order of the keys, a message that fails fails alone. They leave as room allows,
   * those for one receiver together, and in the order of the keys unless one of them has to be sent again. Deadline and signal are those
   * of the whole call. Errors: ERR_BAD_OPTION, also if there are not as many bodies as keys.
   */
  sendMany<Q>(
    keys: readonly Key[] | PackedKeys,
    type: MessageType<Q, unknown>,
    bodies: Bodies<NoInfer<Q>>,
    o?: Wait & { ack?: boolean },
  ): Promise<readonly Result<void>[]>
  /** As `request`, a message for each key, in the way of `sendMany`. */
  requestMany<Q, R>(
    keys: readonly Key[] | PackedKeys,
    type: MessageType<Q, R>,
    bodies: Bodies<NoInfer<Q>>,
    o?: Wait & { idempotent?: boolean },
  ): Promise<readonly Result<R>[]>
  /** As `send`, to one node. A string is an address and means its virtual node 0. Also ERR_UNREACHABLE, ERR_NOT_MEMBER. */
  sendTo<Q>(peer: Peer | string, type: MessageType<Q, unknown>, body: Q, o?: Wait & { ack?: boolean }): Promise<void>
  /** As `request`, to one node. */
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
  /**
   * Opens a stream of bytes to whoever owns the key, or to one node, for data larger than a message. The owner is found first, and the stream
   * goes straight to it; should it not be the owner any more, or have no room for more streams, that is tried again until the
   * deadline. Later changes of the ring do not move the stream. Resolves when the other side's handler has been called.
   * Errors: ERR_TIMEOUT, ERR_NO_HANDLER, ERR_BUSY (limits of streams, here or there), ERR_UNREACHABLE, ERR_NOT_MEMBER, ERR_REMOTE,
   * ERR_CONNECTION_LOST, ERR_ISOLATED, ERR_ABORTED, ERR_CLOSED.
   */
  openStream(to: Key | Peer, name: string, o?: StreamOptions): Promise<ByteStream>
  /** As `openStream`, to one node. A string is an address and means its virtual node 0. */
  openStreamTo(peer: Peer | string, name: string, o?: StreamOptions): Promise<ByteStream>
  /** At once; pending calls get ERR_CLOSED. */
  close(): Promise<void>
  /** Settles when closed; with the error if it did not close by its own will. */
  readonly closed: Promise<ChordError | undefined>
  /** Whether it keeps the process alive; it does by default. */
  ref(): this
  unref(): this
  /** Members leave, clients close. */
  [Symbol.asyncDispose](): Promise<void>
}
