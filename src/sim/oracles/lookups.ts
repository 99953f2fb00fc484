/**
 * Look-ups of applications. The answerer's range held the key at some instant between question and answer: what it said of its
 * range and epoch is what it had then. While the ring is ideal from beginning to end of a look-up, the answer is the owner that
 * anybody would name who sees the whole ring: the first live member at or after the key; and once faults are over there is an
 * answer. What somebody believed to have sent to the owner does not wander on for ever: it is passed on a few times, or the
 * originator decides anew.
 */
import type { Range } from '../../core/messages.ts'
import type { CoreEvent } from '../../core/output.ts'
import { FINAL_STEPS_MAX } from '../../core/router.ts'
import type { EndedLookup } from '../observer.ts'
import type { IdealOracle } from './ideal.ts'
import type { Oracle, Report, World } from './oracle.ts'
import { show } from './ranges.ts'
import { type Seen, short, type View } from './view.ts'

/** So far back, and so many ranges of a member, are remembered. */
const HISTORY_MS = 120_000
const HISTORY_MAX = 256

interface Interval {
  readonly range: Range | undefined
  readonly epoch: bigint
  readonly fromMs: number
  toMs: number
}

export class LookupOracle implements Oracle {
  readonly name = 'lookups'
  readonly #world: World
  readonly #view: View
  readonly #ideal: IdealOracle
  readonly #report: Report
  readonly #histories = new WeakMap<Seen, Interval[]>()
  readonly #counts = {
    lookups: 0,
    lookupsFailed: 0,
    lookupsQuiet: 0,
    lookupsQuietFailed: 0,
    lookupHops: 0,
    lookupTimeouts: 0,
    passedOnMax: 0,
  }

  constructor(world: World, view: View, ideal: IdealOracle, report: Report) {
    this.#world = world
    this.#view = view
    this.#ideal = ideal
    this.#report = report
  }

  event(seen: Seen, event: CoreEvent): void {
    if (event.type !== 'range') return
    const { nowMs } = this.#world
    const history = this.#histories.get(seen) ?? []
    const last = history[history.length - 1]
    if (last !== undefined) last.toMs = nowMs
    history.push({ range: event.range, epoch: event.epoch, fromMs: nowMs, toMs: Number.POSITIVE_INFINITY })
    const oldest = history[0] as Interval
    if (history.length > HISTORY_MAX || oldest.toMs < nowMs - HISTORY_MS) history.shift()
    this.#histories.set(seen, history)
  }

  stopped(seen: Seen): void {
    const last = this.#histories.get(seen)?.at(-1)
    if (last !== undefined) last.toMs = this.#world.nowMs
  }

  lookup(ended: EndedLookup): void {
    const { answer, key, startMs } = ended
    const quiet = this.#ideal.isIdeal && this.#ideal.sinceMs <= startMs
    const counts = this.#counts
    counts.lookups++
    counts.lookupHops += ended.hops
    counts.lookupTimeouts += ended.timeouts
    counts.passedOnMax = Math.max(counts.passedOnMax, ended.passedOn)
    if (ended.passedOn > FINAL_STEPS_MAX)
      this.#report('lookups', [], `${short(key)} was sent to its owner, and passed on ${ended.passedOn} times`)
    if (quiet) counts.lookupsQuiet++
    if (answer === undefined) {
      if (ended.failure !== 'originator-died') counts.lookupsFailed++
      if (quiet) counts.lookupsQuietFailed++
      if (quiet && ended.failure !== 'originator-died' && startMs >= this.#ideal.calmMs)
        this.#report(
          'lookups',
          [],
          `${short(key)} was not found by ${ended.originator} in a quiet ring: ${ended.failure}`,
        )
      return
    }
    const owner = this.#view.find(answer.owner)
    if (owner === undefined)
      return this.#report('lookups', [], `${short(key)} was answered by ${answer.owner.address}, who never lived`)
    const flaw = this.#flawOf(ended, this.#histories.get(owner) ?? [])
    if (flaw !== undefined) this.#report('lookups', [owner], `${short(key)}: ${flaw}`)
    const rightful = this.#view.ownerOf(key)
    if (quiet && rightful !== undefined && rightful !== owner) {
      this.#report(
        'lookups',
        [owner, rightful],
        `${short(key)} belongs to ${rightful} in a quiet ring, ${owner} answered`,
      )
    }
  }

  summary(): Record<string, number> {
    return { ...this.#counts }
  }

  #flawOf({ answer, key, startMs, endMs }: EndedLookup, history: readonly Interval[]): string | undefined {
    if (answer === undefined) return undefined
    const { range, epoch } = answer
    if (!key.isBetweenOrEnd(range.after, range.upTo)) return `not in the range that was answered, ${show(range)}`
    const held = history.find((interval) => interval.epoch === epoch)
    if (held === undefined) return `its answerer never had an epoch ${epoch}`
    const isSame = held.range?.after.equals(range.after) && held.range.upTo.equals(range.upTo)
    if (!isSame) return `its answerer said ${show(range)}, and had ${show(held.range)} in epoch ${epoch}`
    if (held.fromMs > endMs || held.toMs < startMs) {
      return `its answerer owned it from ${held.fromMs} to ${held.toMs}, and was asked from ${startMs} to ${endMs}`
    }
    return undefined
  }
}
