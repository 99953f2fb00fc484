/** One `sendMany` or `requestMany` under way: messages leave as room allows, in the order of their keys, those for one node together. */
import type { MessageType, Result, Wait } from '../../api.ts'
import { NO_ARC } from '../../core/arc-table.ts'
import type { ChordError } from '../../core/errors.ts'
import { ID_BYTES, Id } from '../../core/id.ts'
import { idBatches } from '../../native/batch.ts'
import type { Method } from '../../wire/frames.ts'
import type { Done } from '../calls.ts'
import { errorAtDeadline } from '../failures.ts'
import { aborted } from '../values.ts'
import type { BodyOf } from './bodies.ts'
import { type BulkPort, openCall } from './port.ts'
import { MESSAGES_MOST, Window } from './window.ts'

export interface Messages {
  readonly type: MessageType<never, unknown>
  readonly method: Method
  readonly wants: 'reply' | 'ack' | 'nothing'
  readonly idempotent: boolean
  /** Packed, one for each message. */
  readonly ids: Uint8Array
  readonly bodyOf: BodyOf
  readonly timeoutMs: number
  readonly wait: Wait | undefined
}

/** Bytes of bodies under way, so that large ones are few. */
const BYTES_MAX = 4 * 2 ** 20

export class MessageRun {
  /** Settles when every message has a result. */
  readonly done: Promise<readonly Result<unknown>[]>
  readonly #port: BulkPort
  readonly #m: Messages
  readonly #results: Result<unknown>[]
  readonly #window: Window
  readonly #endMs: number
  /** Keys of the messages that leave next, in the order of their destinations. */
  #batch: Uint32Array = new Uint32Array(0)
  #inBatch = 0
  #next = 0
  #left: number
  #bytes = 0
  #resolve!: (results: readonly Result<unknown>[]) => void
  #timer: Disposable | undefined
  #pause: Disposable | undefined
  #isCalled = false

  constructor(port: BulkPort, messages: Messages) {
    const { clock, table } = port.exchange
    this.#port = port
    this.#m = messages
    this.#left = messages.ids.length / ID_BYTES
    this.#results = new Array(this.#left)
    this.#window = new Window(MESSAGES_MOST, table.limit)
    this.#endMs = clock.nowMs() + messages.timeoutMs
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#timer = clock.setTimer(messages.timeoutMs, this.#go)
    port.exchange.closing.add(this.#soon)
    messages.wait?.signal?.addEventListener('abort', this.#soon)
    this.#go()
  }

  readonly #go = (): void => {
    this.#isCalled = false
    this.#pause?.[Symbol.dispose]()
    this.#pause = undefined
    if (this.#left === 0) return this.#end()
    const nowMs = this.#port.exchange.clock.nowMs()
    const why = this.#whyOver(nowMs)
    for (;;) {
      if (this.#inBatch === this.#batch.length && !this.#nextBatch(why !== undefined)) break
      const key = this.#batch[this.#inBatch]!
      if (why !== undefined) this.#settle(key, { ok: false, error: why })
      else if (this.#window.room <= 0 || this.#bytes >= BYTES_MAX) return
      else if (!this.#send(key, nowMs)) return this.#port.exchange.table.whenRoom(this.#go)
      this.#inBatch++
    }
    if (this.#left === 0) this.#end()
  }

  /** What keeps those that have not left from leaving: one error for them all. */
  #whyOver(nowMs: number): ChordError | undefined {
    const refusal = this.#port.refusal()
    if (refusal !== undefined) return refusal
    const signal = this.#m.wait?.signal
    if (signal?.aborted === true) return aborted(signal)
    return nowMs < this.#endMs ? undefined : errorAtDeadline(0, false, 'a message that waited for others')
  }

  /** As many as there is room for; false if there are no more. */
  #nextBatch(all: boolean): boolean {
    const left = this.#results.length - this.#next
    const count = all ? left : Math.min(left, Math.max(1, this.#window.room))
    if (count === 0) return false
    const ids = this.#m.ids.subarray(this.#next * ID_BYTES, (this.#next + count) * ID_BYTES)
    this.#batch = byDestination(idBatches().findArcs(this.#port.known.roughly(count).table, ids), this.#next)
    this.#inBatch = 0
    this.#next += count
    return true
  }

  /** False: too many calls wait for an answer. */
  #send(key: number, nowMs: number): boolean {
    const { exchange } = this.#port
    const { type, method, wants, idempotent, wait, ids } = this.#m
    if (exchange.table.isFull) return false
    const body = this.#bodyOf(key, nowMs)
    if (body === undefined) return true
    const done = (result: Result<unknown>) => this.#ended(key, body.length, result)
    const call = openCall(this.#port, wants, this.#endMs - nowMs, wait?.signal, done as Done)
    if (call === undefined) return false
    call.key = Id.fromBytes(ids, key * ID_BYTES)
    call.methodLow = method.low
    call.methodHigh = method.high
    call.body = body
    call.reply = type.reply
    call.idempotent = idempotent
    this.#window.begun()
    this.#bytes += body.length
    exchange.begin(call, nowMs)
    return true
  }

  /** Undefined: that message has failed. Encoding is the application's own code, which may end everything. */
  #bodyOf(key: number, nowMs: number): Uint8Array | undefined {
    let error: ChordError | undefined
    try {
      const body = this.#m.bodyOf(key)
      error = this.#whyOver(nowMs)
      if (error === undefined) return body
    } catch (thrown) {
      error = thrown as ChordError
    }
    this.#settle(key, { ok: false, error })
    return undefined
  }

  #ended(key: number, bytes: number, result: Result<unknown>): void {
    this.#window.ended()
    this.#bytes -= bytes
    this.#settle(key, result)
    if (this.#m.wants !== 'nothing' && result.ok) return this.#soon()
    // Nothing need have come in, and the next ones may end at once, too: somebody else should get a turn.
    this.#pause ??= this.#port.exchange.clock.setTimer(0, this.#go)
  }

  /** All answers of a wake-up are looked at together. */
  readonly #soon = (): void => {
    if (this.#isCalled) return
    this.#isCalled = true
    queueMicrotask(this.#go)
  }

  #settle(key: number, result: Result<unknown>): void {
    this.#results[key] = result
    this.#left--
  }

  #end(): void {
    this.#timer?.[Symbol.dispose]()
    this.#port.exchange.closing.delete(this.#soon)
    this.#m.wait?.signal?.removeEventListener('abort', this.#soon)
    this.#resolve(this.#results)
  }
}

/** The indexes from `first` on, by the arcs that their ids are in, where it is not known last; of one arc in their own order. */
function byDestination(arcs: Int32Array, first: number): Uint32Array {
  let most = NO_ARC
  for (const arc of arcs) if (arc > most) most = arc
  const places = new Uint32Array(most + 3)
  const placeOf = (arc: number) => (arc === NO_ARC ? most + 1 : arc)
  for (const arc of arcs) places[placeOf(arc) + 1]!++
  for (let i = 1; i < places.length; i++) places[i]! += places[i - 1]!
  const order = new Uint32Array(arcs.length)
  for (let i = 0; i < arcs.length; i++) order[places[placeOf(arcs[i]!)]!++] = first + i
  return order
}
