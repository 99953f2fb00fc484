/** The calls that members and clients make. */
import type { ChordError } from '../core/errors.ts'
import type { MessageType } from './messages.ts'
import type { Key, Owner, PackedKeys, Peer, Result } from './ring.ts'

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

/** What members and clients share. */
export interface Caller {
  /**
   * Finds the owner of a key. Retried until the deadline by other first hops, finally iteratively.
   * Errors: ERR_TIMEOUT, ERR_ABORTED, ERR_ISOLATED, ERR_CLOSED, ERR_BUSY (too many calls pending).
   */
  lookup(key: Key, o?: Wait & { route?: 'recursive' | 'iterative' }): Promise<Owner>
  /** Many look-ups at once; results in the order of the keys, a key that fails fails alone. */
  lookupMany(keys: readonly Key[] | PackedKeys, o?: Wait): Promise<readonly Result<Owner>[]>
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
