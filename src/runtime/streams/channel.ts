/**
 * One stream as its connection sees it: what may be sent, what was received and is not read, what is still to be said.
 * Pure: what comes in and what the program wants change it, and `Mux` asks it what leaves next.
 *
 *     opener    ── OPEN ─────▶  acceptor     each says how much the other may send
 *               ◀── ACCEPT ──
 *               ── DATA, END ▶               as far as the credit goes; WINDOW gives more
 *               ◀ DATA, END ──               each direction ends by itself
 *               ◀─ RESET ─▶                  either side, at any time: both directions are over
 */

import type { FrameMemory } from '../../wire/frames.ts'
import { HEADER_BYTES } from '../../wire/layout.ts'
import {
  CHUNK_BYTES_MAX,
  CREDIT_FRAME_BYTES,
  CREDIT_MAX,
  encodeReason,
  type Opening,
  openBytes,
  readReason,
  STREAM_ACCEPT,
  STREAM_DATA,
  STREAM_END,
  STREAM_OPEN,
  STREAM_RESET,
  STREAM_WINDOW,
  type StreamFrame,
  writeData,
  writeGrant,
  writeOpen,
  writeReset,
} from '../../wire/streams.ts'
import { type StreamShare, WINDOW_FIRST } from './share.ts'

/** What a channel tells to whoever reads and writes it. Never from inside a call into it, but that of `receive` and `sent`. */
export interface ChannelUser {
  /** The other side has accepted. */
  accepted(): void
  /** Borrowed bytes, to be copied. They count as unread until `consume`. */
  data(m: FrameMemory, start: number, end: number): void
  /** The other side has ended its direction. */
  ended(): void
  /** Everything that was written has left. */
  taken(): void
  /** Our own end has left. */
  endSent(): void
  /** The other side gave it up, or refused it. */
  reset(code: number, message: string): void
  /** The connection has gone. */
  lost(): void
}

/** How the other side breaks the rules. */
export type StreamFault = 'streamFrame' | 'streamNumber' | 'streamState' | 'streamCredit' | 'streamFlood'

type Phase =
  | 'opening' // OPEN is on its way, or was received and not accepted yet
  | 'open'
  | 'resetting' // RESET is still to leave
  | 'closed'

export class Channel {
  /** Given when OPEN leaves. */
  number = 0
  user: ChannelUser | undefined
  phase: Phase = 'opening'
  /** Sender of OPEN. */
  readonly isOurs: boolean
  /** Who still needs it: the protocol, the reader and writer, the handler. */
  holders = 1
  sentBytes = 0
  receivedBytes = 0
  readonly #share: StreamShare
  readonly #opening: Opening | undefined
  #reason: Uint8Array | undefined

  /** What we may send. */
  #credit: number
  readonly #chunks: Uint8Array[] = []
  /** Of the first chunk, what has left. */
  #offset = 0
  #queued = 0
  #end: 'open' | 'wanted' | 'sent' = 'open'

  /** What the other side may have sent and we have not read: granted + unread + freed. */
  #window = WINDOW_FIRST
  #granted = 0
  #unread = 0
  /** Read, and not granted anew yet. */
  #freed = 0
  #ended = false

  /** With `opening` it is ours; else the other side's, which has given us `credit`. */
  constructor(share: StreamShare, opening: Opening | undefined, credit: number) {
    this.#share = share
    this.#opening = opening
    this.isOurs = opening !== undefined
    this.#credit = credit
  }

  get window(): number {
    return this.#window
  }

  get unread(): number {
    return this.#unread
  }

