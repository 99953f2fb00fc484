/**
 * Ranges. At every step:
 *
 * - each change of range is one event: the epoch rises by one, what is gained and lost adds up, the range ends at its owner
 * - who takes over takes from the dead, or from whom somebody counts as dead (a suspicion; docs/decisions/001)
 * - who leaves in order leaves no range behind while others stay, unless it counts some of these dead
 * - no two own a key, unless the one has told the other that it is that one's, or somebody from whom the other has it, and
 *   the answer has not come yet; or since the ring was last ideal one of them has been counted dead while it lived, or has
 *   counted another so, or has its range from such a one; or there are reasons for two rings in the ledger; or what one of
 *   them took over from the dead was not all the dead one's any more. That needs no suspicion: who had granted part of it to a
 *   joiner, and died before its own successor heard of that joiner, took the knowledge with it. The successor takes over up
 *   to the next who calls, until the joiner calls. It is the same if the grant, or the hand-over of a leaver, was still on
 *   its way when its sender died: the receiver takes it from the dead, without knowing that the successor has done so before.
 *   So hand-overs of the living never make two owners, and deaths may, for a while; once they have, what they doubled is
 *   granted on, and until all is single again no overlap is held against anybody.
 *
 * A suspicion is seen where it breaks off a hand-over that was told: whoever counts the receiver dead tells somebody else, and
 * may have heard from the first again by the time that both own it.
 *
 * How much of the ring several own, or nobody, is measured, as share × time; once the ring is quiet, each key has one owner.
 */
import type { Peer, Range } from '../../core/messages.ts'
import type { CoreEvent } from '../../core/output.ts'
import type { Handover } from '../../core/state.ts'
import type { Flight } from '../observer.ts'
import type { Ledger } from './ledger.ts'
import { HANDOVER, type Oracle, RANGE, type Report, type World } from './oracle.ts'
import { Ownership } from './ownership.ts'
import { type Seen, short, type View } from './view.ts'

type RangeEvent = CoreEvent & { type: 'range' }

/** What a member has told another to be that one's. */
interface Told {
  readonly range: Range
  readonly to: Seen
  /** Whom it was told, and who has of it from one of these. */
  readonly holders: Set<Seen>
  isTaken: boolean
}

export class RangeOracle implements Oracle {
  readonly name = 'ranges'
  readonly ownership = new Ownership()
  readonly #world: World
  readonly #view: View
  readonly #ledger: Ledger
  readonly #report: Report
  readonly #last = new Map<Seen, { epoch: bigint; range: Range | undefined }>()
  /** What a member has told others to be theirs, until it has given it up itself, or nobody has taken it in the end. */
  readonly #told = new Map<Seen, Told[]>()
  #changed = false
  /** What each gives away, as we last saw it. */
  readonly #handovers = new Map<Seen, Handover>()
  /** In this event: took over from the dead, or took what one gave who has died since. */
  #tookFromDead: Seen | undefined
  #sinceMs = 0
  #shares = { nobodys: 0, doubled: 0 }
  /** When the present gap or overlap began. */
  #gapMs = Number.POSITIVE_INFINITY
  #overlapMs = Number.POSITIVE_INFINITY
  readonly #sums = { doubledShareMs: 0, nobodysShareMs: 0, doubledMs: 0, nobodysMs: 0, ringMs: 0 }
  readonly #maxima = { doubledShareMax: 0, nobodysShareMax: 0, doubledMsMax: 0, nobodysMsMax: 0 }
  /** An overlap that a death brought about is not over yet. */
  #deathDoubled = false
  #overlapsExplained = 0
  #overlapsOfDeaths = 0
  #events = 0

  constructor(world: World, view: View, ledger: Ledger, report: Report) {
    this.#world = world
    this.#view = view
    this.#ledger = ledger
    this.#report = report
  }

  event(seen: Seen, event: CoreEvent): void {
    if (event.type === 'range') this.#checkEvent(seen, event)
  }

  sent({ from, to: receiver, message }: Flight): void {
    if (message.type !== 'handOver' && message.type !== 'grant') return
    const { after } = message
    const teller = this.#view.find(from)
    const to = this.#view.find(receiver)
    const upTo = message.type === 'handOver' ? from.id : teller?.core.handover?.lost.upTo
    if (teller === undefined || to === undefined || after === undefined || upTo === undefined) return
    const told = this.#told.get(teller) ?? []
    const range = { after, upTo }
    if (told.some((one) => one.to === to && same(one.range, range))) return
    this.#told.set(teller, [...told, { range, to, holders: new Set([to]), isTaken: false }])
  }

  changed(seen: Seen, what: number): void {
    if ((what & (RANGE | HANDOVER)) === 0) return
    this.#changed = true
    if ((what & HANDOVER) !== 0) this.#lookAtHandover(seen)
    if ((what & RANGE) === 0) return
    this.ownership.update(seen)
    this.#forgetTold(seen)
  }

