/** Messages: their types, and how they meet their handlers. */
import type { Id } from '../core/id.ts'
import type { Member, Peer } from './ring.ts'

/**
 * Turns values into bytes and back. `decode` may throw: the sender then gets `ERR_BAD_BODY`. Its bytes are a copy that nobody
 * else writes to; their `.buffer` may hold others besides, as that of a small `Buffer` does: `slice()` what is to be transferred.
 */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

export interface MessageType<Q, R> {
  /** 1 to 64 bytes of UTF-8; names that start with `chordite.` are the library's own. */
  name: string
  request: Codec<Q>
  reply: Codec<R>
}

/**
 * What each of many messages says: a body for each key; or `all`, the same for all of them, encoded once; or bodies as they travel,
 * which no codec sees: body i is `bytes[offsets[i] .. offsets[i + 1])`. `bytes` must stay as they are until the call has ended.
 */
export type Bodies<Q> = readonly Q[] | { readonly all: Q } | PackedBodies

export interface PackedBodies {
  bytes: Uint8Array
  offsets: Uint32Array
}

export interface Incoming<Q> {
  body: Q
  /** Present if the message was sent to a key. */
  key?: Id
  from: Peer
  /** The virtual node that it was delivered to. */
  member: Member
  /** Aborts when the caller's deadline has passed or the node leaves or closes. */
  signal: AbortSignal
  oneWay: boolean
}

/**
 * The messages of one type that arrived in one wake-up, where they lie: body `i` is `memory(i)[start(i) .. end(i))`,
 * and reading it that way allocates nothing. Memory and views die when the handler returns; every method throws
 * ERR_STATE from then on, and for an index that no message has.
 */
export interface BorrowedBatch {
  readonly length: number
  /** Nearly always the receive ring, the same for all. It holds other peers' data: for trusted code only. */
  memory(index: number): Uint8Array
  /** A multiple of 8. */
  start(index: number): number
  end(index: number): number
  /** The same as a view, which is an object for each message. */
  body(index: number): Uint8Array
  from(index: number): Peer
  key(index: number): Id | undefined
  /**
   * Answers message `index` with `bytes[start .. end)`, by default all of them, copied at once; `memory(index)` will do.
   * A second answer is ignored, and so is what is said to a one-way message.
   */
  reply(index: number, bytes: Uint8Array, start?: number, end?: number): void
}
