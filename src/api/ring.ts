/** Keys, nodes and ranges, and how a call ends. */
import type { ChordError } from '../core/errors.ts'
import type { Id } from '../core/id.ts'

/** Strings and bytes are always hashed with SHA-1; only an {@link Id} is taken as it is. */
export type Key = string | Uint8Array | Id

/** Many keys in one buffer: key i is `bytes[offsets[i] .. offsets[i + 1])`, so `offsets` has one entry more than keys. */
export interface PackedKeys {
  bytes: Uint8Array
  offsets: Uint32Array
}

/** One virtual node of one run of a process. A client has a random id and an empty address. */
export interface Peer {
  readonly id: Id
  readonly address: string
  readonly incarnation: bigint
}

/** `(after, upTo]` on the ring; `after` equal to `upTo` is the whole ring. */
export interface Range {
  readonly after: Id
  readonly upTo: Id
}

export interface Owner {
  owner: Peer
  range: Range
  epoch: bigint
  /** Messages that it took to reach the owner; 0 if this node is it. */
  hops: number
}

/** The owners of many keys: that of key i is `owners[indexes[i]]`; where `indexes[i]` is -1, `errors.get(i)` says why. */
export interface PackedOwners {
  readonly owners: readonly Owner[]
  readonly indexes: Int32Array
  readonly errors: ReadonlyMap<number, ChordError>
}

/** One virtual node as its own process sees it. `range` is absent while it owns nothing. */
export interface Member extends Peer {
  predecessor?: Peer
  successors: readonly Peer[]
  range?: Range
  epoch: bigint
}

export type Result<T> = { ok: true; value: T } | { ok: false; error: ChordError }
