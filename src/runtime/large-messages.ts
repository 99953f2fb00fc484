/**
 * Messages longer than a frame. Outgoing ones leave a little at a time, so that what else goes over the link need not
 * wait; incoming ones are put together again.
 */
import type { Clock, Limits } from '../api.ts'
import type { FrameRing, Transport } from '../transports/transport.ts'
import { FRAGMENT_SLICE_BYTES, FragmentCutter, type FragmentResult, Reassembler } from '../wire/fragments.ts'
import { CLASS_BULK } from '../wire/layout.ts'
import type { LinkSession } from './link-session.ts'

/** A frame committed meanwhile waits behind two fragments at most. */
const QUEUED_BYTES_MAX = 2 * FRAGMENT_SLICE_BYTES
/** Then the rest of the process gets a turn. */
const FRAGMENTS_PER_TURN = 16
const PAUSE_MS = 1
/** Room in a message's frame beyond its body: header and extensions. */
const OVERHEAD_BYTES = 1024
/** Messages of the largest size that may wait on one link. */
const WAITING_MESSAGES = 4

export class LargeMessages {
  readonly #transport: Transport
  readonly #clock: Clock
  /** What one link may have waiting. */
  readonly #bytesMax: number
  readonly #reassembler: Reassembler<LinkSession>
  readonly #paused = new Map<LinkSession, Disposable>()

  constructor(
    transport: Transport,
    clock: Clock,
    limits: Pick<Limits, 'payloadBytes' | 'reassemblyBytes' | 'outputBytes'>,
  ) {
    const messageBytesMax = limits.payloadBytes + OVERHEAD_BYTES
    this.#transport = transport
    this.#clock = clock
    // What was accepted while dialing, up to `outputBytes` and one message, must fit.
    this.#bytesMax = Math.max(WAITING_MESSAGES * messageBytesMax, limits.outputBytes + messageBytesMax)
    this.#reassembler = new Reassembler(messageBytesMax, limits.reassemblyBytes)
  }

  /** False: too much is waiting on this link. The bytes must stay as they are. */
  push(session: LinkSession, message: Uint8Array): boolean {
    if (session.largeBytes > 0 && session.largeBytes + message.length > this.#bytesMax) return false
    session.largeNumber = (session.largeNumber + 1) >>> 0
    session.large.push(new FragmentCutter(message, session.largeNumber))
    session.largeBytes += message.length
    if (session.large.length === 1) this.pump(session)
    return true
  }

  /** Sends what the link takes now, and comes back for the rest. */
  pump(session: LinkSession): void {
    if (this.#paused.has(session)) return
    for (let sent = 0; session.large.length > 0; sent++) {
      if (sent === FRAGMENTS_PER_TURN || !this.#sendOne(session)) {
        this.#pause(session)
        return
      }
    }
  }

  /** Takes an incoming fragment. */
  take(session: LinkSession, ring: FrameRing, offset: number, length: number): FragmentResult<LinkSession> {
    return this.#reassembler.take(session, ring, offset, length)
  }

  /** The connection is gone. */
  forget(session: LinkSession): void {
    this.#reassembler.forget(session)
    this.stop(session)
  }

  /** Nothing more is sent. */
  stop(session: LinkSession): void {
    session.large.length = 0
    session.largeBytes = 0
    this.#paused.get(session)?.[Symbol.dispose]()
    this.#paused.delete(session)
  }

  destroy(): void {
    for (const session of this.#paused.keys()) this.stop(session)
  }

  #sendOne(session: LinkSession): boolean {
    const { link } = session
    if (link.queuedBytes >= QUEUED_BYTES_MAX) this.#transport.flush()
    if (link.queuedBytes >= QUEUED_BYTES_MAX) return false
    const cutter = session.large[0]!
    const at = this.#transport.reserve(link, cutter.frameBytes, 'own', CLASS_BULK)
    if (at < 0) return false
    const bytes = cutter.frameBytes
    cutter.writeNext(this.#transport.tx, at)
    this.#transport.commit(link, at, bytes)
    if (cutter.done) {
      session.large.shift()
      session.largeBytes -= cutter.message.length
    }
    return true
  }

  #pause(session: LinkSession): void {
    const timer = this.#clock.setTimer(PAUSE_MS, () => {
      this.#paused.delete(session)
      this.pump(session)
    })
    this.#paused.set(session, timer)
  }
}
