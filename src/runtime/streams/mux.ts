/**
 * The streams of one connection: which frame belongs to which, what leaves next, how many there may be. Pure, and bounded
 * whatever the other side does. Each side numbers the streams that it opens 1, 2, 3 … (modulo 2³²).
 */
import { FAIL_BUSY } from '../../wire/answers.ts'
import type { FrameMemory } from '../../wire/frames.ts'
import { type Opening, STREAM_DATA, STREAM_END, STREAM_OPEN, type StreamFrame } from '../../wire/streams.ts'
import { Channel, type StreamFault } from './channel.ts'
import type { StreamShare } from './share.ts'

/** Openings refused for want of room whose answer has not left. Who sends more of them, and does not read, has to go. */
const REFUSED_MAX = 1_024

export interface MuxEvents {
  /** The other side opens a stream: accept it or reset it, at once. */
  incoming(channel: Channel, frame: StreamFrame): void
  /** It had to be refused, for want of room. */
  refused(): void
  /** Nobody needs it any more. */
  freed(channel: Channel): void
}

/** What leaves next. */
export interface Turn {
  channel: Channel
  kind: number
}

export class Mux {
  /** Frames of streams that are over: they were on their way. */
  late = 0
  readonly #share: StreamShare
  readonly #events: MuxEvents
  readonly #ours = new Map<number, Channel>()
  readonly #theirs = new Map<number, Channel>()
  #ourLast = 0
  #theirLast = 0
  /** Held, by who opened them. */
  #ourCount = 0
  #theirCount = 0
  #refusing = 0
  /** With something to say, in the order in which they get their turn. */
  readonly #urgent = new Set<Channel>()
  readonly #bulk = new Set<Channel>()
  readonly #turn: Turn = { channel: undefined as never, kind: 0 }
  #isLost = false

  constructor(share: StreamShare, events: MuxEvents) {
    this.#share = share
    this.#events = events
  }

  /** Streams that go over the connection now. */
  get size(): number {
    return this.#ours.size + this.#theirs.size
  }

  /** Undefined: there is no room for another. */
  open(opening: Opening): Channel | undefined {
    const isFull = this.#ourCount >= this.#share.perConnection || this.#ours.has(next(this.#ourLast))
    if (this.#isLost || isFull || !this.#share.enter()) return undefined
    this.#ourCount++
    const channel = new Channel(this.#share, opening, 0)
    this.changed(channel)
    return channel
  }

  /** What it says is to be sent. Call it after each of the channel's commands. */
  changed(channel: Channel): void {
    if (channel.isClosed) return this.#over(channel)
    if (channel.urgentKind() !== 0) this.#urgent.add(channel)
    if (channel.bulkKind() !== 0) this.#bulk.add(channel)
  }

  /** The next frame to leave; the same until `write`. Urgent ones first, then each channel in its turn. */
  peek(urgentOnly = false): Turn | undefined {
    for (const channel of this.#urgent) {
      const kind = channel.urgentKind()
      if (kind !== 0) return this.#turnOf(channel, kind)
      this.#urgent.delete(channel)
    }
    if (urgentOnly) return undefined
    for (const channel of this.#bulk) {
      const kind = channel.bulkKind()
      if (kind !== 0) return this.#turnOf(channel, kind)
      this.#bulk.delete(channel)
    }
    return undefined
  }

  /** Writes what `peek` has shown, where there is room for it. Follow it with `sent` once it has left. */
  write({ channel, kind }: Turn, m: FrameMemory, at: number): void {
    if (kind === STREAM_OPEN) {
      this.#ourLast = channel.number = next(this.#ourLast)
      this.#ours.set(channel.number, channel)
    }
    channel.writeFrame(kind, m, at)
  }

  /** What was written has left: the next one's turn. */
  sent({ channel, kind }: Turn): void {
    const set = kind === STREAM_DATA || kind === STREAM_END ? this.#bulk : this.#urgent
    set.delete(channel)
    this.changed(channel)
    if (kind === STREAM_DATA && channel.isWritten) channel.user?.taken()
    if (kind === STREAM_END) channel.user?.endSent()
  }

  /** A fault: the other side breaks the rules. */
  receive(frame: StreamFrame): StreamFault | undefined {
    if (frame.kind === STREAM_OPEN) return this.#opened(frame)
    const { number, answers } = frame
    const channel = (answers ? this.#ours : this.#theirs).get(number)
    if (channel === undefined) {
      if (isAfter(number, answers ? this.#ourLast : this.#theirLast)) return 'streamNumber'
      this.late++
      return undefined
    }
    const fault = channel.receive(frame)
    this.changed(channel)
    return fault
  }

  /** One of those that hold it has let it go. */
  release(channel: Channel): void {
    if (--channel.holders > 0) return
    this.#share.leave(channel.window)
    if (channel.isOurs) this.#ourCount--
    else this.#theirCount--
    this.#events.freed(channel)
  }

  /** The connection has gone. */
  lose(): void {
    this.#isLost = true
    const waiting = [...this.#urgent].filter((channel) => channel.number === 0)
    for (const channel of [...this.#ours.values(), ...this.#theirs.values(), ...waiting]) {
      if (channel.isClosed) continue
      channel.lose()
      this.#over(channel)
    }
    this.#urgent.clear()
    this.#bulk.clear()
  }

  #opened(frame: StreamFrame): StreamFault | undefined {
    if (frame.number !== next(this.#theirLast)) return 'streamNumber'
    // It has come round, and one with that number is still open.
    if (this.#theirs.has(frame.number)) return 'streamNumber'
    this.#theirLast = frame.number
    const isFull = this.#theirCount >= this.#share.perConnection
    if (isFull || !this.#share.enter()) return this.#refuse(frame.number)
    this.#theirCount++
    const channel = new Channel(this.#share, undefined, frame.credit)
    channel.number = frame.number
    this.#theirs.set(channel.number, channel)
    this.#events.incoming(channel, frame)
    this.changed(channel)
    return undefined
  }

  /** It holds nothing but its answer. */
  #refuse(number: number): StreamFault | undefined {
    if (this.#refusing === REFUSED_MAX) return 'streamFlood'
    this.#refusing++
    this.#events.refused()
    const channel = new Channel(this.#share, undefined, 0)
    channel.number = number
    channel.holders = 0
    channel.reset(FAIL_BUSY, 'too many streams are open')
    this.#theirs.set(number, channel)
    this.changed(channel)
    return undefined
  }

  #turnOf(channel: Channel, kind: number): Turn {
    this.#turn.channel = channel
    this.#turn.kind = kind
    return this.#turn
  }

  /** Nothing more is sent or expected for it. */
  #over(channel: Channel): void {
    const table = channel.isOurs ? this.#ours : this.#theirs
    const wasSent = table.get(channel.number) === channel
    if (wasSent) table.delete(channel.number)
    const wasWaiting = this.#urgent.delete(channel)
    this.#bulk.delete(channel)
    if (channel.holders === 0) {
      if (wasSent) this.#refusing--
    } else if (wasSent || wasWaiting) this.release(channel)
  }
}

function next(number: number): number {
  return (number + 1) >>> 0
}

function isAfter(number: number, last: number): boolean {
  return ((number - last) | 0) > 0
}
