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
  /** By slot. */
  readonly #slots = new Map<number, Relayed>()
  /** By the client's own slot: a resend finds its entry again, so that its request id stays the same further on. */
  readonly #byClient = new Map<Session, Map<number, Relayed>>()
  #next = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Undefined: the table is full of requests that still may be answered. */
  add(session: Session, low: number, high: number, deadlineMs: number, nowMs: number): Relayed | undefined {
    const ofClient = this.#byClient.get(session)
    const known = ofClient?.get(low)
    if (known?.high === high) return known
    // The client uses that slot for another call now, and nobody waits for the answer to the one before.
    if (known !== undefined) this.#remove(known)
    if (this.#slots.size >= RELAYED_MAX) this.#forget(nowMs)
    if (this.#slots.size >= RELAYED_MAX) return undefined
    while (this.#slots.has(this.#next)) this.#next = (this.#next + 1) % RELAY_BIT
    const relayHigh = this.#random.nextUint32() | 1
    const entry: Relayed = { session, low, high, deadlineMs, relayLow: this.#next | RELAY_BIT, relayHigh }
    this.#slots.set(this.#next, entry)
    session.awaited++
    this.#next = (this.#next + 1) % RELAY_BIT
    // Anew: the last entry of a client takes its map with it.
    const entries = this.#byClient.get(session)
    if (entries === undefined) this.#byClient.set(session, new Map([[low, entry]]))
    else entries.set(low, entry)
    return entry
  }

  /** An answer has come: whose it is. The client gets the first; a resend after a failure has an entry of its own. */
  take(relayLow: number, relayHigh: number): Relayed | undefined {
    const entry = this.#slots.get(relayLow & ~RELAY_BIT)
    if (entry === undefined || entry.relayHigh !== relayHigh) return undefined
    this.#remove(entry)
    return entry
  }

  /** As `take`, but the answer may still come. */
  find(relayLow: number, relayHigh: number): Relayed | undefined {
    const entry = this.#slots.get(relayLow & ~RELAY_BIT)
    return entry?.relayHigh === relayHigh ? entry : undefined
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
    if (ofClient?.get(entry.low) === entry) ofClient.delete(entry.low)
    if (ofClient?.size === 0) this.#byClient.delete(entry.session)
  }
}
