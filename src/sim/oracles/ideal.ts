/**
 * The ideal ring, member by member: each follows the next, and as many after it as its list has room for; its predecessor is
 * the one before; its range is all that lies between; it is a member, and hands nothing over. Then the ranges are a partition of
 * the ring. A member is looked at again when something of it has changed, or somebody has come or gone where its list may
 * reach: to ask whether all is ideal costs what has changed since the last time.
 *
 * Once faults have stopped, it must become ideal within a time that follows from the configuration (`bound.ts`), and stay so.
 * It does not where a live member is counted dead again: with evictAfterMisses = 1, or delays that come near the timeouts, one
 * late answer is enough. Nor where the last fault was over before anybody had noticed it: what was asked meanwhile may still
 * run out, as long as it takes to count somebody dead. Nor where a list arrives that was on its way when the last flaw went, and
 * still names the dead. Such relapses are counted, and healed from like any other fault.
 *
 * Rightly never ideal are those who cannot know of each other any more (`acquaintance.ts`), and the last one living of a ring
 * that fell apart: with onIsolated = 'wait' it stays isolated until somebody comes.
 */
import { samePeer } from '../../core/messages.ts'
import type { Input } from '../input.ts'
import type { Flight, SimMember } from '../observer.ts'
import { isAcquainted, isLastOne } from './acquaintance.ts'
import { type Bound, boundOf, type Circumstances } from './bound.ts'
import type { Ledger } from './ledger.ts'
import type { Oracle, Report, World } from './oracle.ts'
import { type Seen, short, showList, type View } from './view.ts'

const NEVER = Number.POSITIVE_INFINITY

export class IdealOracle implements Oracle {
  readonly name = 'ideal'
  readonly #world: World
  readonly #view: View
  readonly #ledger: Ledger
  readonly #report: Report
  readonly #dirty = new Set<Seen>()
  readonly #flawed = new Set<Seen>()
  /** Those who live, but are not live members: they join, or leave. */
  readonly #unsettled = new Set<Seen>()
  /** Since when the ring has been ideal without a break. */
  sinceMs = NEVER
  /** When faults were over. */
  calmMs = NEVER
  #bound: Bound | undefined
  #circumstances: Omit<Circumstances, 'apart'> | undefined
  /** Somebody has to look for a ring, or has had to since. */
  #apart = false
  #healedMs: number | undefined
  #isStranded = false
  #relapses = 0
  #changed = false
  /** When the message of this event was sent. */
  #sentMs = NEVER

  constructor(world: World, view: View, ledger: Ledger, report: Report) {
    this.#world = world
    this.#view = view
    this.#ledger = ledger
    this.#report = report
  }

  /** Faults are over. `delayMs`: how long a message takes at most from now on; `servicesMs`: a hand-over. */
  calm(delayMs: number, servicesMs: number): void {
    this.calmMs = this.#world.nowMs
    this.#circumstances = { lives: this.#view.lives, delayMs, servicesMs }
    this.#setBound(!this.#ledger.mustHold || [...this.#unsettled].some(isOutside))
    this.#changed = true
    this.#look()
  }

  #setBound(apart: boolean): void {
    if (this.#circumstances === undefined) return
    this.#apart = apart
    this.#bound = boundOf(this.#world.config, { ...this.#circumstances, apart })
  }

