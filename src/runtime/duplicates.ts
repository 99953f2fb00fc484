/**
 * Requests seen lately, so that one which is sent again is not handled again; and the answers to repeat. A sender repeats
 * without proof of non-delivery only what is idempotent, so the oldest may be forgotten when there are too many: at worst
 * such a request is handled twice, which it allows. Refusing instead would cap a node at limit ÷ deadline requests per second.
 */
import { KEPT_REPLY_BYTES_MAX } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import type { ReturnPath } from './answering.ts'

export interface Seen {
  readonly deadlineMs: number
  /** Kept only of requests that may be sent again without proof: the idempotent ones. */
  reply: Uint8Array | undefined
  readonly keep: boolean
}

export class Duplicates {
  readonly #limit: number
  readonly #seen = new Map<string, Seen>()
  #keptBytes = 0
  #added = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** What is known of it, if it came before. */
  find(key: string): Seen | undefined {
    return this.#seen.get(key)
  }

  add(key: string, deadlineMs: number, keep: boolean, nowMs: number): void {
    if (++this.#added % 256 === 0) this.#forget(nowMs)
    if (this.#seen.size >= this.#limit) {
      const oldest = this.#seen.keys().next().value
      if (oldest !== undefined) this.forget(oldest)
    }
    this.#seen.set(key, { deadlineMs, reply: undefined, keep })
  }

  /** Keeps the answer, if it may be asked for again and there is room. */
  answered(key: string, reply: Uint8Array): void {
    const seen = this.#seen.get(key)
    if (seen === undefined || !seen.keep || this.#keptBytes + reply.length > KEPT_REPLY_BYTES_MAX) return
    seen.reply = reply.slice()
    this.#keptBytes += reply.length
  }

  /** It was not handled after all: the next try is the first. */
  forget(key: string): void {
    const seen = this.#seen.get(key)
    if (seen === undefined) return
    this.#seen.delete(key)
    this.#keptBytes -= seen.reply?.length ?? 0
  }

  /** Those past their deadline. Deadlines are nearly in order of arrival; a few that are not stay a little longer. */
  #forget(nowMs: number): void {
    let alive = 0
    for (const [key, seen] of this.#seen) {
      if (seen.deadlineMs <= nowMs) this.forget(key)
      else if (++alive > 64) return
    }
  }
}

/** Origin, its incarnation and its request id, as text. */
export function duplicateKey(path: ReturnPath, from: { id: Id; incarnation: bigint }): string {
  return `${path.high}.${path.low}.${from.id.w0}.${from.id.w1}.${from.id.w2}.${from.incarnation}`
}
