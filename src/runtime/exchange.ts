/** The life of a call between "send it" and "here is the answer": attempts, retries, lost connections, deadlines. */
import type { Clock, Limits, Owner, Random } from '../api.ts'
import { RESEND_MAX_MS, RESEND_MIN_MS } from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import type { Id } from '../core/id.ts'
import { FAIL_BUSY, FAIL_ISOLATED, FAIL_LOST, FAIL_NOT_MEMBER, provesUndelivered } from '../wire/answers.ts'
import { FRAME_BYTES_MAX } from '../wire/layout.ts'
import { type Call, CallTable, type Done } from './calls.ts'
import { copyOf } from './copies.ts'
import { Dialing } from './dialing.ts'
import { errorAtDeadline, errorOfFailure, errorOfLoss, whatIs } from './failures.ts'
import { Hedging } from './hedging.ts'
import type { Links } from './links.ts'
import { Patience } from './patience.ts'
import type { RememberedRanges } from './remembered-ranges.ts'
import { classOfCall, type Originator, requestBytes, sendRequest, writeRequest } from './requests.ts'
import type { Down, Session } from './session.ts'
import { Signals } from './signals.ts'
import { Telling } from './telling.ts'
import { aborted } from './values.ts'

export interface Ourselves {
  owns(key: Id): boolean
  /** Handles it, in another turn. */
  send(call: Call, remainingMs: number): void
}

export interface ExchangeOptions {
  links: () => Links
  clock: Clock
  random: Random
  limits: Limits
  /** Answers come by the connection that carried the question, and by no other: those of a client. */
  isClient: boolean
  /** Sends a call on its way: `sendVia`, `pause`, `fail`, or something that comes back to one of them. */
  dispatch(call: Call, nowMs: number): void
  /** Sends a first attempt that is late once more: by `sendBeside`, if there is another way. */
  hedge(call: Call, nowMs: number): boolean
  defer(run: () => void): void
  /** A frame for a key went out over it. */
  handed?(session: Session): void
  readonly remembered?: Pick<RememberedRanges, 'session' | 'doubted'>
  /** Calls for keys of this process itself; a client has none. */
  readonly ourselves?: Ourselves
}

export class Exchange {
  readonly table: CallTable
  /** Run when it closes, after its calls have ended: calls in bulk, of which none may be under way. */
  readonly closing = new Set<() => void>()
  readonly stats = { sent: 0, succeeded: 0, failed: 0, retried: 0 }
  readonly #o: ExchangeOptions
  readonly #telling = new Telling()
  readonly hedging: Hedging
  readonly #patience = new Patience()
  readonly #dialing = new Dialing()
  readonly #signals = new Signals((call, signal) => this.fail(call, aborted(signal)))

  constructor(o: ExchangeOptions) {
    this.#o = o
    const due = (call: Call, nowMs: number) => this.#due(call, nowMs)
    this.table = new CallTable({ clock: o.clock, random: o.random, limit: o.limits.pendingCalls, due })
    const { clock, limits } = o
    const again = (call: Call, nowMs: number) => o.hedge(call, nowMs)
    this.hedging = new Hedging({ clock, defer: (run) => o.defer(run), percent: limits.hedgePercent, again })
  }

  get clock(): Clock {
    return this.#o.clock
  }

  session(address: string): Session | undefined {
    return this.#o.links().session(address)
  }

  /**
   * The cheap way of a call to one node, over a session that is up: no look at the clock, no timer, nothing allocated.
   * False: nothing has been done, `begin` it. `final`: it is believed to own the call's key.
   */
  sendDirect(call: Call, session: Session, final = false): boolean {
    const bytes = requestBytes(call, undefined)
    if (bytes > FRAME_BYTES_MAX || call.wants === 'nothing') return false
    const links = this.#o.links()
    const at = links.reserve(session, bytes, 'own', classOfCall(call))
    if (at < 0) return false
    writeRequest(links.tx, at, bytes, call, undefined, final, 0, call.timeoutMs)
    links.commit(session, at, bytes)
    call.hop = session.address
    call.session = session
    session.awaited++
    this.#leftCheaply(call)
    return true
  }