  stopped(seen: Seen): void {
    this.#told.delete(seen)
    this.#last.delete(seen)
    this.#handovers.delete(seen)
    if (seen.range === undefined) return
    this.#changed = true
    this.ownership.update(seen)
    if (seen.core.departure !== undefined && seen.core.status === 'left') this.#checkLeaver(seen, seen.range)
  }

  #checkLeaver(leaver: Seen, range: Range): void {
    const { order } = this.#view
    const { detector } = leaver.core
    if (!this.#ledger.mustHold || order.length === 0 || order.some(({ self }) => detector.isSuspect(self))) return
    this.#fail(leaver, `left with ${show(range)}, though ${order[0]} stays`)
  }

  settled(): void {
    if (!this.#changed) return
    this.#changed = false
    this.#deathDoubled &&= this.ownership.overlaps.size > 0
    for (const owner of this.ownership.overlaps) {
      for (const other of this.ownership.within(owner)) this.#explain(owner, other)
    }
    this.#tookFromDead = undefined
    this.#measure()
  }

  /** Some of the ring is without an owner, or has two. */
  get isPartition(): boolean {
    return this.ownership.overlaps.size === 0 && this.ownership.gaps.size === 0
  }

  end(): void {
    this.#measure()
  }

  summary(): Record<string, number> {
    const sums = {
      ...this.#sums,
      rangeEvents: this.#events,
      overlapsExplained: this.#overlapsExplained,
      overlapsOfDeaths: this.#overlapsOfDeaths,
    }
    return { ...sums, ...this.#maxima }
  }

  #checkEvent(seen: Seen, event: RangeEvent): void {
    this.#events++
    const { epoch, range } = this.#last.get(seen) ?? { epoch: 0n, range: undefined }
    this.#last.set(seen, { epoch: event.epoch, range: event.range })
    if (event.epoch !== epoch + 1n) this.#fail(seen, `epoch ${event.epoch} after ${epoch}`)
    if (event.range !== undefined && !event.range.upTo.equals(seen.id)) {
      this.#fail(seen, `a range that ends elsewhere: ${show(event.range)}`)
    }
    if (event.gained.length > 0) this.#noteHolder(seen, event.from)
    if (event.cause === 'takeover') this.#checkTakeover(seen, event)
    else if (event.gained.length > 0 && this.#hasDied(event.from)) this.#tookFromDead = seen
    const flaw = flawOfChange(range, event)
    if (flaw !== undefined) this.#fail(seen, `${flaw}: ${show(range)} → ${show(event.range)} (${event.cause})`)
  }

  #noteHolder(seen: Seen, from: Peer | undefined): void {
    const giver = from && this.#view.find(from)
    if (giver === undefined) return
    this.#ledger.inherit(seen, giver)
    for (const [teller, told] of this.#told) {
      for (const one of told) {
        if (one.holders.has(giver)) one.holders.add(seen)
        if (giver === teller && one.to === seen) one.isTaken = true
      }
    }
  }

  #checkTakeover(seen: Seen, { from }: RangeEvent): void {
    this.#tookFromDead = seen
    const owner = from && this.#view.find(from)
    if (owner === undefined || owner === seen || !owner.live || this.#ledger.excusesOverlapOf(seen, owner)) return
    if (!this.#isDoubted(owner, owner)) this.#fail(seen, `takes over from ${owner}, whom nobody counts dead`)
  }

  #hasDied(peer: Peer | undefined): boolean {
    const giver = peer && this.#view.find(peer)
    return giver?.stopped === true && giver.core.status !== 'left'
  }

  /** Broken off, since it counts the receiver dead, who may have taken it. Whom it does not list it reports to nobody. */
  #lookAtHandover(seen: Seen): void {
    const before = this.#handovers.get(seen)
    if (seen.handover === undefined) this.#handovers.delete(seen)
    else this.#handovers.set(seen, seen.handover)
    if (before?.phase !== 'telling' || before === seen.handover) return
    this.#keepTold(seen, (one) => one.isTaken || one.to !== this.#view.find(before.to))
    const { detector } = seen.core
    if (!detector.isDead(before.to) || detector.hasDeparted(before.to)) return
    const to = this.#view.find(before.to)
    if (to?.stopped === false) this.#ledger.suspect(seen, to)
  }

