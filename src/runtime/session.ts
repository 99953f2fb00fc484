/** What the layer of connections (`links.ts`) and the runtime above it tell each other. */
import type { Clock, Id, Limits, Peer, Random, Timing } from '../api.ts'
import type { FrameRing, Link, Transport, TransportOptions } from '../transports/transport.ts'
import type { Refusal } from '../wire/hello.ts'
import type { HeadLog } from './head-log.ts'

/** Why we hold a connection. `accepted`: the other side does. */
export type Purpose = 'routing' | 'reply' | 'accepted'

/** One connection after its hello: frames can be sent and it is known who is at the other end. */
export interface Session {
  readonly link: Link
  readonly role: 'member' | 'client'
  /** What the other end advertises; empty for a client. */
  readonly address: string
  /** Numeric host that we see it at. */
  readonly observedHost: string
  /** Of each virtual node of the other end; one entry for a client. */
  readonly incarnations: readonly bigint[]
  /** Ids of its virtual nodes, derived by `idOf`; a client's own id. */
  readonly ids: readonly Id[]
  /** The same as public objects, one per virtual node, made once. */
  readonly peers: readonly Peer[]
  readonly purpose: Purpose
  /** Answers that are to come or to go over it, and must not find it closed for being idle. */
  awaited: number
  /** Streams that go over it: it is not idle. */
  streams: number
  /** Of `forward.ts`: frames that were passed on over it. */
  passed: HeadLog | undefined
  /** Of `silence.ts`: in which something last came over it; and what the transport had passed on by itself, in and out. */
  heardPeriod: number
  heardPassed: number
  handedPassed: number
  /** False once a goodbye was sent or received or the link closed. Frames may still arrive for a while after. */
  readonly up: boolean
}

/** Why a session ended, or never came to be. */
export type DownCause =
  | 'lost' // broke or ended without a goodbye, or stopped keeping the rules: probe at once
  | 'idle' // announced by the other side; says nothing about its health
  | 'leaving' // announced: the other side leaves the ring or closes
  | 'refused' // dial: nobody listens there
  | 'unreachable' // dial: no route, no such name, or no hello in time
  | 'rejected' // dial: the hello of one side did not suit the other; see `rejection`
  | 'local' // we closed it

/**
 * Why a hello did not suit: another network; no protocol version in common; it is our own process; another live process
 * advertises our address; too many connections; no new connections while leaving; or the hello makes no sense.
 */
export type Rejection = Exclude<Refusal, 'none'>

export interface ConnectionCounts {
  routing: number
  reply: number
  accepted: number
  /** All, also those that have not said hello yet, or goodbye already. */
  total: number
}

export interface Down {
  /** As given to `open` or `enqueue`, or the session's address. */
  readonly address: string
  readonly cause: DownCause
  /** Present with `rejected`. */
  readonly rejection?: Rejection
  /** Absent if it never came up: then nothing that was queued for the address has been delivered. */
  readonly session?: Session
}

/**
 * Calls into the runtime. They come in batches, as those of a transport do, and never from inside a call into
 * `Links`. Exceptions are caught by the transport, call by call.
 */
export interface LinksHandler {
  /**
   * A frame of an established session that is not the connection's own business. `ring` may be the receive ring or,
   * for a message that came in fragments, memory of its own (then `length` may be over FRAME_BYTES_MAX).
   * Valid until `batchEnd` returns.
   */
  peerFrame(session: Session, ring: FrameRing, offset: number, length: number): void
  sessionUp(session: Session): void
  sessionDown(down: Down): void
  /** The connection of a session that said goodbye, as one that leaves or closes, is no more: nothing comes over it after this. */
  sessionEnded(session: Session): void
  /** A session that had refused a `reserve` has room again. */
  drained(session: Session): void
  batchEnd(): void
}

/** What our hello says. */
export interface Self {
  role: 'member' | 'client'
  network: string
  /** What others reach us at. Empty: a client, or a member that does not know yet (it says hello as a client until it does). */
  address: string
  /** Of each virtual node, in order; ignored for a client. */
  incarnations: readonly bigint[]
  /** 20 random bytes, a client's id. Default: drawn from `random`. */
  clientId?: Uint8Array
}

export interface LinksOptions {
  /** Makes the transport; called once, from the constructor. */
  transport: (options: TransportOptions) => Transport
  handler: LinksHandler
  clock: Clock
  random: Random
  self: Self
  /** Derives the id of virtual node `index` of the endpoint at `address`. */
  idOf(address: string, index: number): Id
  limits: Pick<Limits, 'outputBytes' | 'connections' | 'replyConnections' | 'reassemblyBytes' | 'payloadBytes'>
  timing: Pick<Timing, 'connectMs' | 'idleMs'>
  /** All numeric addresses of a name. Default: the system's resolver. Rejects if there are none. */
  resolve?: (host: string) => Promise<readonly string[]>
}
