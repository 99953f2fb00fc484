/**
 * The public types: everything a user of chordite sees, in one place. Behaviour is documented here; the code behind
 * it lives in `runtime/`. Durations are milliseconds, never absolute times.
 */
import type { ChordError } from './core/errors.ts'
import type { Id } from './core/id.ts'
import type { TransportCounters } from './transports/transport.ts'

export type { ChordError, ErrorCode } from './core/errors.ts'
export type { Id } from './core/id.ts'
export type { TransportCounters } from './transports/transport.ts'

/** Strings and bytes are always hashed with SHA-1; only an {@link Id} is taken as it is. */
export type Key = string | Uint8Array | Id

/** Many keys in one buffer: key i is `bytes[offsets[i] .. offsets[i + 1])`, so `offsets` has one entry more than keys. */
export interface PackedKeys {
  bytes: Uint8Array
  offsets: Uint32Array
}

export interface NodeOptions {
  /** `host:port` to bind, IPv6 in brackets; port 0 picks a free one. Default `127.0.0.1:0`. */
  listen?: string
  /** `host:port` that others reach this node at, when it differs from `listen` (containers). Its ids derive from it. */
  advertise?: string
  /** Contacts: `host:port`, `[v6]:port` or `dns://name:port` (all addresses of the name, resolved anew on retry). */
  join?: readonly string[]
  /** Nodes of different networks refuse each other. Default `chordite`. */
  network?: string
  /** Points on the ring that this process serves, 1 to 256. Default 1. */
  virtualNodes?: number
  /** Distinct processes kept in each successor list, 1 to 64. Default 8. */
  successors?: number
  /** What to do when no known node answers any more. Default `wait`. */
  onIsolated?: 'wait' | 'serve'
  /** Keeps incarnation and remembered peers between runs. */
  stateFile?: string
  /** Writes down what the ring's upkeep is told, for `chordite replay`: ids and addresses, no bodies of messages. Default off. */
  record?: string | RecordOptions
  /** Default: native where the addon loads, else tcp. `CHORDITE_TRANSPORT` overrides. */
  transport?: 'native' | 'tcp'
  timing?: Partial<Timing>
  limits?: Partial<Limits>
  logger?: Logger
}

/**
 * A recording in files that can each be replayed alone: `path`, and before it `path.1`, `path.2`, … If it cannot be written, there is
 * one warning ERR_RECORDING and no more of it.
 */
export interface RecordOptions {
  path: string
  /** All files together, those of earlier runs included. Default 64 MiB, at least 256 KiB for each file. */
  bytesMax?: number
  /** 2 to 100. Default 4. */
  files?: number
}

export interface ClientOptions {
  /** Addresses of members, in the forms that `join` takes. At least one. */
  to: readonly string[]
  network?: string
  transport?: 'native' | 'tcp'
  timing?: Partial<Timing>
  limits?: Partial<Limits>
}

/** Periods and bounds, all in milliseconds. The adaptive ones move between their two bounds. */
export interface Timing {
  /** Between stabilisations while neighbours change. Default 250. */
  stabilizeMinMs: number
  /** Between stabilisations when quiet. Default 2,000. */
  stabilizeMaxMs: number
  /** Bounds of the retransmission timeout of one probe. Defaults 50 and 2,000. */
  probeMinMs: number
  probeMaxMs: number
  /** Misses in a row until a silent peer is evicted. Default 3. */
  evictAfterMisses: number
  /** Bounds of the time between two finger refreshes. Defaults 1,000 and 30,000. */
  fingersMinMs: number
  fingersMaxMs: number
  /** Between two look-ups of one's own id (ring merging). Default 5,000. */
  selfLookupMs: number
  /** Bounds of the backoff between two attempts to rejoin. Defaults 100 and 10,000. */
  rejoinMinMs: number
  rejoinMaxMs: number
  /** How long a range grant waits for `prepare` and `transfer` of the services. Default 10,000. */
  handoverMs: number
  /** How long a connection may take to open and say hello. Default 3,000. */
  connectMs: number
  /** An unused connection is closed after this long. Default 30,000. */
  idleMs: number
}

/** Bounds on memory and work. Counts, or bytes where the name ends in Bytes. */
export interface Limits {
  /** One message's body. Default 1 MiB. */
  payloadBytes: number
  /** Forwarding steps until a routed message is given up. Default 64. */
  hops: number
  /** Calls waiting for an answer, per node. Default 65,536. */
  pendingCalls: number
  /** Own output queued on one connection before `ERR_BUSY`. Default 1 MiB. */
  outputBytes: number
  /** Memory for messages arriving in fragments, per node. Default 32 MiB. */
  reassemblyBytes: number
  /** Connections kept only to answer originators, least recently used out first. Default 64. */
  replyConnections: number
  /** Accepted connections. Default 16,384. */
  connections: number
  /** Requests remembered to drop duplicates, at most; at least the latest half of that. Default 65,536. */
  duplicates: number
  /** Peers remembered for rejoining and merging. Default 128, at least 64. */
  rememberedPeers: number
}

/** Receives what a person may want to read; never called for each message. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

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

/** One virtual node as its own process sees it. `range` is absent while it owns nothing. */
export interface Member extends Peer {
  predecessor?: Peer
  successors: readonly Peer[]
  range?: Range
  epoch: bigint
}

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

