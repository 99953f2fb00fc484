/**
 * The streams of one connection and what takes them there: lets frames leave as fast as the connection takes them, and no faster, so
 * that what else goes over it need not wait.
 */
import type { Clock } from '../../api.ts'
import type { FrameMemory } from '../../wire/frames.ts'
import { newStreamFrame, readStreamFrame, STREAM_DATA, STREAM_END, type StreamFrame } from '../../wire/streams.ts'
import type { Channel, StreamFault } from './channel.ts'
import { Mux } from './mux.ts'
import type { StreamShare } from './share.ts'

/** Where frames go: a connection, or this process itself. */
export interface Wire {
  /** Bytes that wait to leave. */
  readonly queuedBytes: number
  /** Room for a frame, as `Transport.reserve`; bulk is refused long before the rest. */
  reserve(bytes: number, isBulk: boolean): number
  /** Where to write it. */
  readonly memory: FrameMemory
  commit(offset: number, bytes: number): void
  flush(): void
}

export interface CarrierOptions {
  readonly wire: Wire
  readonly share: StreamShare
  readonly clock: Clock
  defer(fn: () => void): void
  incoming(carrier: Carrier, channel: Channel, frame: StreamFrame): void
  refused(): void
  freed(channel: Channel): void
  /** So many streams go over it now. */
  resized?(streams: number): void
}

/** Data that may wait on a connection: enough that it never runs dry, little enough for what comes behind. */
const QUEUED_BYTES_MAX = 4 * 32_768
/** Then the rest of the process gets a turn. */
const CHUNKS_PER_TURN = 16
/** Until a full queue is looked at again. */
const PAUSE_MS = 1

export class Carrier {
  readonly mux: Mux
  readonly #o: CarrierOptions
  readonly #frame: StreamFrame
  #isPumping = false
  #pause: Disposable | undefined
  #isDeferred = false
  #isOver = false

  constructor(o: CarrierOptions) {
    this.#o = o
    this.#frame = newStreamFrame(o.wire.memory)
    this.mux = new Mux(o.share, {
      incoming: (channel, frame) => o.incoming(this, channel, frame),
      refused: () => o.refused(),
      freed: (channel) => o.freed(channel),
    })
  }

  /** A frame of type STREAM. */
  receive(m: FrameMemory, at: number, length: number): StreamFault | undefined {
    const frame = this.#frame
    if (!readStreamFrame(m, at, length, frame)) return 'streamFrame'
    const fault = this.mux.receive(frame)
    this.pump()
    return fault
  }

  /** After each command to a channel. */
  changed(channel: Channel): void {
    this.mux.changed(channel)
    this.pump()
  }

  /** Sends what may leave now, and sees to it that the rest follows. */
  pump(): void {
    if (this.#isPumping || this.#isOver) return
    this.#isPumping = true
    try {
      this.#send()
    } finally {
      this.#isPumping = false
    }
    this.#o.resized?.(this.mux.size)
  }

  /** The connection had refused a frame, and has room again. */
  drained(): void {
    this.#pause?.[Symbol.dispose]()
    this.#pause = undefined
    this.pump()
  }

  /** The connection has gone. */
  lose(): void {
    this.stop()
    this.mux.lose()
  }

  stop(): void {
    this.#isOver = true
    this.#pause?.[Symbol.dispose]()
    this.#pause = undefined
  }

  #send(): void {
    const { wire } = this.#o
    const isHeld = this.#pause !== undefined || this.#isDeferred
    for (let chunks = 0; ; ) {
      const turn = this.mux.peek(isHeld)
      if (turn === undefined) return
      const { channel, kind } = turn
      const isBulk = kind === STREAM_DATA || kind === STREAM_END
      if (isBulk) {
        if (chunks++ === CHUNKS_PER_TURN) return this.#continueSoon()
        if (wire.queuedBytes >= QUEUED_BYTES_MAX) wire.flush()
        if (wire.queuedBytes >= QUEUED_BYTES_MAX) return this.#continueLater()
      }
      const bytes = channel.frameBytes(kind)
      const at = wire.reserve(bytes, isBulk)
      if (at < 0) return this.#continueLater()
      this.mux.write(turn, wire.memory, at)
      wire.commit(at, bytes)
      this.mux.sent(turn)
      if (this.#isOver) return
    }
  }

  #continueSoon(): void {
    this.#isDeferred = true
    this.#o.wire.flush()
    this.#o.defer(() => {
      this.#isDeferred = false
      this.pump()
    })
  }

  #continueLater(): void {
    this.#pause ??= this.#o.clock.setTimer(PAUSE_MS, () => {
      this.#pause = undefined
      this.pump()
    })
  }
}
