/**
 * Who answers, and how fast. A timeout per peer follows its round trips; one miss
 * makes a peer suspect, several in a row with growing timeouts, or a proof, make it dead.
 */

import type { Peer } from './messages.ts'
import { RoundTrip, type RoundTripState } from './round-trip.ts'
import type { CoreConfig } from './state.ts'

/**
 * First timeout of a peer that has never answered. It includes opening a connection and saying hello, so it is three times what
 * other peers take, but at least this long; and while nobody has answered at all, for all we know everybody is far away.
 */
const FIRST_TIMEOUT_MIN_MS = 150
const FIRST_TIMEOUT_UNKNOWN_MS = 1_000
const FIRST_ROUND_TRIPS = 3
/** Each miss multiplies the timeout, so that three misses in a row span more than half a second at the shortest. */
const MISS_GROWTH = 3
/** The first timeout is long already. */
const FIRST_MISS_GROWTH = 2
/** Records of peers that are no longer of interest are dropped beyond this many. */
const RECORDS_MAX = 2048

interface Record {
  readonly incarnation: bigint
  readonly address: string
  /** Another life of the same node. */
  other: Record | undefined
  readonly roundTrip: RoundTrip
  misses: number
  lastMissMs: number
  lastHeardMs: number
  dead: boolean
  /** It said that it leaves: what still comes from it is no sign of life. */
  departed: boolean
}

/** What its key does not say. */
type Kept = Exclude<keyof Record, 'incarnation' | 'address' | 'other'>
type RecordState = { readonly [K in Kept]: K extends 'roundTrip' ? RoundTripState : Record[K] }

export interface DetectorState {
  readonly records: readonly (readonly [key: string, record: RecordState])[]
  readonly usual: RoundTripState
}

export class FailureDetector {
  /** Records dropped so far: with one goes a suspicion, maybe. */
  dropped = 0
  readonly #config: CoreConfig
  /** By `keyOf`, the oldest first. Only to know which that is: whoever looks for one takes the way by its id. */
  readonly #records = new Map<string, Record>()
  /** By id, which has its text at hand; the lives of a node hang together. */
  readonly #byId = new Map<string, Record>()
  /** Of all peers together. */
  readonly #usual = new RoundTrip()

  constructor(config: CoreConfig) {
    this.#config = config
  }

  timeoutMs(peer: Peer): number {
    const { probeMinMs, probeMaxMs } = this.#config
    const record = this.#find(peer)
    const firstMs = this.#firstTimeoutMs()
    if (record === undefined) return Math.min(firstMs, probeMaxMs)
    let timeout = Math.max(probeMinMs, record.roundTrip.timeoutMs(firstMs))
    const growth = record.roundTrip.isUnknown ? FIRST_MISS_GROWTH : MISS_GROWTH
    for (let i = 0; i < record.misses; i++) timeout *= growth
    return Math.min(probeMaxMs, timeout)
  }

  /** A live answer. Returns whether the peer had been suspect or dead. */
  alive(peer: Peer, roundTripMs: number | undefined): boolean {
    const record = this.#record(peer)
    if (record.departed) return false
    const doubted = record.misses > 0 || record.dead
    record.misses = 0
    record.dead = false
    if (roundTripMs !== undefined) {
      record.roundTrip.add(roundTripMs)
      this.#usual.add(roundTripMs)
    }
    return doubted
  }

  /** Anything came from it, be it a question. That clears no suspicion, but saves asking whether it lives. */
  heard(peer: Peer, nowMs: number): void {
    const record = this.#find(peer)
    if (record !== undefined) record.lastHeardMs = nowMs
  }

  lastHeardMs(peer: Peer): number {
    return this.#find(peer)?.lastHeardMs ?? Number.NEGATIVE_INFINITY
  }

