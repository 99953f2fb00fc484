/** Messages for `handleBatch`, collected during one wake-up: no copies, and no object for each. */

import type { BorrowedBatch, Peer } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import type { Id } from '../core/id.ts'
import { FAIL_REMOTE } from '../wire/answers.ts'
import { type FrameMemory, isForKey, readFlags, readId, readVnode } from '../wire/frames.ts'
import { bodyOffset } from '../wire/framing.ts'
import { FLAG_ONE_WAY, HEADER_BYTES } from '../wire/layout.ts'
import type { Answering, ReturnPath } from './answering.ts'
import type { IncomingContext } from './incoming.ts'
import type { Session } from './session.ts'
import { isBytes } from './values.ts'

/** Of one message: where its frame starts and ends, where its body starts, our member, and whether it was answered. */
const COLUMNS = 5
const AT = 0
const END = 1
const BODY = 2
const MEMBER = 3
const ANSWERED = 4
const FIRST_ROWS = 64

export class Batch implements BorrowedBatch {
  readonly #answering: Answering
  readonly #context: IncomingContext
  readonly #memories: FrameMemory[] = []
  readonly #sessions: (Session | undefined)[] = []
  #rows = new Int32Array(FIRST_ROWS * COLUMNS)
  #length = 0
  #live = false

  constructor(answering: Answering, context: IncomingContext) {
    this.#answering = answering
    this.#context = context
  }

  get length(): number {
    return this.#length
  }

  add(session: Session | undefined, m: FrameMemory, at: number, length: number, member: number): void {
    const index = this.#length++
    const row = index * COLUMNS
    if (row === this.#rows.length) this.#grow()
    this.#sessions[index] = session
    this.#memories[index] = m
    const rows = this.#rows
    rows[row + AT] = at
    rows[row + END] = at + length
    rows[row + BODY] = bodyOffset(m, at)
    rows[row + MEMBER] = member
    rows[row + ANSWERED] = 0
  }

  /** Lets the handler have them; then they are gone. What it throws, now or later, is told. */
  run(fn: (batch: BorrowedBatch) => void, threw: (error: unknown) => void): void {
    let thrown: unknown
    this.#live = true
    try {
      settleLater(fn(this), threw)
    } catch (error) {
      thrown = error ?? new Error(String(error))
    }
    for (let i = 0; i < this.#length; i++) {
      if (this.#rows[i * COLUMNS + ANSWERED] === 0) this.#unanswered(i, thrown)
      // The next wake-up may have fewer, and what these were of must not be held until then.
      this.#sessions[i] = undefined
      this.#memories[i] = GONE
    }
    this.#live = false
    this.#length = 0
    if (thrown !== undefined) threw(thrown)
  }

  memory(index: number): Uint8Array {
    this.#row(index)
    return this.#memories[index]!.bytes
  }

  start(index: number): number {
    return this.#rows[this.#row(index) + BODY]!
  }

  end(index: number): number {
    return this.#rows[this.#row(index) + END]!
  }

  body(index: number): Uint8Array {
    const row = this.#row(index)
    return this.#memories[index]!.bytes.subarray(this.#rows[row + BODY], this.#rows[row + END])
  }

  from(index: number): Peer {
    const row = this.#row(index)
    return this.#context.from(this.#path(index), readVnode(this.#memories[index]!, this.#rows[row + AT]!))
  }

  key(index: number): Id | undefined {
    const at = this.#rows[this.#row(index) + AT]!
    const m = this.#memories[index]!
    return isForKey(m, at) ? readId(m, at + HEADER_BYTES) : undefined
  }

  reply(index: number, bytes: Uint8Array, start = 0, end = bytes.length): void {
    const row = this.#row(index)
    if (!isBytes(bytes)) throw new ChordError('ERR_BAD_BODY', 'a reply must be a Uint8Array')
    if (!(isIndex(start) && isIndex(end) && start <= end && end <= bytes.length)) {
      throw new ChordError('ERR_BAD_BODY', `${start} to ${end} does not lie in the ${bytes.length} bytes of the reply`)
    }
    const rows = this.#rows
    if (rows[row + ANSWERED] !== 0) return
    rows[row + ANSWERED] = 1
    const m = this.#memories[index]!
    const at = rows[row + AT]!
    const oneWay = (readFlags(m, at) & FLAG_ONE_WAY) !== 0
    const session = this.#sessions[index]
    const to = oneWay ? start : end
    if (this.#answering.replyStraight(session, m, at, rows[row + MEMBER]!, bytes, start, to)) return
    this.#answering.reply(this.#path(index), rows[row + MEMBER]!, bytes.subarray(start, to))
  }

  #unanswered(index: number, thrown: unknown): void {
    const path = this.#path(index)
    const member = this.#rows[index * COLUMNS + MEMBER]!
    if (path.oneWay) return this.#answering.reply(path, member, NOTHING)
    const why = thrown === undefined ? 'the handler gave no answer' : messageOf(thrown)
    this.#answering.failure(path, member, FAIL_REMOTE, why)
  }

  #row(index: number): number {
    if (!this.#live || !isIndex(index) || index >= this.#length) {
      throw new ChordError('ERR_STATE', `message ${index} of a batch is gone: views die when the handler returns`)
    }
    return index * COLUMNS
  }

  #path(index: number): ReturnPath {
    return this.#answering.path(this.#sessions[index], this.#memories[index]!, this.#rows[index * COLUMNS + AT]!)
  }

  /** Twice the size: in the long run no allocation for a message. */
  #grow(): void {
    const rows = new Int32Array(this.#rows.length * 2)
    rows.set(this.#rows)
    this.#rows = rows
  }
}

/** A fraction would pass for a place in memory, and a frame of so many bytes for one that breaks the rules. */
function isIndex(n: number): boolean {
  return n >>> 0 === n
}

/** What is declared to return nothing may be `async` all the same; its failure must not end the process. */
export function settleLater(returned: unknown, threw: (error: unknown) => void): void {
  if (returned instanceof Promise) returned.catch(threw)
}

/** Anything can be thrown, and not everything can be made a text. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown)
  } catch {
    return 'something that is no text'
  }
}

const NOTHING = new Uint8Array(0)
const GONE: FrameMemory = { bytes: NOTHING, halves: new Uint16Array(0), words: new Uint32Array(0) }
