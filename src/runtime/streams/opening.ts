/** Opening a stream: find who it goes to, connect, ask; and again, as long as that may help and the deadline has not passed. */
import type { ByteStream, Clock, Owner, Peer, StreamOptions } from '../../api.ts'
import { RESEND_MAX_MS, RESEND_MIN_MS } from '../../core/config.ts'
import { ChordError } from '../../core/errors.ts'
import { Id } from '../../core/id.ts'
import { FAIL_BUSY, FAIL_ISOLATED, FAIL_NOT_MEMBER, provesUndelivered } from '../../wire/answers.ts'
import { HEAD_BYTES_MAX, type Opening } from '../../wire/streams.ts'
import { Deferred } from '../deferred.ts'
import { errorAtDeadline, errorOfFailure } from '../failures.ts'
import { aborted, isBytes, methodOfName, timeoutOf, WAIT_NAMES } from '../values.ts'
import type { ChannelStream } from './byte-stream.ts'
import type { Carrier } from './carrier.ts'

const STREAM_NAMES = [...WAIT_NAMES, 'head']
const NO_HEAD = new Uint8Array(0)

/** An owner of a key, a certain member, or member 0 at an address. */
export type StreamTarget = Id | Peer | string

export interface OpeningPort {
  readonly clock: Clock
  /** Asks the ring. */
  lookup(key: Id, timeoutMs: number): Promise<Owner>
  /** Without asking, if it is remembered. */
  known(key: Id): Owner | undefined
  /** The way to a process, and who is its member 0. */
  carrier(address: string, over: Promise<unknown>): Promise<{ carrier: Carrier; first: Peer }>
  /** Undefined: too many streams are open here. */
  start(carrier: Carrier, opening: Opening, peer: Peer): ChannelStream | undefined
}

type Refusal = { code: number; message: string } | 'lost'

export class StreamOpening {
  readonly #port: OpeningPort
  readonly #to: StreamTarget
  readonly #method: { low: number; high: number }
  readonly #head: Uint8Array
  readonly #timeoutMs: number
  readonly #deadlineMs: number
  readonly #signal: AbortSignal | undefined
  readonly #cut = new Deferred<never>()
  #isOver = false
  #failure = 0
  /** The one that waits to be accepted. */
  #asking: ChannelStream | undefined

  /** Errors: ERR_BAD_OPTION, ERR_ABORTED. */
  constructor(port: OpeningPort, to: StreamTarget, name: string, o: StreamOptions | undefined) {
    this.#port = port
    this.#to = to
    this.#timeoutMs = timeoutOf(o, STREAM_NAMES)
    this.#deadlineMs = port.clock.nowMs() + this.#timeoutMs
    this.#method = methodOfName(name)
    this.#head = checkedHead(o?.head)
    this.#signal = o?.signal
  }

