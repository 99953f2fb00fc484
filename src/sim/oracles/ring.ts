/**
 * The four properties whose loss is permanent in Chord as printed (Zave 2012; the names are hers), over `best(m)`, the first
 * live entry of m's list, which is m itself while m is SOLE:
 *
 *     AtLeastOneRing         some members reach themselves by best pointers: these are the ring
 *     AtMostOneRing          each of them reaches all others
 *     OrderedRing            the ring winds once: no member of it lies between another and its best
 *     ConnectedAppendages    every other member reaches the ring
 *
 * Must hold while the ledger knows of no broken assumption. They change only when a best pointer does. Then, if all was well,
 * it still is when the new best leads to the old one, or the old to the new one, by pointers that lie all between the
 * member and the farther of the two: nothing else can have been cut off. That takes a few steps; where it takes more than
 * STEPS_MAX, or a member died, all pointers are walked, O(N). With more than WALK_OFTEN_MAX members that is done at most
 * once in WALK_MS of simulated time.
 */
import type { Ledger } from './ledger.ts'
import { LIST, type Oracle, type Report, type World } from './oracle.ts'
import { isOneOf, type Seen, showList, type View } from './view.ts'

const STEPS_MAX = 64
const WALK_OFTEN_MAX = 4096
const WALK_MS = 100

export class RingOracle implements Oracle {
  readonly name = 'ring'
  readonly #world: World
  readonly #view: View
  readonly #ledger: Ledger
  readonly #report: Report
  readonly #best = new Map<Seen, Seen>()
  /** Live members whose list begins with somebody who is not, or has nobody who is. */
  readonly #passing = new Set<Seen>()
  #changed: { seen: Seen; old: Seen | undefined }[] = []
  /** All pointers have to be walked, as soon as that is due. */
  #unsure = false
  #dueMs = 0
  #walks = 0
  #steps = 0

  constructor(world: World, view: View, ledger: Ledger, report: Report) {
    this.#world = world
    this.#view = view
    this.#ledger = ledger
    this.#report = report
  }

  joined(seen: Seen): void {
    for (const other of [...this.#passing]) if (isOneOf(seen.self, other.successors)) this.#look(other)
    this.#look(seen)
  }

  gone(seen: Seen): void {
    this.#unsure = true
    this.#best.delete(seen)
    this.#passing.delete(seen)
    for (const [other, best] of this.#best) if (best === seen) this.#look(other)
  }

  changed(seen: Seen, what: number): void {
    if ((what & LIST) !== 0 && seen.live) this.#look(seen)
  }

  settled(): void {
    if (this.#changed.length === 0 && !this.#unsure) return
    const changed = this.#changed
    this.#changed = []
    if (!this.#ledger.mustHold) {
      // When it must hold again the ring is ideal, which says more.
      this.#unsure = false
      return
    }
    for (const { seen, old } of changed) this.#unsure ||= !this.#isHarmless(seen, old)
    if (!this.#unsure) return
    if (this.#view.size > WALK_OFTEN_MAX) {
      if (this.#world.nowMs < this.#dueMs) return
      this.#dueMs = this.#world.nowMs + WALK_MS
    }
    this.#unsure = false
    const flaw = this.flaw()
    if (flaw !== undefined) this.#report('ring', flaw.members, `${flaw.text}; ${this.#show()}`)
  }

  summary(): Record<string, number> {
    return { ringWalks: this.#walks, ringSteps: this.#steps }
  }

  /** Which of the four does not hold, by a walk along all pointers. */
  flaw(): { readonly members: readonly Seen[]; readonly text: string } | undefined {
    this.#walks++
    const walkOf = new Map<Seen, Seen>()
    let ring: Seen[] | undefined
    for (const start of this.#view.order) {
      let at: Seen | undefined = start
      while (at !== undefined && !walkOf.has(at)) {
        walkOf.set(at, start)
        at = this.#best.get(at)
      }
      if (at === undefined) return { members: [start], text: `ConnectedAppendages: ${start} leads nowhere` }
      if (walkOf.get(at) !== start) continue
      const found = this.#cycle(at)
      if (ring !== undefined) {
        return { members: [at, ring[0] as Seen], text: `AtMostOneRing: ${ring.join(' ')} and ${found.join(' ')}` }
      }
      ring = found
    }
    if (ring === undefined) return this.#view.size === 0 ? undefined : { members: [], text: 'AtLeastOneRing' }
    const turns = ring.filter((seen) => (this.#best.get(seen) as Seen).id.compare(seen.id) <= 0).length
    return turns === 1 ? undefined : { members: ring.slice(0, 8), text: `OrderedRing: ${ring.join(' → ')}` }
  }

  #cycle(from: Seen): Seen[] {
    const cycle = [from]
    for (let at = this.#best.get(from) as Seen; at !== from; at = this.#best.get(at) as Seen) cycle.push(at)
    return cycle
  }

  #look(seen: Seen): void {
    if (!seen.live) return
    const old = this.#best.get(seen)
    const best = this.#bestOf(seen)
    if (best === undefined) this.#best.delete(seen)
    else this.#best.set(seen, best)
    const isFirst = best !== undefined && (seen.sole || best === this.#view.find(seen.successors[0] ?? seen.self))
    if (isFirst) this.#passing.delete(seen)
    else this.#passing.add(seen)
    if (best !== old) this.#changed.push({ seen, old })
  }

  #bestOf(seen: Seen): Seen | undefined {
    if (seen.sole && seen.successors.length === 0) return seen
    for (const peer of seen.successors) {
      const found = this.#view.find(peer)
      if (found?.live) return found
    }
    return undefined
  }

  #isHarmless(seen: Seen, old: Seen | undefined): boolean {
    const best = this.#best.get(seen)
    // A new member whom nobody follows yet leads to where its best does.
    if (old === undefined) return best !== undefined && best !== seen && !this.#isFollowed(seen)
    if (best === undefined || best === seen || old === seen || !old.live) return false
    return best.id.isBetween(seen.id, old.id) ? this.#leads(best, old, seen) : this.#leads(old, best, seen)
  }

  #isFollowed(seen: Seen): boolean {
    return this.#best.get(seen.previous) === seen || [...this.#best.values()].includes(seen)
  }

  /** By pointers that go forward and stay between `after` and `to`. */
  #leads(from: Seen, to: Seen, after: Seen): boolean {
    let at = from
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      if (at === to) return true
      this.#steps++
      const next = this.#best.get(at)
      if (
        next === undefined ||
        !(next === to || next.id.isBetween(at.id, to.id)) ||
        !next.id.isBetween(after.id, after.id)
      ) {
        return false
      }
      at = next
    }
    return false
  }

  #show(): string {
    const shown = this.#view.order.slice(0, 24).map((seen) => `${seen} ${showList(seen.successors, this.#view)}`)
    return shown.join(', ')
  }
}