export type Result<T> = { ok: true; value: T } | { ok: false; error: ChordError }

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
  /** Members leave, clients close. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface ChordNode extends Caller {
  /** Registers the handler of a message type; a second one for a name throws ERR_DUPLICATE_HANDLER. */
  handle<Q, R>(type: MessageType<Q, R>, fn: (message: Incoming<Q>) => R | Promise<R>): Disposable
  /** As `handle`, with views into the receive ring that die when `fn` returns, once per wake-up. */
  handleBatch(name: string, fn: (batch: BorrowedBatch) => void): Disposable
  /** Adds a service before `start`. */
  use(service: Service): this
  /**
   * Listens, then creates or joins; afterwards the ranges are known. On an error everything is closed again.
   * Errors: ERR_JOIN_TIMEOUT, ERR_ADDRESS_IN_USE, ERR_LISTEN, ERR_ADVERTISE_REQUIRED, ERR_DUPLICATE_ID, ERR_STATE.
   */
  start(o?: Wait): Promise<this>
  /** Stops taking new work, hands over, says goodbye, closes. Default `timeoutMs` 10,000; then it closes anyway. */
  leave(o?: Wait): Promise<void>
  /** The member of this process that owns the key, if any does. Never waits, never sends. */
  owns(key: Key): Member | undefined
  readonly members: readonly Member[]
  /** What others reach this node at; known after `start`. */
  readonly address: string
  readonly transport: 'native' | 'tcp'
  readonly state: NodeState
  on<E extends keyof Events>(event: E, fn: (e: Events[E]) => void): this
  off<E extends keyof Events>(event: E, fn: (e: Events[E]) => void): this
  metrics(): Metrics
  /** Whether the node keeps the process alive; it does by default. */
  ref(): this
  unref(): this
}

export type NodeState = 'new' | 'joining' | 'member' | 'isolated' | 'leaving' | 'closed'

/** No `error` event: nothing here can crash a process that forgot to listen. */
export interface Events {
  range: RangeChange
  predecessor: NeighborChange
  successor: NeighborChange
  'peer:up': Peer
  'peer:down': PeerDown
  'ring:split': RingEvent
  'ring:merged': RingEvent
  state: StateChange
  warning: ChordError
}

/** `epoch` orders the changes of one member; it is not a lock. */
export interface RangeChange {
  member: Member
  range?: Range
  epoch: bigint
  gained: readonly Range[]
  lost: readonly Range[]
  /** Who had what was gained: it handed it over or, in a takeover, it died. Absent where that is not known. */
  from?: Peer
  /** Whom it went to. */
  to?: Peer
  cause: 'grant' | 'takeover' | 'leave' | 'create' | 'merge'
}

export interface NeighborChange {
  member: Member
  previous?: Peer
  current?: Peer
}

export interface PeerDown {
  peer: Peer
  reason: 'refused' | 'timeout' | 'restarted' | 'left'
}

/** A live node was found that this member's ring does not lead to, or does again. */
export interface RingEvent {
  member: Member
  peer: Peer
}

export interface StateChange {
  previous: NodeState
  current: NodeState
}

/** Counters since `createNode`, and gauges. Names are stable; later versions add, never rename. */
export interface Metrics {
  state: NodeState
  transport: 'native' | 'tcp'
  members: number
  /** Open connections that this process dialed to nodes it routes by, and all that are open. */
  connections: { routing: number; reply: number; accepted: number; total: number }
  calls: { pending: number; sent: number; succeeded: number; failed: number; retried: number }
  /** Routed frames: delivered here, passed on, refused for want of hops or an owner. */
  routed: { delivered: number; forwarded: number; unsettled: number; hopLimit: number; busy: number }
  handled: { requests: number; oneWay: number; duplicates: number; failed: number }
  maintenance: { sent: number; received: number; sentBytes: number; evictions: number }
  /** What the transport counted: frames, bytes, reads and writes, batches, what waits. All zero before `start`. */
  wire: Readonly<TransportCounters>
  /** Connections that ended, by reason (`CloseReason`); what went wrong among them, and above them, is in `refused`. */
  closed: Readonly<Record<string, number>>
  /** Connections closed for what came over them, by reason. */
  refused: Readonly<Record<string, number>>
}

/** A clock that a service must use instead of `Date` and timers, so that it also runs under the simulator. */
export interface Clock {
  nowMs(): number
  setTimer(afterMs: number, fn: () => void): Disposable
}

/** Randomness that a service must use, so that a simulated run can be repeated. */
export interface Random {
  /** 32 uniform random bits as an unsigned number. */
  nextUint32(): number
  /** Uniform in [0, 1). */
  nextFloat(): number
}

/** What a service sees of the node that it runs on. */
export type ServiceNode = Pick<
  ChordNode,
  'lookup' | 'lookupMany' | 'send' | 'request' | 'sendTo' | 'requestTo' | 'handle' | 'handleBatch' | 'owns'
> & { readonly members: readonly Member[]; readonly address: string; readonly state: NodeState }

/** Lives on a node or in the simulator; told before and while ranges move. */
export interface Service {
  name: string
  start(context: { node: ServiceNode; clock: Clock; random: Random }): void
  stop(): Promise<void>
  /** A range is about to be given away (`change.lost`, to `change.to`): get ready. Still served here. */
  prepare?(change: RangeChange): Promise<void>
  /** Move the data. The new owner does not serve yet; this node still does. */
  transfer?(change: RangeChange): Promise<void>
  /** The change has happened: called on who lost and on who gained, before the `range` event. */
  commit?(change: RangeChange): void
}
