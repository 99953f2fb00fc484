/**
 * The ledger of assumptions. What a ring of this protocol guarantees at every step it guarantees under assumptions (Zave
 * 2017, section 4; "Invariant" in the protocol's description), and faults may break them. While nothing has, the run **must
 * hold**: every oracle that speaks of each step counts. From the first entry on it **must heal**: rings may be several,
 * disordered or lost for a while, and have to be one again once faults stop. When the ring is ideal again, all that was
 * assumed is true again, and it must hold.
 */
import type { World } from './oracle.ts'
import type { Seen } from './view.ts'

/** What broke an assumption. */
export type Breach =
  /** A death, or a leave, left a list without a live entry, or fewer than r + 1 principals. */
  | 'crash'
  | 'leave'
  /** A live member was counted dead, or passed over as suspect, and the same followed. */
  | 'suspicion'
  /** Somebody made another ring, or served on alone. */
  | 'several rings'
  /** Somebody took part whose id a live member has. */
  | 'duplicate id'
  /** A message arrived that nobody had sent like that. */
  | 'corruption'
  /** Somebody was put on the ring in the middle of things. */
  | 'placed'
  /** A member that had not got a range yet lost its list, and joins anew. */
  | 'lost'

export interface LedgerEntry {
  readonly atMs: number
  readonly event: number
  readonly breach: Breach
  readonly members: readonly string[]
  readonly text: string
}

const ENTRIES_MAX = 1000

export class Ledger {
  readonly entries: LedgerEntry[] = []
  readonly counts = new Map<Breach, number>()
  /** Since the ring was last ideal. */
  readonly since = new Set<Breach>()
  mustHold = true
  /** How often the ring was ideal again after a breach, and how long that took at most. */
  mended = 0
  longestMs = 0
  /** Live members counted dead by somebody, or passed over, in all: not each is a breach. */
  suspicions = 0
  /** Whom suspicions since then are about, who had them, and who has taken over from either. */
  readonly #concerned = new Set<Seen>()
  #brokenMs = 0
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** An assumption does not hold any more. */
  breach(breach: Breach, members: readonly Seen[], text: string): void {
    this.counts.set(breach, (this.counts.get(breach) ?? 0) + 1)
    this.since.add(breach)
    const { nowMs: atMs, events: event } = this.#world
    if (this.entries.length < ENTRIES_MAX)
      this.entries.push({ atMs, event, breach, members: members.map(String), text })
    if (this.mustHold) this.#brokenMs = atMs
    this.mustHold = false
  }

  /** `seen` lives, and was taken for dead or silent. What that excuses it excuses until the ring is ideal again. */
  suspect(by: Seen, seen: Seen): void {
    this.suspicions++
    this.since.add('suspicion')
    this.#concerned.add(by).add(seen)
  }

  /** `heir` has a range, or a part of it, from somebody. */
  inherit(heir: Seen, from: Seen): void {
    if (this.#concerned.has(from)) this.#concerned.add(heir)
  }

  /** The ring is ideal. */
  mend(): void {
    this.since.clear()
    this.#concerned.clear()
    if (this.mustHold) return
    this.mustHold = true
    this.mended++
    this.longestMs = Math.max(this.longestMs, this.#world.nowMs - this.#brokenMs)
  }

  /** Any two may own a key, for reasons that are not the protocol's. */
  get excusesOverlaps(): boolean {
    return this.since.size > 0 && (this.since.has('several rings') || this.excusesAll)
  }

  /** These two may: one of them was taken for dead, or took somebody for it, or has what such a one had. */
  excusesOverlapOf(a: Seen, b: Seen): boolean {
    return this.excusesOverlaps || this.#concerned.has(a) || this.#concerned.has(b)
  }

  /** Of two with one id a list can name one only, and is held to pass over the other when that is the one left. */
  get excusesAll(): boolean {
    return this.since.has('corruption') || this.since.has('placed') || this.since.has('duplicate id')
  }

  toString(): string {
    return this.entries.map(({ atMs, breach, text }) => `${atMs.toFixed(1)} ms: ${breach}: ${text}`).join('\n')
  }
}
