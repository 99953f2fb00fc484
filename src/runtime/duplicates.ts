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
  /** Of each generation. Two of them, dropped whole, because a Map that loses its oldest entry each time crawls over the gaps. */
  readonly #limit: number
  #young = new Map<string, Seen>()
  #old = new Map<string, Seen>()
  #youngBytes = 0
  #oldBytes = 0

  constructor(limit: number) {
    this.#limit = Math.max(1, Math.ceil(limit / 2))
  }

  /** What is known of it, if it came before and its deadline has not passed. */
  find(key: string, nowMs: number): Seen | undefined {
    const seen = this.#young.get(key) ?? this.#old.get(key)
    return seen !== undefined && seen.deadlineMs > nowMs ? seen : undefined
  }

  add(key: string, deadlineMs: number, keep: boolean): void {
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young
      this.#oldBytes = this.#youngBytes
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(key, { deadlineMs, reply: undefined, keep })
  }

  /** Keeps the answer, if it may be asked for again and there is room. */
  answered(key: string, reply: Uint8Array): void {
    const seen = this.#young.get(key)
    if (seen === undefined || !seen.keep) return
    if (this.#youngBytes + this.#oldBytes + reply.length > KEPT_REPLY_BYTES_MAX) return
    seen.reply = reply.slice()
    this.#youngBytes += reply.length
  }

  /** It failed, and there is no answer to keep: one that may be handled again will be. */
  failed(key: string): void {
    for (const seen of [this.#young, this.#old]) if (seen.get(key)?.keep === true) seen.delete(key)
  }
}

/** Origin, its incarnation and its request id, as text. */
export function duplicateKey(path: ReturnPath, from: { id: Id; incarnation: bigint }): string {
  return `${path.high}.${path.low}.${from.id.w0}.${from.id.w1}.${from.id.w2}.${from.incarnation}`
}