  /** Faults that are over may still have consequences that need the longer one. */
  get bound(): Bound | undefined {
    if (!this.#apart && this.#bound !== undefined && this.#healedMs === undefined) {
      if (!this.#ledger.mustHold || [...this.#unsettled].some(isOutside)) this.#setBound(true)
    }
    return this.#bound
  }

  get isIdeal(): boolean {
    if (this.#unsettled.size > 0) return false
    // Somebody had a flaw, and nothing has happened to it since.
    for (const seen of this.#flawed) {
      if (!this.#dirty.has(seen)) return false
      break
    }
    for (const seen of this.#dirty) {
      if (seen.live && flawOf(seen, this.#world.config.successors) !== undefined) this.#flawed.add(seen)
      else this.#flawed.delete(seen)
    }
    this.#dirty.clear()
    return this.#flawed.size === 0 && this.#view.size > 0
  }

  landed({ atMs }: Flight): void {
    this.#sentMs = atMs
  }

  /** What landed before, if anything, reached no member. */
  input(_: SimMember, { kind }: Input): void {
    if (kind !== 'message') this.#sentMs = NEVER
  }

  started(seen: Seen): void {
    this.#unsettled.add(seen)
  }

  stopped(seen: Seen): void {
    this.#unsettled.delete(seen)
    this.#changed = true
  }

  joined(seen: Seen): void {
    this.#unsettled.delete(seen)
    this.#touchAround(seen)
  }

  gone(seen: Seen): void {
    if (!seen.stopped) this.#unsettled.add(seen)
    this.#flawed.delete(seen)
    this.#dirty.delete(seen)
    this.#touchAround(this.#view.after(seen.id))
  }

  changed(seen: Seen): void {
    this.#changed = true
    if (seen.live) this.#dirty.add(seen)
  }

  settled(): void {
    if (this.#changed) this.#look()
    this.#sentMs = NEVER
  }

  #look(): void {
    this.#changed = false
    const { nowMs } = this.#world
    const isIdeal = this.isIdeal
    if (!isIdeal) {
      if (this.sinceMs !== NEVER && this.#healedMs !== undefined) this.#relapse()
      this.sinceMs = NEVER
      return
    }
    if (this.sinceMs === NEVER) this.sinceMs = nowMs
    this.#healedMs ??= this.calmMs === NEVER ? undefined : nowMs - this.calmMs
    if (this.#ledger.since.size > 0) this.#ledger.mend()
  }

  #relapse(): void {
    const quietMs = this.#world.nowMs - this.calmMs
    const isLate = this.#sentMs < this.sinceMs || quietMs < (this.#bound?.silenceMs ?? 0)
    if (isLate || this.#ledger.since.has('suspicion')) this.#relapses++
    else
      this.#report('ideal', [...this.#flawed], `was ideal, in a quiet time, and is no more: ${this.flaws().join('; ')}`)
  }

  /** The quiet phase has lasted at least as long as the bound, or until the ring was ideal. */
  end(): void {
    const { nowMs } = this.#world
    this.#look()
    if (this.isIdeal || this.#bound === undefined || this.#view.all.size === 0) return
    if (nowMs - this.calmMs < this.#bound.ms) return
    this.#isStranded = isLastOne(this.#view) || !isAcquainted(this.#view, this.#world.seeds ?? [])
    if (this.#isStranded) return
    const flaws = this.flaws()
    const text = `not ideal ${Math.round(nowMs - this.calmMs)} ms after the last fault: ${flaws.slice(0, 12).join('; ')}`
    this.#report('ideal', [...this.#flawed, ...this.#unsettled], text)
  }

  flaws(): string[] {
    const flaws = [...this.#unsettled].map((seen) => `${seen} is ${seen.core.status}`)
    for (const seen of this.#view.order) {
      const flaw = flawOf(seen, this.#world.config.successors)
      if (flaw !== undefined) flaws.push(`${seen}: ${flaw} ${showList(seen.successors, this.#view)}`)
    }
    return flaws
  }

  summary(): Record<string, number> {
    const { ms = 0, rounds = 0, roundMs = 1 } = this.#bound ?? {}
    const healed = this.#healedMs
    const share = healed === undefined || ms === 0 ? 0 : healed / ms
    return {
      healed: healed === undefined ? 0 : 1,
      stranded: this.#isStranded ? 1 : 0,
      relapses: this.#relapses,
      healMsMax: healed ?? 0,
      healRoundsMax: healed === undefined ? 0 : healed / roundMs,
      healBoundRoundsMax: rounds,
      healOfBoundMax: this.#apart ? share : 0,
      healOfShortBoundMax: this.#apart ? 0 : share,
      healedWithinRing: healed === undefined || this.#apart ? 0 : 1,
    }
  }

  /** Its own, its neighbours', and those whose lists may reach it. */
  #touchAround(seen: Seen | undefined): void {
    this.#changed = true
    if (seen === undefined) return
    this.#dirty.add(seen)
    this.#dirty.add(seen.next)
    const { successors } = this.#world.config
    let at = seen.previous
    for (let i = 0; i <= 4 * successors && at !== seen; i++, at = at.previous) this.#dirty.add(at)
  }
}

/** It joins, or has lost its ring. */
function isOutside({ core }: Seen): boolean {
  return core.departure === undefined && core.status !== 'left'
}

/** What is not as on an ideal ring of the live. */
export function flawOf(seen: Seen, distinct: number): string | undefined {
  const { core, next, previous, successors, predecessor, range } = seen
  if (core.status !== 'member') return `is ${core.status}`
  if (core.handover !== undefined) return 'hands over'
  if (next === seen) {
    if (!core.sole || successors.length > 0) return 'is alone and does not know'
    if (predecessor !== undefined) return `is alone and has a predecessor ${short(predecessor.id)}`
  } else {
    if (core.sole) return 'is not alone and does not know'
    const list = flawOfList(seen, distinct)
    if (list !== undefined) return list
    if (!samePeer(predecessor, previous.self))
      return `predecessor ${predecessor && short(predecessor.id)}, not ${previous}`
  }
  if (range === undefined) return 'owns nothing'
  if (!range.after.equals(previous.id)) return `owns what is after ${short(range.after)}, not after ${previous}`
  return undefined
}

function flawOfList(seen: Seen, distinct: number): string | undefined {
  const { successors } = seen
  const processes = new Set<string>()
  let at = seen.next
  for (let i = 0; i < 4 * distinct && at !== seen && processes.size < distinct; i++, at = at.next) {
    const entry = successors[i]
    if (entry === undefined) return `list ends before ${at}`
    if (!samePeer(entry, at.self)) return `entry ${i} is ${short(entry.id)}, not ${at}`
    if (at.address !== seen.address) processes.add(at.address)
  }
  return undefined
}
