/** A member of a ring, and what it tells of itself. */
import type { ChordError } from '../core/errors.ts'
import type { TransportCounters } from '../transports/transport.ts'
import type { Caller, Wait } from './caller.ts'
import type { BorrowedBatch, Incoming, MessageType } from './messages.ts'
import type { Key, Member, Peer, Range } from './ring.ts'
import type { Service } from './service.ts'
import type { StreamHandler } from './streams.ts'

export interface ChordNode extends Caller {
  /** Registers the handler of a message type; a second one for a name throws ERR_DUPLICATE_HANDLER. */
  handle<Q, R>(type: MessageType<Q, R>, fn: (message: Incoming<Q>) => R | Promise<R>): Disposable
  /** As `handle`, with views into the receive ring that die when `fn` returns, once per wake-up. */
  handleBatch(name: string, fn: (batch: BorrowedBatch) => void): Disposable
  /** Registers the handler of streams of that name; a second one throws ERR_DUPLICATE_HANDLER. Messages have names of their own. */
  handleStream(name: string, fn: StreamHandler): Disposable
  /** Adds a service before `start`. */
  use(service: Service): this
  /**
   * Listens, then creates or joins; afterwards the ranges are known. On an error everything is closed again.
   * Errors: ERR_JOIN_TIMEOUT, ERR_ADDRESS_IN_USE, ERR_LISTEN, ERR_ADVERTISE_REQUIRED, ERR_DUPLICATE_ID, ERR_STATE.
   */
  start(o?: Wait): Promise<this>
  /**
   * Stops taking new work, hands over, waits for handlers and streams to end, says goodbye, closes. Default `timeoutMs` 10,000; then it
   * closes anyway.
   */
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
  /** Calls, those tried again after a time-out or failure, those sent twice for being late, and of these those whose second way was faster. */
  calls: {
    pending: number
    sent: number
    succeeded: number
    failed: number
    retried: number
    hedged: number
    hedgesWon: number
  }
  /**
   * Routed frames: delivered here, passed on, refused for want of hops or an owner or room, and those whose originators were told that
   * the connection broke over which they had been passed on.
   */
  routed: { delivered: number; forwarded: number; unsettled: number; hopLimit: number; busy: number; lost: number }
  /**
   * Ranges of others that are remembered now; calls by key that went straight to a remembered owner, those that had to be routed, and of
   * the former those whose owner was another one by then.
   */
  ranges: { cached: number; hits: number; misses: number; stale: number }
  handled: { requests: number; oneWay: number; duplicates: number; failed: number }
  /**
   * Streams that are open now, opened by this node, accepted from others, refused to others; ended by an error or early, by either side
   * (`reset`) or with their connection (`lost`); bytes of their data; bytes that their windows hold back now, read or not.
   */
  streams: {
    open: number
    opened: number
    accepted: number
    refused: number
    reset: number
    lost: number
    sentBytes: number
    receivedBytes: number
    windowBytes: number
  }
  maintenance: { sent: number; received: number; sentBytes: number; evictions: number }
  /** What the transport counted: frames, bytes, reads and writes, batches, what waits. All zero before `start`. */
  wire: Readonly<TransportCounters>
  /** Connections that ended, by reason (`CloseReason`); what went wrong among them, and above them, is in `refused`. */
  closed: Readonly<Record<string, number>>
  /** Connections closed for what came over them, by reason. */
  refused: Readonly<Record<string, number>>
}
