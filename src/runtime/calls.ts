/** Calls that wait for an answer, as data: a slot each, found again by the request id, and a wheel of their deadlines. */
import type { Clock, Codec, Peer, Random } from '../api.ts'
import type { ChordError } from '../core/errors.ts'
import type { Id } from '../core/id.ts'
import { isolated } from '../transports/uncaught.ts'
import type { Session } from './session.ts'

/** What the caller wants to hear. */
export type Wants =
  | 'found' // the owner of a key
  | 'reply' // what the handler returns
  | 'ack' // that the handler has taken it
  | 'nothing' // that the transport has taken it

/** Where a call stands. */
export type CallState =
  | 'free'
  | 'dialing' // waits for a session to its next hop
  | 'sent'
  | 'pausing' // goes out again at `checkMs`
  | 'elsewhere' // some other room works on it and will come back

/** Takes a {@link Result}; or, where `Call.reject` is there too, the value that a promise is resolved with. */
export type Done = (result: never) => void

/** One call. Slots are reused: compare `high` before you trust one that you kept. */
export class Call {
  readonly slot: number
  /** High half of the request id, as `readHigh` reads it: another with each use. */
  high = 0
  state: CallState = 'free'

  wants: Wants = 'found'
  /** For messages to a key, and look-ups. */
  key: Id | undefined = undefined
  /** For messages to one node; `target` if a certain member of it is meant. */
  address = ''
  target: Peer | undefined = undefined
  methodLow = 0
  methodHigh = 0
  body: Uint8Array = EMPTY
  idempotent = false
  /** Waits for room in its first queue, too, where others are refused: what its caller makes many of, it makes as room allows. */
  patient = false
  /** Look-ups only: ask the way step by step. */
  iterative = false
  /** To whom it goes straight, with FINAL, because it is too large to be routed. */
  owner: Peer | undefined = undefined
  /** It went straight to who is remembered to own the key. */
  straight = false
  reply: Codec<unknown> | undefined = undefined
  done: Done = ignore
  reject: ((error: ChordError) => void) | undefined = undefined

  timeoutMs = 0
  /** `UNKNOWN_MS` until somebody had to look at the clock. */
  deadlineMs = 0
  /** When the present attempt left. */
  sentMs = 0
  /** When the wheel looks at it again. */
  checkMs = 0
  /** How many ways have been tried. */
  attempt = 0
  /** How many of them were given up because no answer came in time. */
  timeouts = 0
  /** Look-ups: questions asked on the way. */
  steps = 0
  /** Attempts that may have been delivered. */
  unproven = 0
  /** Whether the time of its first attempt counts, or whether it went out twice for being late. */
  pace: 'untimed' | 'timed' | 'hedged' = 'untimed'
  /** Over which the last attempt left; `dialing`: none. */
  session: Session | undefined = undefined
  /** To which the last attempt goes, and what for. */
  hop = ''
  purpose: 'routing' | 'reply' = 'reply'
  /** The last failure that proved non-delivery. */
  failure = 0

  signal: AbortSignal | undefined = undefined

  next: Call | undefined = undefined
  previous: Call | undefined = undefined
  bucket = -1

  constructor(slot: number) {
    this.slot = slot
  }
}

const EMPTY = new Uint8Array(0)

function ignore(): void {}

/** The deadline of a call that was made without a look at the clock, until the next tick. */
export const UNKNOWN_MS = Number.POSITIVE_INFINITY

/** Resolution and size of the wheel: calls further away are looked at once a turn. */
const TICK_MS = 8
const BUCKETS = 2_048
/** Where calls stand that came after the last tick. Most are answered before the next one and see no other bucket. */
const NEWCOMERS = BUCKETS

export interface CallTableOptions {
  clock: Clock
  random: Random
  limit: number
  /** A call's `checkMs` has come. */
  due(call: Call, nowMs: number): void
}

export class CallTable {
  readonly #clock: Clock
  readonly #random: Random
  readonly #limit: number
  readonly #due: (call: Call, nowMs: number) => void
  readonly #slots: Call[] = []
  readonly #free: Call[] = []
  readonly #buckets: (Call | undefined)[] = new Array(BUCKETS + 1).fill(undefined)
  /** Calls in all buckets but that of the newcomers. */
  #scheduled = 0
  #doneTick = 0
  #armedTick = Number.POSITIVE_INFINITY
  #timer: Disposable | undefined
  #newcomerTimer: Disposable | undefined
  #whenRoom: (() => void)[] = []
  pending = 0

  constructor(o: CallTableOptions) {
    this.#clock = o.clock
    this.#random = o.random
    this.#limit = o.limit
    this.#due = o.due
  }