  async run(): Promise<ByteStream> {
    const timer = this.#port.clock.setTimer(this.#timeoutMs, () => {
      this.cut(errorAtDeadline(this.#failure, false, this.#what()))
    })
    const signal = this.#signal
    const onAbort = () => this.cut(aborted(signal!))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const stream = await Promise.race([this.#attempts(), this.#cut.promise])
      if (signal !== undefined) endWith(stream, signal)
      return stream
    } finally {
      this.#isOver = true
      timer[Symbol.dispose]()
      signal?.removeEventListener('abort', onAbort)
      this.#giveUp()
    }
  }

  /** It fails now. */
  cut(error: ChordError): void {
    this.#cut.reject(error)
  }

  async #attempts(): Promise<ChannelStream> {
    for (let attempt = 0; ; attempt++) {
      const refusal = await this.#attempt(attempt)
      if (typeof refusal === 'object' && 'peer' in refusal) return refusal
      if (!this.#mayHelp(refusal)) throw errorOf(refusal)
      this.#failure = refusal === 'lost' ? 0 : refusal.code
      if (!this.#isOver) await this.#pause(attempt)
    }
  }

  async #attempt(attempt: number): Promise<ChannelStream | Refusal> {
    const to = this.#to
    let peer: Peer | undefined
    if (to instanceof Id) peer = await this.#owner(to, attempt)
    else if (typeof to !== 'string') peer = to
    const address = typeof to === 'string' ? to : peer!.address
    let found: Awaited<ReturnType<OpeningPort['carrier']>>
    try {
      found = await this.#port.carrier(address, this.#cut.promise)
    } catch (error) {
      // Another may own the key by now.
      if (to instanceof Id && error instanceof ChordError && error.code === 'ERR_UNREACHABLE') return 'lost'
      throw error
    }
    const target = to instanceof Id ? { id: to, incarnation: 0n } : typeof to === 'string' ? undefined : to
    return this.#ask(found.carrier, target, peer ?? found.first)
  }

  /** At first whoever is remembered: a range that has moved is refused by who had it. */
  async #owner(key: Id, attempt: number): Promise<Peer> {
    const known = attempt === 0 ? this.#port.known(key) : undefined
    return (known ?? (await this.#port.lookup(key, this.#leftMs()))).owner
  }

  #ask(carrier: Carrier, target: Opening['target'], peer: Peer): Promise<ChannelStream | Refusal> {
    const { low, high } = this.#method
    if (this.#isOver) return Promise.resolve('lost')
    const opening = { low, high, target, timeoutMs: this.#leftMs(), head: this.#head }
    const stream = this.#port.start(carrier, opening, peer)
    if (stream === undefined) {
      throw new ChordError('ERR_BUSY', 'too many streams are open here (limits.streams, limits.streamsPerConnection)')
    }
    this.#asking = stream
    return new Promise((resolve) => {
      stream.opened = (refusal) => {
        stream.opened = this.#asking = undefined
        if (refusal === undefined) return resolve(stream)
        stream.destroy()
        resolve(refusal)
      }
    })
  }

  /** Nobody has handled it, and another try may fare better. A key may get another owner, one node is what it is. */
  #mayHelp(refusal: Refusal): boolean {
    const isKey = this.#to instanceof Id
    if (refusal === 'lost') return isKey
    const { code } = refusal
    return (
      code === FAIL_BUSY || (isKey && (provesUndelivered(code) || code === FAIL_NOT_MEMBER || code === FAIL_ISOLATED))
    )
  }

  #pause(attempt: number): Promise<void> {
    const pauseMs = Math.min(RESEND_MAX_MS, RESEND_MIN_MS * 2 ** Math.min(attempt, 10))
    return new Promise((resolve) => void this.#port.clock.setTimer(pauseMs, resolve))
  }

  #giveUp(): void {
    const stream = this.#asking
    if (stream === undefined) return
    stream.opened = this.#asking = undefined
    stream.destroy()
  }

  #leftMs(): number {
    return Math.max(1, this.#deadlineMs - this.#port.clock.nowMs())
  }

  #what(): string {
    const to = this.#to
    if (to instanceof Id) return `the stream to the owner of ${to}`
    return `the stream to ${typeof to === 'string' ? to : to.address}`
  }
}

function errorOf(refusal: Refusal): ChordError {
  if (refusal === 'lost') {
    return new ChordError('ERR_CONNECTION_LOST', 'the connection broke before the stream was accepted')
  }
  return errorOfFailure(refusal.code, refusal.message)
}

function endWith(stream: ChannelStream, signal: AbortSignal): void {
  const onAbort = () => void stream.destroy(aborted(signal))
  if (signal.aborted) return onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  stream.once('close', () => signal.removeEventListener('abort', onAbort))
}

/** Errors: ERR_BAD_OPTION. */
function checkedHead(head: Uint8Array | undefined): Uint8Array {
  if (head === undefined) return NO_HEAD
  if (isBytes(head) && head.length <= HEAD_BYTES_MAX) return head
  throw new ChordError('ERR_BAD_OPTION', `head must be a Uint8Array of at most ${HEAD_BYTES_MAX} bytes`)
}
