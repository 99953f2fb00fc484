/**
 * What moves frames between processes: the native endpoint, its twin over node:net, or the simulated network.
 * A transport knows frames and connections and nothing else: hello, addresses, fragments and routing live above it,
 * in `runtime/links.ts`, once for all of them.
 *
 * Rules that every implementation keeps (`test/transports/conformance.ts` holds them to it):
 * - Handler calls come in batches, one per wake-up: any number of `opened`, `frame`, `drained` and `closed`, then one
 *   `batchEnd`. They never come from inside `dial`, `reserve`, `commit`, `flush` or `close`.
 * - What a handler throws is caught for that one call and reported as uncaught; its batch-mates are still delivered.
 * - A frame is a view into `ring`, valid until `batchEnd` returns, whole, checked by the rules of framing, and 8-byte aligned.
 *   Bytes that break those rules close the connection with a counted reason, after the good frames before them.
 * - Frames of one class (`classOf`) that are committed to one link arrive in order. `commit`s of one turn leave together, in order, at
 *   `flush` or by themselves after the batch or the turn; what the kernel does not take leaves later, the most urgent class first,
 *   frame by frame.
 * - Every link ends in exactly one `closed`, unless the transport was destroyed.
 */
import type { ArcTable } from '../core/arc-table.ts'

/** Memory that frames are read from or written to. The arrays are views of one ArrayBuffer. */
export interface FrameRing {
  readonly bytes: Uint8Array
  readonly halves: Uint16Array
  readonly words: Uint32Array
}

/** One connection, from `dial` or `opened` to `closed`. The object is never reused for another connection. */
export interface Link {
  readonly dialed: boolean
  /** Numeric address of the other end; for an accepted link known from `opened` on. */
  readonly remoteHost: string
  readonly remotePort: number
  /** False from the moment it is closed on either side. */
  readonly open: boolean
  /** Bytes committed and not yet taken by the kernel. */
  readonly queuedBytes: number
  /** For the layer above. */
  session: unknown
  /** With `Transport.routing`: whether frames by key that come from it may be passed on, and others to it. At first neither. */
  routable?(from: boolean, to: boolean): void
  /** How many the transport has passed on, modulo 2³²: that came from it, and that went to it. */
  readonly passedIn?: number
  readonly passedOut?: number
}

/** How a frame by key may go on. */
export interface RouteWay {
  readonly link: Link
  readonly final: boolean
  readonly finalSteps: number
}

/** Where frames by key go next; see `runtime/routes.ts`. */
export interface RouteTables {
  /** Of each row its ways, the best first; three at most. */
  readonly rows: readonly (readonly RouteWay[])[]
  /** By key, numbers of rows; NO_ARC where the handler must decide. */
  readonly decided: ArcTable
  /** Owners of ranges that are remembered, by key numbers of links: they come first, where the best way that was decided is not final. */
  readonly remembered: { readonly arcs: ArcTable; readonly links: readonly Link[] } | undefined
  /** Frames that have gone so many hops are the handler's. */
  readonly hops: number
}

/**
 * Passing on frames by key without the handler. Only look-ups and requests which are not FINAL, from links that are `routable`, by the
 * first way whose link is up and below the mark of the forward lane; every other frame comes to the handler, which decides the same.
 */
export interface Routing {
  /** From now on, until the next call of either. */
  install(tables: RouteTables): void
  suspend(): void
  /** Of the latest frames that it has passed on over the link, as `runtime/head-log.ts` has them. While `closed` is told, and not later. */
  heads(link: Link): Uint8Array | undefined
}

export type CloseReason =
  | 'local' // we closed it
  | 'ended' // the other side closed it in order
  | 'reset' // it broke
  | 'refused' // dial: nobody listens there
  | 'unreachable' // dial: no route, timed out, bad address
  | 'length' // frame shorter than a header, or longer than allowed
  | 'version' // frame of another version
  | 'reserved' // reserved bits or bytes set, unknown flag or extension
  | 'extensions' // extensions longer than the frame
  | 'padding' // padding not zero
  | 'hello' // first frame is no hello with our magic
  | 'memory' // over the budget for partial tails
  | 'connections' // accepted beyond the limit: closed at once, counted, never `opened`

/**
 * Lanes differ in how much may be queued on a link, in a frame's class and the more urgent ones, before `reserve` refuses: what
 * originates here up to `outputBytes`, what is passed on up to twice that, answers and the connection's own frames up to 256 KiB
 * more. A frame may exceed its lane's mark by its own length. So a class that is full refuses no more urgent one, and all of them
 * together hold four times the last mark at most.
 */
