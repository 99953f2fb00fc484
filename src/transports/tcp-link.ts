/** One socket of the portable transport. */
import type { Socket } from 'node:net'
import { type FrameSink, FrameSplitter, type Ring } from '../wire/framing.ts'
import type { Output } from './transmit.ts'
import type { CloseReason, Link } from './transport.ts'

/** How long a closed socket may stay until the other side has closed too, so that what it was sent is not cut off. */
const LINGER_MS = 1000

export class TcpLink implements Link, Output, FrameSink {
  readonly socket: Socket
  readonly dialed: boolean
  readonly remoteHost: string
  readonly remotePort: number
  readonly splitter = new FrameSplitter()
  session: unknown
  open = true
  /** Closed on our side, and perhaps not all of its output gone. */
  closing = false
  connected = false
  /** A `reserve` was refused since the last `drained`. */
  refused = false
  /** Counted for this link in the budget of partial frames. */
  tailBytes = 0
  /** Counted for this link as output that waits for the kernel. */
  waitingBytes = 0
  pendingBytes = 0
  output: Uint8Array | undefined
  readonly #deliver: Deliver
  readonly #written: () => void

  /** `written` is called whenever the kernel has taken what one `write` gave. */
  constructor(socket: Socket, dialed: boolean, host: string, port: number, deliver: Deliver, written: () => void) {
    this.socket = socket
    this.dialed = dialed
    this.remoteHost = host
    this.remotePort = port
    this.#deliver = deliver
    this.#written = written
  }

  get queuedBytes(): number {
    return this.pendingBytes + (this.output?.length ?? 0) + this.socket.writableLength
  }

  frame(ring: Ring, offset: number, length: number): boolean {
    return this.#deliver(this, ring, offset, length)
  }

  /** Hands what `take` gathered to the socket: its size. */
  write(): number {
    const bytes = this.output
    this.output = undefined
    if (bytes === undefined || !this.socket.writable) return 0
    // Not by its 'drain': that comes only after more than the socket's own mark was queued.
    this.socket.write(bytes, this.#written)
    return bytes.length
  }

  /** Closes in order once all output has left. */
  endThen(done: () => void): void {
    this.socket.end(done)
  }

  /** The descriptor's end; after an orderly close of ours it waits for the other side's. */
  release(reason: CloseReason): void {
    if (reason !== 'local' || !this.socket.writableFinished || this.socket.readableEnded) {
      this.socket.destroy()
      return
    }
    const timer = setTimeout(() => this.socket.destroy(), LINGER_MS)
    timer.unref()
    this.socket.unref()
    this.socket.once('close', () => clearTimeout(timer))
  }
}

type Deliver = (link: TcpLink, ring: Ring, offset: number, length: number) => boolean
