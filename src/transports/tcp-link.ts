/** One socket of the portable transport. */
import type { Socket } from 'node:net'
import { type FrameSink, FrameSplitter, type Ring } from '../wire/framing.ts'
import { OutputQueue } from './output-queue.ts'
import type { Output } from './transmit.ts'
import type { CloseReason, Link } from './transport.ts'

/** How long a closed socket may stay until the other side has closed too, so that what it was sent is not cut off. */
const LINGER_MS = 1000
const AT_ONCE_BYTES = 65_536

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
  refused = 0
  /** Counted for this link in the budget of partial frames. */
  tailBytes = 0
  /** Counted for this link as output that waits for the kernel. */
  waitingBytes = 0
  pendingBytes = 0
  output: Uint8Array | undefined
  readonly waiting = new OutputQueue()
  /** What the socket may be given while it has nothing: what it has cannot be overtaken any more. */
  readonly #atOnce: number
  #atLast: (() => void) | undefined
  readonly #deliver: Deliver
  readonly #written: () => void

  /** `written` is called whenever the kernel has taken what one `write` gave. */
  constructor(
    socket: Socket,
    dialed: boolean,
    host: string,
    port: number,
    outputBytes: number,
    deliver: Deliver,
    written: () => void,
  ) {
    this.#atOnce = Math.min(AT_ONCE_BYTES, outputBytes / 4)
    this.socket = socket
    this.dialed = dialed
    this.remoteHost = host
    this.remotePort = port
    this.#deliver = deliver
    this.#written = written
  }

  get queuedBytes(): number {
    return this.pendingBytes + this.waiting.size + this.handedBytes
  }

  get handedBytes(): number {
    return this.socket.destroyed ? 0 : this.socket.writableLength
  }

  frame(ring: Ring, offset: number, length: number): boolean {
    return this.#deliver(this, ring, offset, length)
  }

  /** Hands what `take` gathered to the socket, or keeps it until the socket has nothing else: its size. */
  write(): number {
    const bytes = this.output
    this.output = undefined
    if (bytes === undefined || !this.socket.writable || this.#atLast !== undefined) return 0
    if (this.waiting.size === 0 && bytes.length <= this.#atOnce && this.socket.writableLength === 0) {
      // Not by its 'drain': that comes only after more than the socket's own mark was queued.
      this.socket.write(bytes, this.#written)
    } else {
      this.waiting.append(bytes)
      this.pump()
    }
    return bytes.length
  }

  /** The socket has nothing any more, or may have. */
  pump(): void {
    const { socket, waiting } = this
    while (waiting.size > 0 && socket.writable && socket.writableLength === 0) {
      const runs = waiting.take(this.#atOnce)
      socket.cork()
      for (const run of runs) socket.write(run, run === runs.at(-1) ? this.#written : undefined)
      socket.uncork()
    }
    if (waiting.size > 0 || this.#atLast === undefined) return
    socket.end(this.#atLast)
    this.#atLast = undefined
  }

  /** Closes in order once all output has left. */
  endThen(done: () => void): void {
    this.#atLast = done
    this.pump()
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
