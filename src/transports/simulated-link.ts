/** One end of a simulated connection, and the way of its bytes to the other end. */
import { FrameSplitter } from '../wire/framing.ts'
import { OutputQueue } from './output-queue.ts'
import type { SimulatedTransport } from './simulated-transport.ts'
import type { Output } from './transmit.ts'
import type { Link } from './transport.ts'

export type Segment =
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'reset' }

/** Bytes on their way at most; what is beyond waits with the sender. */
const WINDOW_BYTES = 256 * 1024
/** Between two attempts to get through a broken path. */
const RETRY_MS = 200

export class SimulatedLink implements Link, Output {
  readonly transport: SimulatedTransport
  readonly dialed: boolean
  readonly remoteHost: string
  readonly remotePort: number
  readonly splitter = new FrameSplitter()
  session: unknown
  open = true
  closing = false
  connected = false
  refused = 0
  pendingBytes = 0
  output: Uint8Array | undefined
  /** Counted for this link as output that waits. */
  countedBytes = 0
  #other: SimulatedLink | undefined
  readonly waiting = new OutputQueue()
  /** The network has it. */
  readonly handedBytes = 0
  #inFlightBytes = 0
  /** When nothing waits any more. */
  #ends = false
  /** Sent and not arrived, oldest first. */
  readonly #wire: { readonly segment: Segment; readonly atMs: number }[] = []
  /** For the path to get better. */
  #waiting = false
  /** Nothing more is sent: the connection is over on this end. */
  #abandoned = false

  constructor(transport: SimulatedTransport, dialed: boolean, remoteHost: string, remotePort: number) {
    this.transport = transport
    this.dialed = dialed
    this.remoteHost = remoteHost
    this.remotePort = remotePort
  }

  get queuedBytes(): number {
    return this.pendingBytes + this.waiting.size
  }

  connect(other: SimulatedLink | undefined): void {
    this.#other = other
    this.connected = true
    this.#pump()
  }

  /** What a turn committed leaves as one, if it need not wait. */
  send(frames: Uint8Array): void {
    if (this.#abandoned) return
    if (this.connected && this.waiting.size === 0 && this.#inFlightBytes < WINDOW_BYTES) this.#launch(frames)
    else this.waiting.append(frames)
    this.#pump()
  }

  /** Closes in order once all output has left. */
  endAtLast(): void {
    if (this.#abandoned) return
    this.#ends = true
    this.#pump()
  }

  /** Ours to end at once: the other end hears it as `reset`. */
  reset(): void {
    this.abandon({ type: 'reset' })
    this.transport.end(this, 'local')
  }

  /** Drops what has not left and tells the other end, if anything, `last`. */
  abandon(last: Segment): void {
    if (this.#abandoned) return
    this.waiting.clear()
    this.#abandoned = true
    if (this.connected) this.#travel(last)
  }

  /** Answers what comes for a connection that is over on this end. */
  bounce(): void {
    this.#travel({ type: 'reset' })
  }

  /** The network lost it, and tells neither end what of its bytes had arrived. */
  sever(): void {
    this.waiting.clear()
    this.#wire.length = 0
    this.#abandoned = true
    this.transport.end(this, 'reset')
  }

  isTo(host: string): boolean {
    return this.#other?.transport.host === host
  }

  get other(): SimulatedLink | undefined {
    return this.#other
  }

  #pump(): void {
    if (!this.connected) return
    while (this.waiting.size > 0 && this.#inFlightBytes < WINDOW_BYTES) {
      const frames = this.waiting.take(WINDOW_BYTES - this.#inFlightBytes)
      this.#launch(frames.length === 1 ? frames[0]! : Buffer.concat(frames))
    }
    if (this.#ends && !this.#abandoned && this.waiting.size === 0 && this.#inFlightBytes < WINDOW_BYTES) {
      this.#abandoned = true
      this.#travel({ type: 'end' })
      this.transport.end(this, 'local')
    }
    this.transport.roomAgain(this)
  }

  #launch(bytes: Uint8Array): void {
    this.#inFlightBytes += bytes.length
    this.#travel({ type: 'data', bytes })
  }

  #travel(segment: Segment): void {
    const { clock, paths } = this.transport.network
    const lastMs = this.#wire.at(-1)?.atMs ?? 0
    const atMs = Math.max(lastMs, clock.nowMs() + paths.delayMs(this.transport.host, this.#remote))
    this.#wire.push({ segment, atMs })
    clock.setTimer(atMs - clock.nowMs(), this.#onArrival)
  }

  /** Hands over what is due, in order. Over a broken path the same bytes go again, as TCP does, until patience ends. */
  #arrive(): void {
    const { network, silent } = this.transport
    const other = this.#other
    if (other === undefined || silent || this.#waiting) return
    const nowMs = network.clock.nowMs()
    while (this.#wire.length > 0 && this.#wire[0]!.atMs <= nowMs) {
      const passage = network.paths.passage(this.transport.host, this.#remote)
      if (passage === 'clogged') return this.#wait()
      if (other.transport.silent || passage === 'cut') return this.#retry(nowMs - this.#wire[0]!.atMs)
      const { segment } = this.#wire.shift()!
      if (segment.type === 'data') this.#inFlightBytes -= segment.bytes.length
      other.transport.receive(other, segment)
    }
    this.#pump()
  }

  #wait(): void {
    this.#waiting = true
    this.transport.network.whenResumed(this.#again)
  }

  #retry(brokenForMs: number): void {
    const { clock, silenceMs } = this.transport.network
    if (brokenForMs >= silenceMs) {
      this.#abandoned = true
      this.#wire.length = 0
      this.transport.end(this, 'reset')
      return
    }
    this.#waiting = true
    clock.setTimer(RETRY_MS, this.#again)
  }

  readonly #onArrival = (): void => this.#arrive()

  readonly #again = (): void => {
    this.#waiting = false
    this.#arrive()
  }

  get #remote(): string {
    return this.#other?.transport.host ?? this.remoteHost
  }
}
