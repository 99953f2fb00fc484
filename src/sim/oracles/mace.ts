/**
 * The properties that Mace's Chord was checked by (Killian et al., Life, Death, and the Critical Transition, NSDI 2007; its
 * Chord.mac), and those that CrystalBall added (Yabandeh et al., NSDI 2009), restated. Theirs has a node point to itself where
 * it knows nobody else, and a predecessor that is null; ours says SOLE, and unknown.
 *
 *     theirs                                                        ours
 *     predecessor = self ⟹ successor = self              always     SOLE ⟹ the list is empty; and without a predecessor,
 *                                                                   or an owner of what lies before, whom the next round asks,
 *                                                                   the whole ring is its own
 *     predecessor null, or self, or where the range begins           once quiet: the range begins at the predecessor, which is
 *                                                                   known; until then a range changes by grants only
 *     no successor lies between predecessor and self     always     once quiet: who has just joined may be in a list that
 *     (CrystalBall)                                                 went around the ring before its notify arrives
 *     all joined                                         at last    once quiet, all are members
 *     successor* = all nodes                                        the same
 *     the successor's predecessor is the node                       the same, by incarnation
 *     every node reaches every node by next hops                    the same; a finger to the dead gives way to the next try.
 *                                                                   Not by way of a node that takes a neighbor for silent:
 *                                                                   nothing goes to a suspect, and where it is the only way
 *                                                                   nothing goes on until it has answered (the originator
 *                                                                   tries again meanwhile). That may be at any time: one
 *                                                                   answer was late, or lost before all was quiet
 */

import { samePeer } from '../../core/messages.ts'
import { anybodyLeft } from '../../core/responsibility.ts'
import { route } from '../../core/router.ts'
import type { IdealOracle } from './ideal.ts'
import { LIST, type Oracle, PREDECESSOR, RANGE, type Report } from './oracle.ts'
import { type Seen, short, showList, type View } from './view.ts'

const HOPS_MAX = 64
const ATTEMPTS = 8
/** So many are asked for so many. */
const SAMPLES = 16

export class MaceOracle implements Oracle {
  readonly name = 'mace'
  readonly #view: View
  readonly #ideal: IdealOracle
  readonly #report: Report
  #routed = 0

  constructor(view: View, ideal: IdealOracle, report: Report) {
    this.#view = view
    this.#ideal = ideal
    this.#report = report
  }

  changed(seen: Seen, what: number): void {
    if (!seen.sole || !seen.live || (what & (LIST | PREDECESSOR | RANGE)) === 0) return
    if (seen.successors.length > 0)
      this.#report('mace', [seen], `SOLE, and follows ${showList(seen.successors, this.#view)}`)
    if (seen.predecessor !== undefined || seen.range === undefined) return
    // It is about to follow somebody who called, or who owns what lies before, or to hand over.
    if (seen.handover !== undefined || seen.core.isAsking('adopt') || anybodyLeft(seen.core) !== undefined) return
    const { after, upTo } = seen.range
    if (!after.equals(upTo))
      this.#report('mace', [seen], `SOLE, knows nobody, and owns only what is after ${short(after)}`)
  }

  end(): void {
    if (!this.#ideal.isIdeal) return
    const { order } = this.#view
    for (const seen of order) {
      const flaw = flawOf(seen)
      if (flaw !== undefined) this.#report('mace', [seen], flaw)
    }
    this.#checkCycle()
    const step = Math.max(1, Math.floor(order.length / SAMPLES))
    for (let a = 0; a < order.length; a += step) {
      for (let b = 0; b < order.length; b += step) this.#checkRoute(order[a] as Seen, order[b] as Seen)
    }
  }

  summary(): Record<string, number> {
    return { routesChecked: this.#routed }
  }

  #checkCycle(): void {
    const [start] = this.#view.order
    if (start === undefined || start.sole) return
    const reached = new Set<Seen>()
    for (let at: Seen | undefined = start; at !== undefined && !reached.has(at); ) {
      reached.add(at)
      at = at.successors[0] && this.#view.find(at.successors[0])
    }
    const missing = this.#view.order.filter((seen) => !reached.has(seen))
    if (missing.length > 0)
      this.#report('mace', missing, `not reached from ${start} by first successors: ${missing.join(' ')}`)
  }

  /** As an originator would: by other ways, where the first ends with somebody who has passed it on in vain. */
  #checkRoute(from: Seen, to: Seen): void {
    this.#routed++
    let end = from
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      end = this.#walk(from, to, attempt)
      if (end === to || suspectsNeighbor(end)) return
    }
    this.#report(
      'mace',
      [from, to],
      `no way from ${from} to ${to}: ends at ${end} ${showList(end.successors, this.#view)}`,
    )
  }

  /** Where it ends. */
  #walk(from: Seen, to: Seen, attempt: number): Seen {
    let at = from
    let final = false
    let finalSteps = 0
    for (let hop = 0; hop < HOPS_MAX && at !== to; hop++) {
      const next = this.#hop(at, to, final, finalSteps, hop === 0 ? attempt : 0)
      if (next === undefined) break
      at = next.member
      final = next.final
      finalSteps = next.finalSteps
    }
    return at
  }

  #hop(at: Seen, to: Seen, final: boolean, steps: number, first: number) {
    for (let attempt = first; attempt < first + ATTEMPTS; attempt++) {
      const decision = route([at.member.node], to.id, final, steps, attempt)
      if (decision.kind === 'deliver') return { member: at, final, finalSteps: steps }
      if (decision.kind !== 'forward') continue
      const member = this.#view.find(decision.to)
      if (member?.live) return { member, final: decision.final, finalSteps: decision.finalSteps }
    }
    return undefined
  }
}

/** All of them live: the ring is ideal. Whom it counts as dead it should not name any more. */
function suspectsNeighbor({ core: { detector }, successors, predecessor }: Seen): boolean {
  return [predecessor, ...successors].some(
    (peer) => peer !== undefined && detector.isSuspect(peer) && !detector.isDead(peer),
  )
}

function flawOf(seen: Seen): string | undefined {
  const { predecessor, successors, range, next, previous } = seen
  if (seen.core.status !== 'member') return `is ${seen.core.status}`
  if (next === seen) return undefined
  if (predecessor === undefined) return 'has no predecessor'
  if (!samePeer(next.predecessor, seen.self)) return `is not the predecessor of ${next}, which follows it`
  if (!range?.after.equals(predecessor.id)) return `its range does not begin at its predecessor ${previous}`
  const between = successors.find((peer) => peer.id.isBetween(predecessor.id, seen.id))
  return between && `its list names ${short(between.id)}, between its predecessor and itself`
}
