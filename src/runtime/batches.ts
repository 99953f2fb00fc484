/** Messages for `handleBatch`, collected during one wake-up: no copies, and no object for each. */

import type { BorrowedBatch, Peer } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import type { Id } from '../core/id.ts'
import { FAIL_REMOTE } from '../wire/answers.ts'
import { type FrameMemory, readExtensions, readId, readIncarnation, readVnode } from '../wire/frames.ts'
import { bodyOffset } from '../wire/framing.ts'
import { EXT_TARGET, HEADER_BYTES, TARGET_INCARNATION } from '../wire/layout.ts'
import { type Answering, type ReturnPath, returnPath } from './answering.ts'
import type { IncomingContext } from './incoming.ts'
import type { Session } from './session.ts'

export class Batch implements BorrowedBatch {
  readonly #answering: Answering
  readonly #context: IncomingContext
  readonly #memories: FrameMemory[] = []
  readonly #sessions: (Session | undefined)[] = []
  readonly #ats: number[] = []
  readonly #ends: number[] = []
  readonly #members: number[] = []
  readonly #answered: boolean[] = []
  #live = false

  constructor(answering: Answering, context: IncomingContext) {
    this.#answering = answering
    this.#context = context
  }

  get length(): number {
    return this.#ats.length
  }

  add(session: Session | undefined, m: FrameMemory, at: number, length: number, member: number): void {
    this.#sessions.push(session)
    this.#memories.push(m)
    this.#ats.push(at)
    this.#ends.push(at + length)
    this.#members.push(member)
    this.#answered.push(false)
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
    for (let i = 0; i < this.length; i++) if (!this.#answered[i]) this.#unanswered(i, thrown)
    this.#live = false
    for (const list of [this.#sessions, this.#memories, this.#ats, this.#ends, this.#members, this.#answered]) {
      list.length = 0
    }
    if (thrown !== undefined) threw(thrown)
  }

  body(index: number): Uint8Array {
    const m = this.#memory(index)
    const start = bodyOffset(m, this.#ats[index]!)
    return m.bytes.subarray(start, this.#ends[index]!)
  }

  from(index: number): Peer {
    const m = this.#memory(index)
    return this.#context.from(this.#path(index), readVnode(m, this.#ats[index]!))
  }

  key(index: number): Id | undefined {
    const m = this.#memory(index)
    const at = this.#ats[index]!
    if ((readExtensions(m, at) & EXT_TARGET) === 0) return undefined
    const p = at + HEADER_BYTES
    return readIncarnation(m, p + TARGET_INCARNATION) === 0n ? readId(m, p) : undefined
  }

  reply(index: number, bytes: Uint8Array): void {
    this.#memory(index)
    if (!(bytes instanceof Uint8Array)) throw new ChordError('ERR_BAD_BODY', 'a reply must be a Uint8Array')
    if (this.#answered[index]) return
    this.#answered[index] = true
    const path = this.#path(index)
    if (!path.oneWay) this.#answering.reply(path, this.#members[index]!, bytes)
    else this.#answering.reply(path, this.#members[index]!, NOTHING)
  }

  #unanswered(index: number, thrown: unknown): void {
    const path = this.#path(index)
    if (path.oneWay) return this.#answering.reply(path, this.#members[index]!, NOTHING)
    const why = thrown === undefined ? 'the handler gave no answer' : messageOf(thrown)
    this.#answering.failure(path, this.#members[index]!, FAIL_REMOTE, why)
  }

  #memory(index: number): FrameMemory {
    const memory = this.#live ? this.#memories[index] : undefined
    if (memory === undefined) {
      throw new ChordError('ERR_STATE', `message ${index} of a batch is gone: views die when the handler returns`)
    }
    return memory
  }

  #path(index: number): ReturnPath {
    return returnPath(this.#sessions[index], this.#memories[index]!, this.#ats[index]!)
  }
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