  /** Neither direction is open, and nothing is left to be said. */
  get isClosed(): boolean {
    return this.phase === 'closed'
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  // From the program.

  accept(): void {
    this.phase = 'open'
    this.#sayAccept = true
  }

  /** Chunks must stay as they are until `taken`. */
  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (chunk.length === 0) continue
      this.#chunks.push(chunk)
      this.#queued += chunk.length
    }
  }

  get isWritten(): boolean {
    return this.#queued === 0
  }

  end(): void {
    if (this.#end === 'open') this.#end = 'wanted'
  }

  /** So many bytes have been read. */
  consume(bytes: number): void {
    this.#unread -= bytes
    this.#freed += bytes
  }

  /** Ends both directions. */
  reset(code: number, message: string): void {
    if (this.phase === 'closed' || this.phase === 'resetting') return
    this.#drop()
    // Nobody has heard of it.
    if (this.isOurs && this.number === 0) return this.#close()
    this.phase = 'resetting'
    this.#reason = encodeReason(code, message)
  }

  // To the other side.

  #sayAccept = false

  /** What is to leave before any data, 0: nothing. */
  urgentKind(): number {
    if (this.phase === 'resetting') return STREAM_RESET
    if (this.phase === 'opening') return this.isOurs && this.number === 0 ? STREAM_OPEN : 0
    if (this.phase !== 'open') return 0
    if (this.#sayAccept) return STREAM_ACCEPT
    // Not for every chunk: half of the window is left meanwhile.
    return !this.#ended && this.#freed * 2 >= this.#window ? STREAM_WINDOW : 0
  }

  /** Data, or their end; 0: there are none, or they may not leave. */
  bulkKind(): number {
    if (this.phase !== 'open' || this.#sayAccept) return 0
    if (this.#queued > 0) return this.#credit > 0 ? STREAM_DATA : 0
    return this.#end === 'wanted' ? STREAM_END : 0
  }

  /** Bytes of the next frame of that kind. */
  frameBytes(kind: number): number {
    switch (kind) {
      case STREAM_OPEN:
        return openBytes(this.#opening!)
      case STREAM_DATA:
        return HEADER_BYTES + this.#next
      case STREAM_END:
        return HEADER_BYTES
      case STREAM_RESET:
        return HEADER_BYTES + this.#reason!.length
      default:
        return CREDIT_FRAME_BYTES
    }
  }

  /** Writes it where there is room for `frameBytes`; from then on it counts as sent. */
  writeFrame(kind: number, m: FrameMemory, at: number): void {
    const answers = !this.isOurs
    switch (kind) {
      case STREAM_OPEN:
        this.#granted = this.#window
        return writeOpen(m, at, this.number, this.#opening!, this.#granted)
      case STREAM_ACCEPT:
        this.#sayAccept = false
        this.#granted = this.#window
        return writeGrant(m, at, kind, this.number, answers, this.#granted)
      case STREAM_WINDOW:
        return writeGrant(m, at, kind, this.number, answers, this.#grant())
      case STREAM_DATA: {
        const bytes = this.#next
        writeData(m, at, this.number, answers, bytes)
        return this.#takeOut(m, at + HEADER_BYTES, bytes)
      }
      case STREAM_END:
        this.#end = 'sent'
        writeData(m, at, this.number, answers, 0)
        return this.#closeIfDone()
      default:
        writeReset(m, at, this.number, answers, this.#reason!)
        return this.#close()
    }
  }

  // From the other side.

  receive(frame: StreamFrame): StreamFault | undefined {
    const { kind } = frame
    // It has not heard of our RESET yet.
    if (this.phase === 'resetting') return undefined
    if (kind === STREAM_RESET) {
      const { code, message } = readReason(frame)!
      this.#drop()
      this.#close()
      this.user?.reset(code, message)
      return undefined
    }
    if (kind === STREAM_ACCEPT) return this.#accepted(frame.credit)
    if (this.phase !== 'open') return 'streamState'
    if (kind === STREAM_WINDOW) return this.#credited(frame.credit)
    if (this.#ended) return 'streamState'
    if (kind === STREAM_DATA) return this.#arrived(frame)
    this.#ended = true
    this.#closeIfDone()
    this.user?.ended()
    return undefined
  }

  lose(): void {
    if (this.phase === 'closed') return
    this.#drop()
    this.#close()
    this.user?.lost()
  }

  #accepted(credit: number): StreamFault | undefined {
    if (this.phase !== 'opening' || !this.isOurs) return 'streamState'
    this.phase = 'open'
    this.#credit = credit
    this.user?.accepted()
    return undefined
  }

  /** What comes after our end is of no use, and no fault: it was on its way. */
  #credited(credit: number): StreamFault | undefined {
    if (this.#credit + credit > CREDIT_MAX) return 'streamCredit'
    this.#credit += credit
    return undefined
  }

  #arrived({ m, start, end }: StreamFrame): StreamFault | undefined {
    const bytes = end - start
    if (bytes > this.#granted) return 'streamCredit'
    this.#granted -= bytes
    this.#unread += bytes
    this.receivedBytes += bytes
    this.user?.data(m, start, end)
    return undefined
  }

  /** A reader that keeps up gets a larger window: only then is it of use, and holds nothing back. */
  #grant(): number {
    if (this.#unread === 0) this.#window = this.#share.grow(this.#window)
    const credit = this.#window - this.#granted - this.#unread
    this.#granted += credit
    this.#freed = 0
    return credit
  }

  get #next(): number {
    return Math.min(this.#queued, this.#credit, CHUNK_BYTES_MAX)
  }

  #takeOut(m: FrameMemory, at: number, bytes: number): void {
    this.#credit -= bytes
    this.#queued -= bytes
    this.sentBytes += bytes
    let place = at
    let used = 0
    for (const end = at + bytes; place < end; ) {
      const chunk = this.#chunks[used]!
      const take = Math.min(chunk.length - this.#offset, end - place)
      const isWhole = take === chunk.length
      m.bytes.set(isWhole ? chunk : chunk.subarray(this.#offset, this.#offset + take), place)
      place += take
      this.#offset += take
      if (this.#offset < chunk.length) break
      this.#offset = 0
      used++
    }
    if (used > 0) this.#chunks.splice(0, used)
  }

  #drop(): void {
    this.#chunks.length = 0
    this.#offset = 0
    this.#queued = 0
  }

  #closeIfDone(): void {
    if (this.#end === 'sent' && this.#ended) this.#close()
  }

  #close(): void {
    this.phase = 'closed'
  }
}
