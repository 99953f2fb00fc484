/**
 * Messages on their way out. They wait here, in order, until the ring has been joined, while too many are unanswered, and where an
 * answer that was given before them has yet to leave. What waits is bounded; what is under way is an object that is used again.
 */
import type { Result } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import type { Id } from '../../core/id.ts'
import type { LocalNode, Remote } from './places.ts'

/** Messages, and characters of their JSON, that may wait. */
export const WAITING_MAX = 65_536
export const WAITING_CHARS_MAX = 2 ** 25
/** The same of those under way; one is always allowed. */
const UNDER_WAY_MAX = 8_192
const UNDER_WAY_CHARS_MAX = 2 ** 22
/** A connection whose queue is full is given this long. */
const PAUSE_MS = 5

/** One message. Slots are used again as soon as it has been answered. */
export class Outgoing {
  /** Undefined until it is known who that is. */
  sender: LocalNode | undefined = undefined
  /** Whom the receiver is told that it is from, if not from the sender. */
  replyTo: LocalNode | Remote | undefined = undefined
  to: Remote | undefined = undefined
  key: Id | undefined = undefined
  json = ''
  readonly done: (result: Result<Uint8Array>) => void

  constructor(finished: (message: Outgoing, result: Result<Uint8Array>) => void) {
    this.done = (result) => finished(this, result)
  }
}

export interface OutboxOptions {
  /** Sends it; then calls its `done`, but not at once. */
  transmit(message: Outgoing): void
  /** The receiver replied at once, and its message has come with the answer. */
  answered(sender: LocalNode | undefined, bytes: Uint8Array): void
}

export class Outbox {
  readonly #o: OutboxOptions
  readonly #free: Outgoing[] = []
  #queue: Outgoing[] = []
  #head = 0
  #waitingChars = 0
  #underWay = 0
  #underWayChars = 0
  #isOpen = false
  #isHeld = false
  #isPausing = false
  #closed: ChordError | undefined
  #whenIdle: (() => void)[] = []

  constructor(o: OutboxOptions) {
    this.#o = o
  }

  /** An answer has yet to leave: another one would overtake what waits. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Errors: ERR_BUSY, ERR_CLOSED. */
  put(
    sender: LocalNode | undefined,
    replyTo: LocalNode | Remote | undefined,
    to: Remote | undefined,
    key: Id | undefined,
    json: string,
  ): void {
    if (this.#closed !== undefined) throw this.#closed
    const goes = this.#head === this.#queue.length && this.#isReady()
    if (!goes) this.#checkRoom(json)
    const message = this.#free.pop() ?? new Outgoing(this.#finished)
    message.sender = sender
    message.replyTo = replyTo
    message.to = to
    message.key = key
    message.json = json
    if (goes) return this.#send(message)
    this.#queue.push(message)
    this.#waitingChars += json.length
  }

  /** From now on they can be sent. */
  open(): void {
    this.#isOpen = true
    this.#drain()
  }

  /** Until `release`, what is sent waits. */
  hold(): void {
    this.#isHeld = true
  }

  /** The answer leaves as soon as this turn's code has returned; what waited for that leaves after it. */
  release(): void {
    if (this.#head === this.#queue.length) this.#isHeld = false
    else queueMicrotask(this.#released)
  }

  /** Once nothing waits or is under way; at once if that is so. */
  whenIdle(run: () => void): void {
    if (this.#isIdle) run()
    else this.#whenIdle.push(run)
  }

  /** What waits is dropped. */
  close(error: ChordError): void {
    this.#closed = error
    this.#queue = []
    this.#head = this.#waitingChars = 0
    this.#tellIfIdle()
  }

  readonly #released = (): void => {
    this.#isHeld = false
    this.#drain()
  }

  get #isIdle(): boolean {
    return this.#underWay === 0 && this.#head === this.#queue.length
  }

  #isReady(): boolean {
    if (!this.#isOpen || this.#isHeld || this.#isPausing) return false
    if (this.#underWay === 0) return true
    return this.#underWay < UNDER_WAY_MAX && this.#underWayChars < UNDER_WAY_CHARS_MAX
  }

  #checkRoom(json: string): void {
    const waiting = this.#queue.length - this.#head
    if (waiting < WAITING_MAX && this.#waitingChars + json.length <= WAITING_CHARS_MAX) return
    const why = this.#isOpen ? 'that wait for an answer' : 'sent before the ring was joined'
    throw new ChordError('ERR_BUSY', `${waiting} messages ${why} are all that is kept; send it later`)
  }

  #send(message: Outgoing): void {
    this.#underWay++
    this.#underWayChars += message.json.length
    this.#o.transmit(message)
  }

  #drain(): void {
    while (this.#head < this.#queue.length && this.#isReady()) {
      const message = this.#queue[this.#head]!
      this.#queue[this.#head++] = undefined as never
      this.#waitingChars -= message.json.length
      this.#send(message)
    }
    if (this.#head === this.#queue.length && this.#head > 0) {
      this.#queue = []
      this.#head = 0
    }
  }

  readonly #finished = (message: Outgoing, result: Result<Uint8Array>): void => {
    const { sender, json } = message
    this.#underWay--
    this.#underWayChars -= json.length
    if (!result.ok && result.error.code === 'ERR_BUSY' && this.#closed === undefined) return this.#again(message)
    message.json = ''
    message.replyTo = message.to = message.key = undefined
    this.#free.push(message)
    if (this.#head < this.#queue.length) this.#drain()
    // What else failed is lost, as a datagram is.
    try {
      if (result.ok && result.value.length > 0) this.#o.answered(sender, result.value)
    } finally {
      if (this.#whenIdle.length > 0) this.#tellIfIdle()
    }
  }

  /** Nobody has it, and it keeps its place. */
  #again(message: Outgoing): void {
    if (this.#head > 0) this.#queue[--this.#head] = message
    else this.#queue.unshift(message)
    this.#waitingChars += message.json.length
    if (this.#isPausing) return
    this.#isPausing = true
    setTimeout(() => {
      this.#isPausing = false
      this.#drain()
    }, PAUSE_MS)
  }

  #tellIfIdle(): void {
    if (!this.#isIdle) return
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const run of waiting) run()
  }
}
