/** A stream as a program holds it: Node.js's Duplex over a channel. */
import { Duplex } from 'node:stream'
import type { ByteStream, Peer, WebStreamPair } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import { FAIL_ABORTED, FAIL_REMOTE, FAILURE_TEXT_MAX } from '../../wire/answers.ts'
import type { FrameMemory } from '../../wire/frames.ts'
import { errorOfFailure } from '../failures.ts'
import type { Carrier } from './carrier.ts'
import type { Channel, ChannelUser } from './channel.ts'
import { toWeb } from './web.ts'

type Callback = (error?: Error | null) => void

/** What Node.js's own buffers hold of it on either side. */
const HIGH_WATER_MARK = 65_536

/** Streams that ended before their time: given up by a side, or with their connection. */
export interface Broken {
  reset: number
  lost: number
}

export class ChannelStream extends Duplex implements ByteStream, ChannelUser {
  readonly peer: Peer
  /** Until the other side has accepted, or refused. */
  opened: ((refusal: { code: number; message: string } | 'lost' | undefined) => void) | undefined
  readonly channel: Channel
  readonly carrier: Carrier
  readonly #broken: Broken
  /** Received and not handed to Node.js's buffer. */
  readonly #arrived: Buffer[] = []
  #wantsData = false
  #isAtEnd = false
  #written: Callback | undefined
  #finished: Callback | undefined
  #failureCode = FAIL_ABORTED
  #isReleased = false

  constructor(carrier: Carrier, channel: Channel, peer: Peer, broken: Broken) {
    super({ allowHalfOpen: true, readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK })
    this.peer = peer
    this.carrier = carrier
    this.channel = channel
    this.#broken = broken
    channel.user = this
    channel.holders++
    // What a peer does must not end a process whose program forgot to listen. Whoever reads or writes hears of it.
    this.on('error', ignore)
  }

  toWeb(): WebStreamPair {
    return toWeb(this)
  }

  /** As of any Readable, but that reading to the end leaves our own direction as it is: there may be something to answer. */
  override async *[Symbol.asyncIterator](): AsyncGenerator<Buffer | string, undefined, undefined> {
    let isWhole = false
    try {
      for await (const chunk of this.iterator({ destroyOnReturn: false })) yield chunk
      isWhole = true
    } finally {
      if (!isWhole) this.destroy()
    }
    return undefined
  }

  /** The handler failed: the other side is told that, and why. */
  fail(error: unknown): void {
    this.#failureCode = FAIL_REMOTE
    this.destroy(error instanceof Error ? error : new Error(String(error)))
  }

  // From the program, by way of Duplex.

  override _read(): void {
    this.#wantsData = true
    this.#hand()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: Callback): void {
    this.#send([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: Callback): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: Callback): void {
    this.#finished = done
    this.channel.end()
    this.carrier.changed(this.channel)
  }

  override _destroy(error: Error | null, done: Callback): void {
    const channel = this.channel
    this.#arrived.length = 0
    if (!channel.isClosed) {
      this.#broken.reset++
      channel.reset(this.#failureCode, textOf(error))
      this.carrier.changed(channel)
    }
    this.#release()
    const waiting = this.#written ?? this.#finished
    this.#written = this.#finished = undefined
    if (waiting !== undefined) waiting(error ?? new ChordError('ERR_RESET', 'the stream was destroyed'))
    done(error)
  }

  // From the channel.

  accepted(): void {
    this.opened?.(undefined)
  }

  data(m: FrameMemory, start: number, end: number): void {
    const bytes = Buffer.allocUnsafe(end - start)
    bytes.set(m.bytes.subarray(start, end))
    this.#arrived.push(bytes)
    if (this.#wantsData) this.#hand()
  }

  ended(): void {
    if (this.#wantsData || this.#arrived.length === 0) this.#hand()
  }

  /** The connection has gone, and nobody has shown that he will ever read what is left. */
  abandon(): void {
    if (this.channel.isClosed && this.channel.holders === 1 && !this.readableDidRead) this.destroy()
  }

  taken(): void {
    const done = this.#written
    this.#written = undefined
    done?.()
  }

  endSent(): void {
    const done = this.#finished
    this.#finished = undefined
    done?.()
  }

  reset(code: number, message: string): void {
    if (this.opened !== undefined) return this.opened({ code, message })
    this.#broken.reset++
    this.destroy(errorOfFailure(code, `the other side gave up the stream: ${message}`))
  }

  lost(): void {
    if (this.opened !== undefined) return this.opened('lost')
    this.#broken.lost++
    this.destroy(new ChordError('ERR_CONNECTION_LOST', 'the connection broke before the stream had ended'))
  }

  #send(chunks: Buffer[], done: Callback): void {
    const channel = this.channel
    channel.write(chunks)
    if (channel.isWritten) return done()
    this.#written = done
    this.carrier.changed(channel)
  }

  /** What leaves our hands may be sent anew. */
  #hand(): void {
    while (this.#wantsData && this.#arrived.length > 0) {
      const bytes = this.#arrived.shift()!
      // First: what it is handed to may ask for more, or destroy it all.
      this.channel.consume(bytes.length)
      this.#wantsData = false
      if (this.push(bytes)) this.#wantsData = true
      if (this.destroyed) return
    }
    if (this.#arrived.length === 0 && this.channel.hasEnded && !this.#isAtEnd) {
      this.#isAtEnd = true
      this.push(null)
      // Then it has ended also for who never reads: nothing is left to be read.
      if (this.readableLength === 0) this.read(0)
    }
    this.carrier.changed(this.channel)
  }

  #release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.carrier.mux.release(this.channel)
  }
}

function textOf(error: Error | null): string {
  if (error === null) return 'it was destroyed'
  return error.message.slice(0, FAILURE_TEXT_MAX)
}

function ignore(): void {}