  #leftCheaply(call: Call): void {
    this.stats.sent++
    call.state = 'sent'
    call.unproven = 1
    this.table.enlist(call)
    if (call.signal !== undefined) this.#signals.add(call.signal, call)
  }

  /** The same for a call by key that is not sent again: to the owner, if that is this process itself, or remembered and connected. */
  sendToOwner(call: Call): boolean {
    if (call.idempotent || call.wants === 'nothing') return false
    const { ourselves, remembered } = this.#o
    if (ourselves?.owns(call.key!) === true) {
      ourselves.send(call, call.timeoutMs)
      this.#leftCheaply(call)
      return true
    }
    const session = remembered?.session(call.key!)
    if (session === undefined || !this.sendDirect(call, session, true)) return false
    call.straight = true
    this.#o.handed?.(session)
    return true
  }

  /** A call has been filled in. */
  begin(call: Call, nowMs: number): void {
    this.stats.sent++
    call.deadlineMs = nowMs + call.timeoutMs
    call.state = 'elsewhere'
    this.table.schedule(call, call.deadlineMs)
    if (call.signal !== undefined) this.#signals.add(call.signal, call)
    this.#telling.isBeginning = true
    try {
      this.#o.dispatch(call, nowMs)
    } finally {
      this.#telling.isBeginning = false
    }
  }

  /** To the process at an address: now, or when a session is up. `origin` for what is to be passed on. */
  sendVia(
    call: Call,
    address: string,
    purpose: 'routing' | 'reply',
    origin: Originator,
    final: boolean,
    finalSteps: number,
    nowMs: number,
  ): void {
    const links = this.#o.links()
    call.hop = address
    const session = links.session(address)
    if (session !== undefined) return this.sendOver(call, session, origin, final, finalSteps, nowMs)
    call.state = 'dialing'
    carry(call, undefined)
    this.#dialing.add(call)
    call.purpose = purpose
    this.#dial(call, nowMs)
  }

  /** There may have been no room for another connection; then it is tried again at the next attempt. */
  #dial(call: Call, nowMs: number): void {
    this.#scheduleAttempt(call, nowMs)
    this.#o.links().open(call.hop, call.purpose)
  }

  sendOver(call: Call, session: Session, origin: Originator, final: boolean, finalSteps: number, nowMs: number): void {
    const remainingMs = call.deadlineMs - nowMs
    if (!sendRequest(this.#o.links(), session, call, origin, final, finalSteps, remainingMs)) {
      return this.#refused(call, nowMs)
    }
    if (call.key !== undefined) this.#o.handed?.(session)
    this.sent(call, session, nowMs)
  }

  /** It has left; over `session`, if over one. */
  sent(call: Call, session: Session | undefined, nowMs: number): void {
    if (call.wants === 'nothing') return this.succeed(call, undefined)
    carry(call, session)
    call.state = 'sent'
    call.unproven++
    this.#scheduleAttempt(call, nowMs)
    if (call.attempt === 0 && call.key !== undefined && session !== undefined) this.hedging.sent(call, nowMs)
  }

  /** Another attempt beside the one under way. False: the queue is full, and nothing was sent. */
  sendBeside(call: Call, session: Session, origin: Originator, final: boolean, steps: number, nowMs: number): boolean {
    call.attempt++
    if (!sendRequest(this.#o.links(), session, call, origin, final, steps, call.deadlineMs - nowMs)) {
      call.attempt--
      return false
    }
    this.#o.handed?.(session)
    call.hop = session.address
    this.sent(call, session, nowMs)
    return true
  }

  /** Try again a little later, and a little later still each time. */
  pause(call: Call, failure: number, nowMs: number): void {
    this.table.settleDeadline(call, nowMs)
    this.#dialing.remove(call)
    call.failure = failure
    call.state = 'pausing'
    call.straight = false
    call.attempt++
    this.stats.retried++
    const pauseMs = Math.min(RESEND_MAX_MS, RESEND_MIN_MS * 2 ** Math.min(call.attempt - 1, 10))
    this.table.schedule(call, Math.min(call.deadlineMs, nowMs + pauseMs))
  }

  /** Try another way at once. */
  again(call: Call, nowMs: number): void {
    this.table.settleDeadline(call, nowMs)
    this.#dialing.remove(call)
    call.straight = false
    call.attempt++
    this.stats.retried++
    call.state = 'elsewhere'
    this.#o.dispatch(call, nowMs)
  }

  succeed(call: Call, value: unknown): void {
    const { done, reject } = call
    this.stats.succeeded++
    this.#release(call)
    this.#telling.tell(done, reject === undefined ? { ok: true, value } : value)
  }

  fail(call: Call, error: ChordError): void {
    const { done, reject } = call
    this.stats.failed++
    this.#release(call)
    if (reject === undefined) this.#telling.tell(done, { ok: false, error })
    else this.#telling.tell(reject as Done, error)
  }

  /** Nobody waits for it any more, and nobody is told. */
  withdraw(call: Call): void {
    this.#release(call)
  }

  // Answers.

  /** `isRepeated`: to another attempt than the first. */
  found(low: number, high: number, owner: Owner, isRepeated: boolean, nowMs: number): void {
    const call = this.table.find(low, high)
    if (call?.wants !== 'found') return
    this.#patience.answered(call, nowMs)
    if (call.pace !== 'untimed') this.hedging.answered(call, isRepeated)
    this.succeed(call, call.steps === 0 ? owner : { ...owner, hops: owner.hops + call.steps })
  }

  /** `bytes[start .. end)` is borrowed. */
  replied(low: number, high: number, isRepeated: boolean, bytes: Uint8Array, start: number, end: number): void {
    const call = this.table.find(low, high)
    if (call === undefined || call.wants === 'found') return
    if (call.pace !== 'untimed') this.hedging.answered(call, isRepeated)
    if (call.wants !== 'reply' || call.reply === undefined) return this.succeed(call, undefined)
    let value: unknown
    try {
      value = call.reply.decode(copyOf(bytes, start, end))
    } catch (cause) {
      const error = new ChordError('ERR_BAD_BODY', 'the reply cannot be decoded', { cause })
      if (this.table.find(low, high) === call) this.fail(call, error)
      return
    }
    // The codec is the application's: it may have aborted the call, or closed everything.
    if (this.table.find(low, high) === call) this.succeed(call, value)
  }

  refusedBy(low: number, high: number, code: number, message: string, isRepeated: boolean, nowMs: number): void {
    const call = this.table.find(low, high)
    if (call === undefined || call.state === 'free') return
    const routed = call.key !== undefined
    if (code === FAIL_LOST) return this.#lostOnItsWay(call, isRepeated, nowMs)
    const again = provesUndelivered(code) || (routed && (code === FAIL_NOT_MEMBER || code === FAIL_ISOLATED))
    if (!again) return this.fail(call, errorOfFailure(code, message))
    if (routed && code !== FAIL_BUSY && !isRepeated) this.#doubt(call)
    call.unproven = Math.max(0, call.unproven - 1)
    // The other of two that are under way may still arrive.
    if (call.pace === 'hedged' && call.unproven > 0) return
    call.owner = undefined
    // The answer to an attempt that was given up already.
    if (call.state === 'pausing') return
    this.pause(call, code, nowMs)
  }

  // Connections.

  sessionUp(nowMs: number): void {
    for (const address of this.#dialing.addresses) {
      if (this.#o.links().session(address) === undefined) continue
      for (const call of this.#dialing.take(address)) {
        call.state = 'elsewhere'
        this.#o.dispatch(call, nowMs)
      }
    }
  }

  sessionDown(down: Down, nowMs: number): void {
    if (this.#o.links().session(down.address) === undefined) {
      for (const call of this.#dialing.take(down.address)) this.#unreachable(call, down, nowMs)
    }
    if (down.session !== undefined && down.cause === 'lost') this.sessionEnded(down.session, nowMs)
  }

  /** Nothing more comes over it, nor does who was at its other end go on. */
  sessionEnded(session: Session, nowMs: number): void {
    for (const call of this.table.all()) {
      if (call.state === 'sent' && call.session === session) this.#lost(call, nowMs)
    }
  }

  close(error: ChordError): void {
    this.table.stop()
    this.hedging.stop()
    // One that ends may end another.
    for (const call of this.table.all()) if (call.state !== 'free') this.fail(call, error)
    for (const told of this.closing) told()
  }

  #unreachable(call: Call, down: Down, nowMs: number): void {
    if (call.key !== undefined) return this.pause(call, call.failure, nowMs)
    // The address is another name of this process, as the dispatcher knows by now.
    if (down.rejection === 'self') return this.again(call, nowMs)
    const why = down.rejection === undefined ? down.cause : `rejected: ${down.rejection}`
    const error = new ChordError('ERR_UNREACHABLE', `no connection to ${down.address} (${why})`)
    if (call.unproven > 0) this.fail(call, errorAtDeadline(0, true, whatIs(call)))
    else this.fail(call, error)
  }

  /** The connection that carried it broke. */
  #lost(call: Call, nowMs: number): void {
    carry(call, undefined)
    if (call.straight && call.pace !== 'hedged') this.#doubt(call)
    if (call.wants === 'found' || call.idempotent) return this.again(call, nowMs)
    // Somebody further on may have it, and answers us directly.
    if (call.key !== undefined && call.owner === undefined && !this.#o.isClient) return this.#awaitLost(call, nowMs)
    this.fail(call, errorOfLoss(whatIs(call)))
  }

  /** A connection further on broke. If it went out again since, that may be well. */
  #lostOnItsWay(call: Call, isRepeated: boolean, nowMs: number): void {
    if (call.state !== 'sent' || (call.attempt > 0 && !isRepeated)) return
    if (call.wants === 'found' || call.idempotent) return this.again(call, nowMs)
    this.#awaitLost(call, nowMs)
  }

  /** It must not go out again, and may be answered yet: so it waits, but no longer than it takes nearly always. */
  #awaitLost(call: Call, nowMs: number): void {
    this.table.settleDeadline(call, nowMs)
    call.failure = FAIL_LOST
    const waitMs = this.#patience.lossMs(this.hedging.usualMs(call))
    this.table.schedule(call, Math.min(call.deadlineMs, nowMs + waitMs))
  }

  /** The own lane is full, or the session went down just now. */
  #refused(call: Call, nowMs: number): void {
    if (call.attempt > 0) return this.pause(call, call.failure, nowMs)
    if (call.patient) return this.#waitForRoom(call, nowMs)
    this.fail(call, new ChordError('ERR_BUSY', `the queue to ${call.hop || 'that node'} is full; try again later`))
  }

  /** No attempt has been made: the next one goes the same way. */
  #waitForRoom(call: Call, nowMs: number): void {
    call.state = 'pausing'
    call.failure = FAIL_BUSY
    this.table.schedule(call, Math.min(call.deadlineMs, nowMs + RESEND_MIN_MS))
  }

  #scheduleAttempt(call: Call, nowMs: number): void {
    const retried = call.wants === 'found' || call.state === 'dialing' || (call.idempotent && call.key !== undefined)
    call.sentMs = nowMs
    const checkMs = retried ? Math.min(call.deadlineMs, nowMs + this.#patience.attemptMs(call)) : call.deadlineMs
    this.table.schedule(call, checkMs)
  }

  #doubt(call: Call): void {
    this.#o.remembered?.doubted(call)
    call.straight = false
  }

  #due(call: Call, nowMs: number): void {
    if (call.state === 'sent' && call.straight) this.#doubt(call)
    if (nowMs >= call.deadlineMs) {
      const delivered = call.wants !== 'found' && call.unproven > 0
      return this.fail(call, errorAtDeadline(call.failure, delivered, whatIs(call)))
    }
    if (call.state === 'sent' && call.failure === FAIL_LOST) return this.fail(call, errorOfLoss(whatIs(call)))
    if (call.state === 'pausing') {
      call.state = 'elsewhere'
      this.table.schedule(call, call.deadlineMs)
      return this.#o.dispatch(call, nowMs)
    }
    // There is no other way to one node, and it keeps its place among those that wait.
    if (call.state === 'dialing' && call.key === undefined) return this.#dial(call, nowMs)
    if (call.state === 'sent' || call.state === 'dialing') {
      call.timeouts++
      return this.again(call, nowMs)
    }
    this.table.schedule(call, call.deadlineMs)
  }

  #release(call: Call): void {
    this.#dialing.remove(call)
    carry(call, undefined)
    if (call.signal !== undefined) this.#signals.remove(call.signal, call)
    this.table.release(call)
  }
}

/** Notes over which session the answer is to come. */
function carry(call: Call, session: Session | undefined): void {
  if (call.session !== undefined) call.session.awaited--
  call.session = session
  if (session !== undefined) session.awaited++
}
