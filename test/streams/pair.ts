/** Two ends of a connection, a wire between them that delivers when told to, and programs that write and read at random. */
import type { Channel, ChannelUser, StreamFault } from '../../src/runtime/streams/channel.ts'
import { Mux } from '../../src/runtime/streams/mux.ts'
import { StreamShare } from '../../src/runtime/streams/share.ts'
import { type FrameMemory, frameMemory } from '../../src/wire/frames.ts'
import { checkFrame } from '../../src/wire/framing.ts'
import {
  newStreamFrame,
  type Opening,
  readStreamFrame,
  STREAM_DATA,
  STREAM_END,
  type StreamFrame,
} from '../../src/wire/streams.ts'

export const LIMITS = { streams: 64, streamsPerConnection: 32, streamBytes: 131_072, streamsBytes: 524_288 }

export const OPENING: Opening = { low: 1, high: 2, target: undefined, timeoutMs: 5_000, head: new Uint8Array(0) }

/** All that went one way. */
export class Bytes {
  length = 0
  readonly #parts: Uint8Array[] = []

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes)
    this.length += bytes.length
  }

  get all(): Buffer {
    return Buffer.concat(this.#parts)
  }

  /** Whether `other` went the same way, as far as it has come. */
  startsWith(other: Bytes): boolean {
    return other.length <= this.length && this.all.subarray(0, other.length).equals(other.all)
  }
}

/** Who reads and writes one end: keeps all that it wrote and all that came. */
export class Program implements ChannelUser {
  readonly end: End
  readonly channel: Channel
  readonly written = new Bytes()
  readonly arrived = new Bytes()
  consumed = 0
  isAccepted = false
  hasEnded = false
  isOver: 'reset' | 'lost' | undefined
  wantsEnd = false
  endLeft = false
  isReleased = false
  /** The program at the other end, once it is there. */
  other: Program | undefined

  constructor(end: End, channel: Channel) {
    this.end = end
    this.channel = channel
    channel.user = this
    channel.holders++
    end.programs.push(this)
  }

  accepted(): void {
    this.isAccepted = true
  }

  data(m: FrameMemory, start: number, end: number): void {
    this.arrived.add(m.bytes.slice(start, end))
  }

  ended(): void {
    this.hasEnded = true
  }

  taken(): void {}

  endSent(): void {
    this.endLeft = true
  }

  reset(): void {
    this.isOver = 'reset'
  }

  lost(): void {
    this.isOver = 'lost'
  }

  write(bytes: Uint8Array): void {
    this.written.add(bytes)
    this.channel.write([bytes])
    this.end.mux.changed(this.channel)
  }

  finish(): void {
    this.wantsEnd = true
    this.channel.end()
    this.end.mux.changed(this.channel)
  }

  consume(bytes: number): void {
    const take = Math.min(bytes, this.channel.unread)
    this.consumed += take
    this.channel.consume(take)
    this.end.mux.changed(this.channel)
  }

  giveUp(): void {
    this.isOver ??= 'reset'
    this.channel.reset(9, 'enough')
    this.end.mux.changed(this.channel)
  }

  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    this.end.mux.release(this.channel)
  }
}

/** A frame on its way. */
interface Sent {
  readonly memory: FrameMemory
  readonly bytes: number
  readonly isBulk: boolean
}

export class End {
  readonly share: StreamShare
  readonly mux: Mux
  readonly programs: Program[] = []
  /** What has left and has not arrived. */
  readonly wire: Sent[] = []
  freed = 0
  refused = 0
  /** What to do with a stream that the other side opens. */
  incoming: (channel: Channel, frame: StreamFrame) => void = (channel) => {
    channel.accept()
    new Program(this, channel)
  }
  readonly #frame: StreamFrame = newStreamFrame(frameMemory(64))

  constructor(limits = LIMITS) {
    this.share = new StreamShare(limits)
    this.mux = new Mux(this.share, {
      incoming: (channel, frame) => this.incoming(channel, frame),
      refused: () => {
        this.refused++
      },
      freed: () => {
        this.freed++
      },
    })
  }

  open(): Program | undefined {
    const channel = this.mux.open(OPENING)
    return channel === undefined ? undefined : new Program(this, channel)
  }

  /** Puts the next frame on the wire. False: there is none. */
  send(): boolean {
    const turn = this.mux.peek()
    if (turn === undefined) return false
    const { kind } = turn
    const bytes = turn.channel.frameBytes(kind)
    const memory = frameMemory(bytes)
    this.mux.write(turn, memory, 0)
    this.wire.push({ memory, bytes, isBulk: kind === STREAM_DATA || kind === STREAM_END })
    this.mux.sent(turn)
    return true
  }

  /** The other end's next frame arrives; with `overtake` the first urgent one, past the data before it. */
  receive(from: End, overtake = false): StreamFault | undefined {
    const urgent = overtake ? from.wire.findIndex(({ isBulk }) => !isBulk) : -1
    const [sent] = from.wire.splice(Math.max(0, urgent), 1)
    if (sent === undefined) return undefined
    return this.take(sent.memory, sent.bytes)
  }

  take(memory: FrameMemory, bytes: number): StreamFault | undefined {
    const padded = (bytes + 7) & ~7
    if (checkFrame({ ...memory, bytes: new Uint8Array(memory.bytes.buffer) }, 0, padded) !== padded)
      return 'streamFrame'
    if (!readStreamFrame(memory, 0, bytes, this.#frame)) return 'streamFrame'
    return this.mux.receive(this.#frame)
  }
}

/** Until nothing moves any more. */
export function settle(a: End, b: End): StreamFault | undefined {
  for (;;) {
    while (a.send());
    while (b.send());
    if (a.wire.length === 0 && b.wire.length === 0) return undefined
    for (const [to, from] of [
      [b, a],
      [a, b],
    ] as const) {
      while (from.wire.length > 0) {
        const fault = to.receive(from)
        if (fault !== undefined) return fault
      }
    }
  }
}