  #fail(seen: Seen, text: string): void {
    this.#report('ranges', [seen], text)
  }

  /** What it does not own any more it cannot own together with those it told. */
  #forgetTold(seen: Seen): void {
    const { range } = seen
    this.#keepTold(seen, (told) => range !== undefined && intersection(told.range, range) !== undefined)
  }

  #keepTold(seen: Seen, which: (told: Told) => boolean): void {
    const left = this.#told.get(seen)?.filter(which) ?? []
    if (left.length === 0) this.#told.delete(seen)
    else this.#told.set(seen, left)
  }

  #explain(a: Seen, b: Seen): void {
    const shared = intersection(a.range as Range, b.range as Range)
    if (shared === undefined || this.#deathDoubled || this.#ledger.excusesOverlapOf(a, b)) return
    // Before all else: other reasons may be over before it is.
    if (this.#tookFromDead === a || this.#tookFromDead === b) {
      this.#deathDoubled = true
      this.#overlapsOfDeaths++
      return
    }
    if (this.#hasTold(a, b, shared) || this.#hasTold(b, a, shared) || this.#isDoubted(a, b)) {
      this.#overlapsExplained++
      return
    }
    const boundaries = [a, b].map(({ core }) => `${core.boundary.peer?.id}${core.boundary.dead ? ' (dead)' : ''}`)
    const text = `${a} owns ${show(a.range)} and ${b} ${show(b.range)}; at their far ends ${boundaries.join(' and ')}`
    this.#report('ranges', [a, b], `two owners of ${show(shared)}: ${text}`)
  }

  #hasTold(teller: Seen, other: Seen, shared: Range): boolean {
    return this.#told.get(teller)?.some(({ range, holders }) => holders.has(other) && covers(range, shared)) ?? false
  }

  /** Somebody counts one of them dead: not every such verdict is an event. */
  #isDoubted(a: Seen, b: Seen): boolean {
    for (const by of this.#view.all) {
      const { detector } = by.core
      const doubted = [a, b].find(({ self }) => detector.isDead(self) && !detector.hasDeparted(self))
      if (doubted === undefined) continue
      this.#ledger.suspect(by, doubted)
      return true
    }
    return false
  }

  #measure(): void {
    const { nowMs } = this.#world
    const forMs = nowMs - this.#sinceMs
    const { nobodys, doubled } = this.#shares
    this.#sums.nobodysShareMs += nobodys * forMs
    this.#sums.doubledShareMs += doubled * forMs
    if (nobodys > 0) this.#sums.nobodysMs += forMs
    if (doubled > 0) this.#sums.doubledMs += forMs
    this.#sums.ringMs += this.ownership.size > 0 ? forMs : 0
    this.#sinceMs = nowMs
    this.#shares = this.ownership.shares()
    const maxima = this.#maxima
    maxima.nobodysShareMax = Math.max(maxima.nobodysShareMax, this.#shares.nobodys)
    maxima.doubledShareMax = Math.max(maxima.doubledShareMax, this.#shares.doubled)
    this.#gapMs = this.#shares.nobodys > 0 ? Math.min(this.#gapMs, nowMs) : Number.POSITIVE_INFINITY
    this.#overlapMs = this.#shares.doubled > 0 ? Math.min(this.#overlapMs, nowMs) : Number.POSITIVE_INFINITY
    maxima.nobodysMsMax = Math.max(maxima.nobodysMsMax, nowMs - this.#gapMs)
    maxima.doubledMsMax = Math.max(maxima.doubledMsMax, nowMs - this.#overlapMs)
  }
}

function flawOfChange(before: Range | undefined, { range, gained, lost }: RangeEvent): string | undefined {
  const [more] = gained
  const [less] = lost
  if (gained.length + lost.length !== 1) return `${gained.length} gained, ${lost.length} lost`
  if (more !== undefined) {
    if (range === undefined) return 'gained something, and owns nothing'
    const expected = before === undefined ? range : { after: range.after, upTo: before.after }
    return same(more, expected) ? undefined : `gained ${show(more)}, not ${show(expected)}`
  }
  if (before === undefined || less === undefined) return 'lost what it did not own'
  const expected = range === undefined ? before : { after: before.after, upTo: range.after }
  return same(less, expected) ? undefined : `lost ${show(less)}, not ${show(expected)}`
}

function same(a: Range, b: Range): boolean {
  return a.after.equals(b.after) && a.upTo.equals(b.upTo)
}

/** Of two right-closed arcs; if they meet twice, one of the two pieces. */
export function intersection(a: Range, b: Range): Range | undefined {
  if (a.upTo.isBetweenOrEnd(b.after, b.upTo)) return { after: later(a, b, a), upTo: a.upTo }
  if (b.upTo.isBetweenOrEnd(a.after, a.upTo)) return { after: later(a, b, b), upTo: b.upTo }
  return undefined
}

/** Which of their beginnings comes last before the end of `last`. */
function later(a: Range, b: Range, { upTo }: Range): Range['after'] {
  if (a.after.equals(upTo)) return b.after
  if (b.after.equals(upTo)) return a.after
  return a.after.isBetween(b.after, upTo) ? a.after : b.after
}

function covers(outer: Range, inner: Range): boolean {
  if (outer.after.equals(outer.upTo)) return true
  if (!inner.upTo.isBetweenOrEnd(outer.after, outer.upTo)) return false
  return inner.after.equals(outer.after) || inner.after.isBetween(outer.after, inner.upTo)
}

export function show(range: Range | undefined): string {
  return range === undefined ? 'nothing' : `(${short(range.after)}, ${short(range.upTo)}]`
}