export type Lane = 'own' | 'forward' | 'control'

export interface TransportHandler {
  opened(link: Link): void
  frame(link: Link, ring: FrameRing, offset: number, length: number): void
  closed(link: Link, reason: CloseReason): void
  /** A link that had refused a `reserve` has room again, for a class that was refused. */
  drained(link: Link): void
  /** Borrowed memory dies when this returns. */
  batchEnd(): void
}

export interface TransportOptions {
  handler: TransportHandler
  /** High-water mark of one link's output in the `own` lane, in bytes; the other lanes' follow from it. */
  outputBytes: number
  /** Accepted connections at most; more are closed at once and counted. */
  connections: number
}

/**
 * A snapshot of what the transport has counted since it was made, and of gauges, which say how things are now. Reading it
 * makes one object and crosses nothing; counting costs a message no allocation. `ratesOf` turns two of them into rates.
 */
export interface TransportCounters {
  /** Times that the event loop found something to do. */
  wakeups: number
  /** Batches delivered: calls into JavaScript. Never more than wakeups. */
  batches: number
  /**
   * Wake-ups after which output was written: one flush, however many replies and frames passed on. What other turns commit, and
   * what the handler flushes itself, is not counted.
   */
  flushes: number
  /** Whole, good frames received, and frames committed, or passed on by the transport itself: these are in both. */
  framesIn: number
  framesOut: number
  /** Bytes read from connections, and bytes that the kernel took (over `node:net`: that the socket was given). */
  bytesIn: number
  bytesOut: number
  /** Received bytes that were moved because their frame was not complete. Nothing else received is ever copied. */
  tailBytesCopied: number
  /** Reads that brought bytes, and reads that found none (native only: node:net does not tell). */
  reads: number
  readsEmpty: number
  /** Writes, and those of which the kernel took a part or nothing, so that the rest had to wait. */
  writes: number
  writesPartial: number
  /** Times that `reserve` answered -1 because a link's queue was over its lane's mark. */
  refusals: number
  /** Connections accepted and dialed. */
  accepted: number
  dialed: number
  /** Times that accepting stopped for want of descriptors or memory. */
  acceptPauses: number
  /** Gauge: connections that are open or being opened, and the most that there have been. */
  open: number
  openMax: number
  /** Gauge: bytes of output that wait for the kernel, over all links, and the most that there have been. */
  queuedBytes: number
  queuedBytesMax: number
  /** Gauge: bytes of memory that hold beginnings of frames, over all links. */
  tailBytes: number
  /** Frames passed on by the routes that were installed, and those that could not be, for want of an open way. */
  framesPassedOn: number
  framesNotPassedOn: number
  /** Batches by how many frames they had: none, 1, 2–3, 4–7, … 4096–8191. */
  framesPerBatch: readonly number[]
}

export interface Transport {
  readonly kind: 'native' | 'tcp' | 'simulated'
  /** Where outgoing frames are written, between `reserve` and `commit`. The object may be another after `reserve`. */
  readonly tx: FrameRing
  /** Absent where only the handler passes frames on. */
  readonly routing?: Routing
  /** Binds a numeric address. Port 0 picks one. Errors: ERR_ADDRESS_IN_USE, ERR_LISTEN. */
  listen(host: string, port: number): Promise<{ host: string; port: number }>
  /** Stops accepting; open links stay. */
  unlisten(): void
  /** Starts to connect to a numeric address; ends in `opened` or `closed`. Frames may be committed at once. */
  dial(host: string, port: number): Link
  /**
   * Room for one frame of `bytes` (unpadded) in `tx`: its offset, 8-byte aligned, or -1 when the link's queue is
   * over its lane's mark or the link is closed. Write the frame there, then `commit` before anything else is reserved.
   * `trafficClass` is what `classOf` will say of it; CLASS_APPLICATION if it is not given.
   */
  reserve(link: Link, bytes: number, lane: Lane, trafficClass?: number): number
  /** Queues the reserved frame; pads it. `bytes` may be less than reserved. */
  commit(link: Link, offset: number, bytes: number): void
  /** Hands everything committed to the kernel. Never calls the handler. */
  flush(): void
  /** Closes after what is queued has left, or at once with `now`. `closed` follows with 'local'. */
  close(link: Link, now?: boolean): void
  /** A new snapshot. */
  counters(): TransportCounters
  /** Connections closed, by reason. */
  closeReasons(): Readonly<Record<CloseReason, number>>
  ref(): void
  unref(): void
  /** Closes everything. No handler call comes after it was called; resolves when all descriptors are closed. */
  destroy(): Promise<void>
}