  /**
   * A question asked at `sentMs` was not answered. Questions asked before the last miss was noticed say nothing new.
   * Returns whether that makes the peer dead.
   */
  miss(peer: Peer, sentMs: number, nowMs: number): boolean {
    const record = this.#record(peer)
    if (record.dead) return true
    if (sentMs < record.lastMissMs && record.misses > 0) return false
    record.misses++
    record.lastMissMs = nowMs
    if (record.misses >= this.#config.evictAfterMisses) record.dead = true
    return record.dead
  }

  proveDead(peer: Peer): void {
    this.#record(peer).dead = true
  }

  departed(peer: Peer): void {
    const record = this.#record(peer)
    record.dead = true
    record.departed = true
  }

  hasDeparted(peer: Peer): boolean {
    return this.#find(peer)?.departed ?? false
  }

  isDead(peer: Peer): boolean {
    return this.#find(peer)?.dead ?? false
  }

  /** Missed an answer, or is dead: routing goes around it. */
  isSuspect(peer: Peer): boolean {
    const record = this.#find(peer)
    return record !== undefined && (record.misses > 0 || record.dead)
  }

  /** Records in the order in which they are dropped, each with its `keyOf`. */
  dump(): DetectorState {
    const records = Array.from(this.#records, ([key, record]): [string, RecordState] => {
      const { incarnation: _, address: __, other: ___, ...kept } = record
      return [key, { ...kept, roundTrip: record.roundTrip.dump() }]
    })
    return { records, usual: this.#usual.dump() }
  }

  restore({ records, usual }: DetectorState): void {
    this.#usual.restore(usual)
    this.#records.clear()
    this.#byId.clear()
    for (const [key, record] of records) {
      const [id, incarnation] = key.split('/', 2) as [string, string]
      const address = key.slice(id.length + incarnation.length + 2)
      const roundTrip = new RoundTrip().restore(record.roundTrip)
      this.#keep(key, id, { ...record, incarnation: BigInt(incarnation), address, other: undefined, roundTrip })
    }
  }

  #firstTimeoutMs(): number {
    if (this.#usual.isUnknown) return FIRST_TIMEOUT_UNKNOWN_MS
    return Math.max(FIRST_TIMEOUT_MIN_MS, FIRST_ROUND_TRIPS * this.#usual.timeoutMs(0))
  }

  #find(peer: Peer): Record | undefined {
    let record = this.#byId.get(peer.id.toString())
    while (record !== undefined && (record.incarnation !== peer.incarnation || record.address !== peer.address)) {
      record = record.other
    }
    return record
  }

  #record(peer: Peer): Record {
    const known = this.#find(peer)
    if (known !== undefined) return known
    if (this.#records.size >= RECORDS_MAX) this.#dropOldest()
    const record = {
      incarnation: peer.incarnation,
      address: peer.address,
      other: undefined,
      roundTrip: new RoundTrip(),
      misses: 0,
      lastMissMs: Number.NEGATIVE_INFINITY,
      lastHeardMs: Number.NEGATIVE_INFINITY,
      dead: false,
      departed: false,
    }
    this.#keep(keyOf(peer), peer.id.toString(), record)
    return record
  }

  #keep(key: string, id: string, record: Record): void {
    record.other = this.#byId.get(id)
    this.#byId.set(id, record)
    this.#records.set(key, record)
  }

  #dropOldest(): void {
    const [key, record] = this.#records.entries().next().value as [string, Record]
    const id = key.slice(0, key.indexOf('/'))
    this.#records.delete(key)
    this.dropped++
    const first = this.#byId.get(id) as Record
    if (first !== record) {
      let before = first
      while (before.other !== record) before = before.other as Record
      before.other = record.other
    } else if (record.other === undefined) this.#byId.delete(id)
    else this.#byId.set(id, record.other)
  }
}

/** Another incarnation is another peer: the death of one says nothing of the next. */
export function keyOf(peer: Peer): string {
  return `${peer.id}/${peer.incarnation}/${peer.address}`
}
