/** Requests of clients that this node, their entry hop, has passed on: the answers come here and are handed to them. */
import type { Random } from '../api.ts'
import { RELAYED_MAX } from '../core/config.ts'
import type { Session } from './session.ts'

export interface Relayed {
  readonly session: Session
  /** The client's own request id. */
  readonly low: number
  readonly high: number
  readonly deadlineMs: number
  /** Ours, which travels in its place. */
  readonly relayLow: number
  readonly relayHigh: number
}

/** Request ids with this bit in the low half belong to this table, all others to the table of calls. */
export const RELAY_BIT = 0x40000000

export class Relay {
  readonly #random: Random
  /** By slot; a resend of the client finds its entry again, so that its request id stays the same further on. */
  readonly #slots = new Map<number, Relayed>()
  readonly #byClient = new Map<Session, Map<string, Relayed>>()
  #next = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Undefined: the table is full of requests that still may be answered. */
  add(session: Session, low: number, high: number, deadlineMs: number, nowMs: number): Relayed | undefined {
    const ofClient = this.#byClient.get(session)
    const known = ofClient?.get(`${low}.${high}`)
    if (known !== undefined) return known
    if (this.#slots.size >= RELAYED_MAX) this.#forget(nowMs)
    if (this.#slots.size >= RELAYED_MAX) return undefined
    while (this.#slots.has(this.#next)) this.#next = (this.#next + 1) % RELAY_BIT
    const relayHigh = (this.#random.nextUint32() | 1) >>> 0
    const entry: Relayed = { session, low, high, deadlineMs, relayLow: this.#next | RELAY_BIT, relayHigh }
    this.#slots.set(this.#next, entry)
    session.awaited++
    this.#next = (this.#next + 1) % RELAY_BIT
    if (ofClient === undefined) this.#byClient.set(session, new Map([[`${low}.${high}`, entry]]))
    else ofClient.set(`${low}.${high}`, entry)
    return entry
  }

  /** An answer has come: whose it is. The client gets the first; a resend after a failure has an entry of its own. */
  take(relayLow: number, relayHigh: number): Relayed | undefined {
    const entry = this.#slots.get(relayLow & ~RELAY_BIT)
    if (entry === undefined || entry.relayHigh !== relayHigh) return undefined
    this.#remove(entry)
    return entry
  }

  /** The client is gone, and nobody can be told any more. */
  sessionDown(session: Session): void {
    for (const entry of this.#byClient.get(session)?.values() ?? []) this.#slots.delete(entry.relayLow & ~RELAY_BIT)
    this.#byClient.delete(session)
  }

  /** Oldest first; deadlines are nearly in that order. */
  #forget(nowMs: number): void {
    let alive = 0
    for (const entry of this.#slots.values()) {
      if (entry.deadlineMs <= nowMs) this.#remove(entry)
      else if (++alive > 64) return
    }
  }

  #remove(entry: Relayed): void {
    this.#slots.delete(entry.relayLow & ~RELAY_BIT)
    entry.session.awaited--
    const ofClient = this.#byClient.get(entry.session)
    ofClient?.delete(`${entry.low}.${entry.high}`)
    if (ofClient?.size === 0) this.#byClient.delete(entry.session)
  }
}