  /** A slot with a new request id, or undefined if too many calls wait. Then `enlist` or `schedule` it. */
  take(): Call | undefined {
    let call = this.#free.pop()
    if (call === undefined) {
      if (this.#slots.length >= this.#limit) return undefined
      call = new Call(this.#slots.length)
      this.#slots.push(call)
    }
    // Never 0: a request id of 0 means that no answer is wanted.
    call.high = this.#random.nextUint32() | 1
    this.pending++
    return call
  }

  /** The call that an answer belongs to. */
  find(low: number, high: number): Call | undefined {
    const call = this.#slots[low]
    return call !== undefined && call.high === high && call.state !== 'free' ? call : undefined
  }

  release(call: Call): void {
    this.#unlink(call)
    call.state = 'free'
    call.high = 0
    call.key = undefined
    call.target = undefined
    call.owner = undefined
    call.straight = false
    call.address = ''
    call.hop = ''
    call.body = EMPTY
    call.reply = undefined
    call.session = undefined
    call.done = ignore
    call.reject = undefined
    call.idempotent = false
    call.patient = false
    call.iterative = false
    call.attempt = 0
    call.timeouts = 0
    call.steps = 0
    call.unproven = 0
    call.failure = 0
    call.pace = 'untimed'
    call.signal = undefined
    this.#free.push(call)
    this.pending--
    if (this.#whenRoom.length > 0) this.#tellOfRoom()
  }

  get limit(): number {
    return this.#limit
  }

  get isFull(): boolean {
    return this.pending >= this.#limit
  }

  /** Runs `fn` once, soon after one that waits has ended: then there is room for another. */
  whenRoom(fn: () => void): void {
    this.#whenRoom.push(fn)
  }

  /**
   * The call has left, and its time begins to count at the next tick, if it is still there: so nobody looks at the clock
   * for it, and a turn that computes for long takes nothing off it.
   */
  enlist(call: Call): void {
    call.deadlineMs = UNKNOWN_MS
    this.#insert(call, NEWCOMERS)
    this.#newcomerTimer ??= this.#clock.setTimer(TICK_MS, this.#admit)
  }

  /** Its deadline, for one that has to know now. */
  settleDeadline(call: Call, nowMs: number): void {
    if (call.deadlineMs === UNKNOWN_MS) call.deadlineMs = nowMs + call.timeoutMs
  }

  /** Puts it into the wheel, or moves it there. */
  schedule(call: Call, checkMs: number): void {
    call.checkMs = checkMs
    if (this.#scheduled === 0) this.#doneTick = tickOf(this.#clock.nowMs())
    const tick = Math.min(Math.max(tickOf(checkMs) + 1, this.#doneTick + 1), this.#doneTick + BUCKETS - 1)
    const bucket = tick % BUCKETS
    if (call.bucket !== bucket) {
      this.#unlink(call)
      this.#insert(call, bucket)
      this.#scheduled++
    }
    if (tick < this.#armedTick) this.#arm(tick)
  }

  /** All that wait at the moment. */
  all(): Call[] {
    return this.#slots.filter((call) => call.state !== 'free')
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#newcomerTimer?.[Symbol.dispose]()
    this.#timer = this.#newcomerTimer = undefined
    this.#armedTick = Number.POSITIVE_INFINITY
  }

  #tellOfRoom(): void {
    const waiting = this.#whenRoom
    this.#whenRoom = []
    for (const fn of waiting) queueMicrotask(() => isolated(fn))
  }

  #insert(call: Call, bucket: number): void {
    const first = this.#buckets[bucket]
    call.next = first
    if (first !== undefined) first.previous = call
    this.#buckets[bucket] = call
    call.bucket = bucket
  }

  #unlink(call: Call): void {
    if (call.bucket < 0) return
    if (call.bucket !== NEWCOMERS) this.#scheduled--
    if (call.previous !== undefined) call.previous.next = call.next
    else this.#buckets[call.bucket] = call.next
    if (call.next !== undefined) call.next.previous = call.previous
    call.next = undefined
    call.previous = undefined
    call.bucket = -1
  }

  readonly #admit = (): void => {
    this.#newcomerTimer = undefined
    const nowMs = this.#clock.nowMs()
    for (let call = this.#buckets[NEWCOMERS]; call !== undefined; call = this.#buckets[NEWCOMERS]) {
      this.settleDeadline(call, nowMs)
      this.schedule(call, call.deadlineMs)
    }
  }

  #arm(tick: number): void {
    this.#timer?.[Symbol.dispose]()
    this.#armedTick = tick
    this.#timer = this.#clock.setTimer(Math.max(0, tick * TICK_MS - this.#clock.nowMs()), this.#turn)
  }

  readonly #turn = (): void => {
    this.#armedTick = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.nowMs()
    const nowTick = tickOf(nowMs)
    const from = Math.max(this.#doneTick + 1, nowTick - BUCKETS + 1)
    this.#doneTick = Math.max(this.#doneTick, nowTick)
    for (let tick = from; tick <= nowTick; tick++) this.#empty(tick % BUCKETS, nowMs)
    if (this.#scheduled === 0) return
    for (let ahead = 1; ahead < BUCKETS; ahead++) {
      if (this.#buckets[(this.#doneTick + ahead) % BUCKETS] === undefined) continue
      if (this.#doneTick + ahead < this.#armedTick) this.#arm(this.#doneTick + ahead)
      return
    }
  }

  #empty(bucket: number, nowMs: number): void {
    const due: Call[] = []
    for (let call = this.#buckets[bucket]; call !== undefined; call = call.next) due.push(call)
    for (const call of due) {
      if (call.bucket !== bucket) continue
      this.#unlink(call)
      if (call.checkMs > nowMs) this.schedule(call, call.checkMs)
      else this.#due(call, nowMs)
    }
  }
}

function tickOf(ms: number): number {
  return Math.floor(ms / TICK_MS)
}
