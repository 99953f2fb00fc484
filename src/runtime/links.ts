/**
 * Connections to other processes, once for all transports: hellos, who is at which address, dialing, what is queued
 * until a connection is up, which connections are kept, goodbyes, and messages larger than a frame.
 */
import type { FrameRing, Lane, Transport } from '../transports/transport.ts'
import type { LinksOptions, Self, Session } from './session.ts'

export interface ConnectionCounts {
  routing: number
  reply: number
  accepted: number
  total: number
}

/**
 * The cheap path for an address with a session allocates nothing:
 *
 *     const session = links.session(address)
 *     const at = links.reserve(session, bytes, 'own')     // -1: busy
 *     …write the frame into links.tx at `at`…
 *     links.commit(session, at, bytes)
 *
 * Without a session, `enqueue` copies the frame and dials. `send` does whichever is possible.
 */
export class Links {
  readonly transport: Transport

  constructor(options: LinksOptions) {
    this.transport = options.transport as never
  }

  /** Where to write between `reserve` and `commit`; read it anew after each `reserve`. */
  get tx(): FrameRing {
    return this.transport.tx
  }

  /** Binds. `host` is numeric. Errors: ERR_ADDRESS_IN_USE, ERR_LISTEN. */
  listen(host: string, port: number): Promise<{ host: string; port: number }> {
    return this.transport.listen(host, port)
  }

  /** Changes what our hello says. Sessions under the old identity are closed as idle; dialing ones start over. */
  identify(_change: Partial<Self>): void {}

  /** Our numeric host as the other end of the first connection that we dialed sees it. */
  get observedHost(): string | undefined {
    return undefined
  }

  /** The session to use for an address, if one is up. */
  session(_address: string): Session | undefined {
    return undefined
  }

  /** All sessions that are up. */
  sessions(): Iterable<Session> {
    return []
  }

  counts(): ConnectionCounts {
    return { routing: 0, reply: 0, accepted: 0, total: 0 }
  }

  /** Room in `tx` for a frame of `bytes`: its offset, or -1 if the session is down or its queue over the lane's mark. */
  reserve(_session: Session, _bytes: number, _lane: Lane): number {
    return -1
  }

  /** Sends the frame written at `offset`. */
  commit(_session: Session, _offset: number, _bytes: number): void {}

  /**
   * Sees to it that there is, or soon will be, a session to the address: ends in `sessionUp` or `sessionDown`, and
   * does nothing if there is one already (other than making a `reply` one a `routing` one).
   */
  open(_address: string, _purpose: 'routing' | 'reply'): void {}

  /**
   * Sends a copy of a whole frame to an address: at once over a session, else when one is up (dialing if nobody does).
   * Frames over FRAME_BYTES_MAX go as fragments; small ones sent later may overtake them. The bytes must not be
   * changed afterwards. False: a queue is full, the frame is not sent.
   */
  send(_address: string, _frame: Uint8Array, _purpose: 'routing' | 'reply', _lane: Lane): boolean {
    return false
  }

  /** As `send`, over this session only (answers to clients, which have no address). False also if it is down. */
  sendOn(_session: Session, _frame: Uint8Array, _lane: Lane): boolean {
    return false
  }

  /** Addresses that the routing table names now: connections dialed to them are not closed for being idle. */
  keep(_addresses: ReadonlySet<string>): void {}

  /** Says goodbye (`idle`) and closes one session. */
  close(_session: Session): void {}

  /** Stops accepting, says goodbye (`leaving`) to all; resolves when they have closed, or after `connectMs`. */
  leave(): Promise<void> {
    return Promise.resolve()
  }

  /** Closes everything at once. No handler call comes after it was called. */
  destroy(): Promise<void> {
    return this.transport.destroy()
  }

  /** What was refused since the beginning, by reason: of framing, of hellos, of fragments. */
  refused(): Readonly<Record<string, number>> {
    return {}
  }

  ref(): void {
    this.transport.ref()
  }

  unref(): void {
    this.transport.unref()
  }
}
