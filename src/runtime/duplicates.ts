/**
 * Requests seen lately, so that one which is sent again is not handled again; and the answers to repeat. A sender repeats
 * without proof of non-delivery only what is idempotent, so the oldest may be forgotten when there are too many: at worst
 * such a request is handled twice, which it allows. Refusing instead would cap a node at limit ÷ deadline requests per second.
 */
import { KEPT_REPLY_BYTES_MAX } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import type { ReturnPath } from './answering.ts'

/** One request: origin, its incarnation, and its request id. */
export interface Seen {
  readonly id: Id
  readonly incarnation: bigint
  readonly low: number
  readonly high: number
  readonly deadlineMs: number
  /** Kept only of requests that may be sent again without proof: the idempotent ones. */
  reply: Uint8Array | undefined
  readonly keep: boolean
}

export class Duplicates {
  /** Of each generation. Two of them, dropped whole, because a Map that loses its oldest entry each time crawls over the gaps. */
  readonly #limit: number
  #young = new Map<number, Seen>()
  #old = new Map<number, Seen>()
  #youngBytes = 0
  #oldBytes = 0

  constructor(limit: number) {
    this.#limit = Math.max(1, Math.ceil(limit / 2))
  }

  /** What is known of it, if it came before and its deadline has not passed. */
  find(path: ReturnPath, from: { id: Id; incarnation: bigint }, nowMs: number): Seen | undefined {
    const place = placeOf(path.low, path.high)
    const young = this.#young.get(place)
    const seen = young !== undefined && isOf(young, path, from) ? young : this.#old.get(place)
    return seen !== undefined && seen.deadlineMs > nowMs && isOf(seen, path, from) ? seen : undefined
  }

  /** Of two that fall on one place the earlier is forgotten, as if it were too old. Half of a request id is random, so that is rare. */
  add(path: ReturnPath, from: { id: Id; incarnation: bigint }, deadlineMs: number, keep: boolean): Seen {
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young
      this.#oldBytes = this.#youngBytes
      this.#young = new Map()
      this.#youngBytes = 0
    }
    const { id, incarnation } = from
    const { low, high } = path
    const seen: Seen = { id, incarnation, low, high, deadlineMs, reply: undefined, keep }
    this.#young.set(placeOf(low, high), seen)
    return seen
  }

  /** Keeps the answer, if it may be asked for again and there is room. */
  answered(seen: Seen, reply: Uint8Array): void {
    if (!seen.keep || this.#young.get(placeOf(seen.low, seen.high)) !== seen) return
    if (this.#youngBytes + this.#oldBytes + reply.length > KEPT_REPLY_BYTES_MAX) return
    seen.reply = reply.slice()
    this.#youngBytes += reply.length
  }

  /** It failed, and there is no answer to keep: one that may be handled again will be. */
  failed(seen: Seen): void {
    if (!seen.keep) return
    const place = placeOf(seen.low, seen.high)
    for (const generation of [this.#young, this.#old]) {
      if (generation.get(place) === seen) generation.delete(place)
    }
  }
}

/** A small integer, which a Map finds without looking at anything else in memory. What else tells requests apart is compared. */
function placeOf(low: number, high: number): number {
  return high ^ Math.imul(low, 0x9e3779b1)
}

function isOf(seen: Seen, path: ReturnPath, from: { id: Id; incarnation: bigint }): boolean {
  if (seen.low !== path.low || seen.high !== path.high || seen.incarnation !== from.incarnation) return false
  return seen.id === from.id || seen.id.equals(from.id)
}
