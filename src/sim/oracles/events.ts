/**
 * What a member tells its runtime: its status goes along the graph of the documentation, nothing comes after `left`, who is
 * isolated does not serve alone unless it may, and a split that it reported is reported as merged once the ring has been
 * ideal for a while, on the same member, unless that has left or died before.
 */
import type { CoreEvent, CoreStatus } from '../../core/output.ts'
import type { IdealOracle } from './ideal.ts'
import type { Oracle, Report, World } from './oracle.ts'
import type { Seen } from './view.ts'

const NEXT: Readonly<Record<CoreStatus, readonly CoreStatus[]>> = {
  new: ['joining', 'leaving'],
  joining: ['member', 'leaving', 'left'],
  member: ['isolated', 'leaving', 'left'],
  isolated: ['member', 'leaving', 'left'],
  leaving: ['left'],
  left: [],
}

export class EventOracle implements Oracle {
  readonly name = 'events'
  readonly #world: World
  readonly #ideal: IdealOracle
  readonly #report: Report
  readonly #status = new Map<Seen, CoreStatus>()
  /** Ids of strangers reported as of another ring, with how often. */
  readonly #splits = new Map<Seen, string[]>()
  /** When it last reported one as merged: splits are followed up one by one, and there may be dozens. */
  readonly #mergedMs = new Map<Seen, number>()
  #splitCount = 0
  #mergedCount = 0

  constructor(world: World, ideal: IdealOracle, report: Report) {
    this.#world = world
    this.#ideal = ideal
    this.#report = report
  }

  event(seen: Seen, event: CoreEvent): void {
    const status = this.#status.get(seen) ?? 'new'
    if (status === 'left' && event.type !== 'duplicate' && event.type !== 'staleIncarnation') {
      this.#report('events', [seen], `${event.type} after it left`)
    }
    if (event.type === 'state') this.#move(seen, status, event)
    else if (event.type === 'split') this.#split(seen, String(event.peer.id))
    else if (event.type === 'merged') this.#merged(seen, String(event.peer.id))
  }

  /** Rule 4: who was cut off never silently takes itself for the ring. */
  changed(seen: Seen): void {
    if (seen.sole && seen.status === 'isolated' && this.#world.config.onIsolated === 'wait') {
      this.#report('events', [seen], 'isolated, and serves alone though it should wait')
    }
  }

  stopped(seen: Seen): void {
    this.#status.delete(seen)
    this.#splits.delete(seen)
    this.#mergedMs.delete(seen)
  }

  end(): void {
    const { bound, sinceMs, isIdeal } = this.#ideal
    if (!isIdeal || bound === undefined) return
    for (const [seen, strangers] of this.#splits) {
      const stillMs = this.#world.nowMs - Math.max(sinceMs, this.#mergedMs.get(seen) ?? 0)
      if (strangers.length > 0 && stillMs >= bound.followUpMs)
        this.#report('events', [seen], `reported a split from ${strangers[0]}, and never that it merged`)
    }
  }

  summary(): Record<string, number> {
    return { splits: this.#splitCount, merges: this.#mergedCount }
  }

  #move(seen: Seen, status: CoreStatus, { previous, current }: CoreEvent & { type: 'state' }): void {
    this.#status.set(seen, current)
    if (previous !== status) this.#report('events', [seen], `says that it was ${previous}, and was ${status}`)
    if (!NEXT[previous].includes(current)) this.#report('events', [seen], `${previous} → ${current}`)
  }

  #split(seen: Seen, stranger: string): void {
    this.#splitCount++
    this.#splits.set(seen, [...(this.#splits.get(seen) ?? []), stranger])
  }

  #merged(seen: Seen, stranger: string): void {
    this.#mergedCount++
    this.#mergedMs.set(seen, this.#world.nowMs)
    const open = this.#splits.get(seen) ?? []
    const index = open.indexOf(stranger)
    if (index < 0)
      return this.#report('events', [seen], `merged with ${stranger.slice(0, 8)}, from whom it never split`)
    this.#splits.set(seen, open.toSpliced(index, 1))
  }
}
