/**
 * INV (Zave 2017, Theorem 1, in the words of the protocol's description): every live member has a live entry in its list,
 * and there are principals in at least r + 1 processes. It implies one ordered ring.
 *
 * What exactly holds for this core, at every step, whether or not INV does:
 *
 * A. A principal stays one until it dies or begins to leave, unless the member that now passes it over
 *    - suspects it (suspects are kept in lists, docs/decisions/006, but an answer to a joiner names only those that are not
 *      suspect, and a member all of whose entries are suspect adopts whoever answers), or
 *    - had nothing to follow before, its list having come to an end: it takes the first who answers, and whoever lies between
 *      the two is passed over until both have stabilised, or
 *    - adopts the answer of an earlier life of it, who died while that was on its way: the one list ended at its place, the
 *      other began there, so neither went over it, and together they name the dead one for it.
 *    Every other list is made of pieces of lists that exist (`cut` of an answer behind one who answers, after entries that
 *    were there), and passes over nobody whom those did not.
 * B. A list does not lose its last live entry, unless that one is counted dead (a false suspicion), or a member of the
 *    list that replaces it died while it was on its way, or is about to leave and still answers: whoever asks it follows it
 *    until it has gone, and with r = 1 nobody else. Who is SOLE is its own live entry, which it gives up for the first who
 *    joins; if that one dies or begins to leave while its answer is on the way, the same holds.
 *    Nor does who joins begin without one, but for the latter two reasons: of a list of suspects and one leaver it is named
 *    the leaver only.
 *
 * From A and B it follows that INV is broken by deaths, leaves and suspicions only, all of which go into the ledger; that a
 * step breaks it otherwise is a violation. While INV cannot hold (N ≤ r), the ledger asks instead, after each death, leave or
 * suspicion, that every list names every live member: then the four properties of `ring.ts` hold on [explored with small models].
 *
 * The principals of one process count once: its virtual nodes fail together, and lists count processes in the same way.
 */
import type { Peer } from '../../core/messages.ts'
import type { Cause, Flight } from '../observer.ts'
import type { Ledger } from './ledger.ts'
import { LIST, type Oracle, type Report, type World } from './oracle.ts'
import { Skips } from './skips.ts'
import { type Gone, isOneOf, type Seen, showList, type View } from './view.ts'

export class InvariantOracle implements Oracle {
  readonly name = 'invariant'
  readonly skips: Skips
  readonly #world: World
  readonly #view: View
  readonly #ledger: Ledger
  readonly #report: Report
  readonly #lacking = new Set<Seen>()
  /** The lists that count for them: their own, and the one of a join check. */
  readonly #own = new Map<Seen, readonly Peer[]>()
  readonly #kept = new Map<Seen, readonly Peer[]>()
  #gone: { seen: Seen; how: Gone }[] = []
  /** Who leaves, or joins anew, without a list: it has had one. */
  readonly #adrift = new Set<Seen>()
  #newlyLacking = false
  /** What the ledger will say. */
  #text: string | undefined
  #suspicion = false
  #held = false
  #dirty = false
  #heldEvents = 0

  constructor(world: World, view: View, ledger: Ledger, report: Report) {
    this.#world = world
    this.#view = view
    this.#ledger = ledger
    this.#report = report
    this.skips = new Skips(view, world)
  }

  get holds(): boolean {
    return this.#lacking.size === 0 && this.skips.processes > this.#world.config.successors
  }

  sent(flight: Flight): void {
    this.skips.sent(flight)
  }

  landed(flight: Flight): void {
    this.skips.landed(flight)
  }

  joined(seen: Seen): void {
    this.#dirty = true
    this.skips.joined(seen)
    for (const other of [...this.#lacking]) this.#look(other)
    this.#look(seen)
    this.#newlyLacking = seen.successors.length > 0 && this.#lacking.has(seen)
  }

  gone(seen: Seen, how: Gone): void {
    this.#dirty = true
    this.#gone.push({ seen, how })
    if (how !== 'crashed') this.#adrift.add(seen)
    this.skips.gone(seen)
    this.#lacking.delete(seen)
    for (const other of this.#view.order) if (isOneOf(seen.self, other.successors)) this.#look(other)
  }

  changed(seen: Seen, what: number): void {
    if ((what & LIST) === 0) return
    this.#dirty = true
    this.#hold(seen, seen.sole ? [seen.self] : seen.successors)
    if (!seen.live) return
    const lacked = this.#lacking.has(seen)
    this.#look(seen)
    this.#newlyLacking ||= !lacked && this.#lacking.has(seen)
    if (seen.sole && this.#hasOthers(seen)) this.#ledger.breach('several rings', [seen], `${seen} is a ring of its own`)
  }

  /** In a ring, or leaving one with a range still to hand over. */
  #hasOthers(seen: Seen): boolean {
    if (this.#view.size > 1) return true
    for (const other of this.#view.all) if (other !== seen && other.range !== undefined) return true
    return false
  }

  stopped(seen: Seen): void {
    this.#hold(seen, [])
    this.#keep(seen, undefined)
    this.#adrift.delete(seen)
  }

  settled(seen: Seen | undefined, cause: Cause | 'stopped'): void {
    if (seen !== undefined && cause !== 'stopped') this.#keepJoinCheck(seen)
    if (this.skips.lost.length > 0) for (const lost of this.skips.lost) this.#explainSkip(lost, seen)
    if (this.#newlyLacking && seen !== undefined) this.#explainLack(seen)
    this.skips.settle()
    // A leaver may lose its list more than once.
    if (seen?.live && seen.successors.length > 0) this.#adrift.delete(seen)
    if (this.#dirty) this.#account(seen, cause)
    if (this.#held) this.#heldEvents++
  }

  summary(): Record<string, number> {
    return { invariantEvents: this.#heldEvents }
  }

  /** Whose process is alive though somebody counts it dead. */
  suspected(by: Seen, seen: Seen): void {
    if (!seen.live) return
    this.#suspicion = true
    this.#dirty = true
    this.#ledger.suspect(by, seen)
    this.#text ??= `${by} takes ${seen} for dead or silent`
  }

  #hold(seen: Seen, list: readonly Peer[]): void {
    const before = this.#own.get(seen)
    if (before === list) return
    this.skips.hold(seen.self, list)
    if (before !== undefined) this.skips.release(before)
    if (list.length === 0) this.#own.delete(seen)
    else this.#own.set(seen, list)
  }

  #keepJoinCheck(seen: Seen): void {
    const wantsIn = (seen.status === 'joining' && !seen.live) || seen.status === 'isolated'
    if (wantsIn) {
      for (const { purpose } of seen.core.pending.values()) {
        if (purpose.kind === 'joinCheck') return this.#keep(seen, purpose.successors)
      }
    }
    if (this.#kept.size > 0) this.#keep(seen, undefined)
  }

  #keep(seen: Seen, list: readonly Peer[] | undefined): void {
    const before = this.#kept.get(seen)
    if (before === list) return
    const sinceMs = Math.min(this.#world.nowMs, this.skips.sourceMs)
    if (list !== undefined) {
      this.skips.hold(seen.self, list, sinceMs)
      this.#kept.set(seen, list)
    } else this.#kept.delete(seen)
    if (before !== undefined) this.skips.releaseKept(before)
  }

  #look(seen: Seen): void {
    if (!seen.live) return
    if (seen.sole || seen.successors.some((peer) => this.#view.isLive(peer))) this.#lacking.delete(seen)
    else this.#lacking.add(seen)
  }

  /** Rule A. */
  #explainSkip(lost: Seen, actor: Seen | undefined): void {
    if (!lost.live || this.skips.isPrincipal(lost) || this.#ledger.excusesAll) return
    if (actor === undefined) return this.#report('invariant', [lost], 'no principal any more, and nobody did it')
    if (actor.core.detector.isSuspect(lost.self)) return this.suspected(actor, lost)
    // A ring of its own is in the ledger already: where onIsolated = 'serve', or everybody that it knew of has left.
    if (actor.sole) return
    const { detector } = actor.core
    const isUsable = (peer: Peer) => this.#view.isLive(peer) && !detector.isSuspect(peer)
    const first = actor.successors.find((peer) => !detector.isSuspect(peer))
    // It has nobody now, and says so to a joiner, or had nobody, and took the first who answered.
    const hasNone = first === undefined
    const hadNone =
      !actor.successorsBefore.some(isUsable) && first !== undefined && lost.id.isBetween(actor.id, first.id)
    if (!hasNone && !hadNone) {
      if (this.#hasEarlierLife(actor, lost)) return this.#died(lost, 'crashed')
      return this.#report('invariant', [actor, lost], this.#textOfSkip(lost, actor))
    }
    const live = actor.successorsBefore.map((peer) => this.#view.find(peer)).find((one) => one?.live)
    if (live !== undefined) this.suspected(actor, live)
    else if (this.#adrift.has(actor)) this.#foundAWayAgain(actor)
  }

  /** That all it followed died, or was taken for dead, breached nothing then, since it counted no more. Now it does. */
  #foundAWayAgain(actor: Seen): void {
    this.#suspicion = this.#dirty = true
    this.#text ??= `${actor} had nobody left to follow, and took the first who answered`
  }

  /** In its new list, from an answer of that very life or what came behind it. */
  #hasEarlierLife(actor: Seen, lost: Seen): boolean {
    const named = actor.successors.find((peer) => peer.id.equals(lost.id))
    const earlier = named && this.#view.find(named)
    return earlier !== undefined && earlier !== lost && earlier.stoppedMs >= this.skips.sourceMs
  }

  /** While a list was on its way that names it. */
  #died(seen: Seen, how: Gone): void {
    this.#dirty = true
    this.#gone.push({ seen, how })
  }

  #textOfSkip(lost: Seen, actor: Seen): string {
    const over = [...this.skips.over(lost)].map(({ head, list }) => `${head.id} ${showList(list, this.#view)}`)
    const before = showList(actor.successorsBefore, this.#view)
    const now = showList(actor.successors, this.#view)
    return `${actor} passes over ${lost}, whom it does not suspect and nobody did before: ${before} → ${now}; over it: ${over.join('; ')}`
  }

  /** Rule B. */
  #explainLack(seen: Seen): void {
    this.#newlyLacking = false
    if (seen.sole || !this.#lacking.has(seen) || this.#ledger.excusesAll) return
    const { detector } = seen.core
    const lost = seen.successorsBefore.map((peer) => this.#view.find(peer)).filter((one) => one?.live)
    const suspect = lost.find((one) => one !== undefined && detector.isSuspect(one.self))
    if (suspect !== undefined) return this.suspected(seen, suspect)
    const entries = seen.successors.map((peer) => this.#view.find(peer))
    const late = entries.find((one) => one !== undefined && one.stoppedMs >= this.skips.sourceMs)
    if (late !== undefined) return this.#died(seen, late.core.departure === undefined ? 'crashed' : 'leaving')
    const before = showList(seen.successorsBefore, this.#view)
    const text = `no live entry in its list any more: ${before} → ${showList(seen.successors, this.#view)}`
    this.#report('invariant', [seen], text)
  }

  /** What the event did to INV, and whom the ledger has to thank. */
  #account(actor: Seen | undefined, cause: Cause | 'stopped'): void {
    const gone = this.#gone
    const suspicion = this.#suspicion
    const text = this.#text
    const held = this.#held
    this.#gone = []
    this.#suspicion = this.#dirty = false
    this.#text = undefined
    this.#held = this.holds
    if (!this.#ledger.mustHold || this.#held) return
    const first = gone[0]
    if (first === undefined && !suspicion) {
      if (!held || actor === undefined) return
      return this.#report('invariant', [actor], `broken by a step (${cause}): ${this.#state()}`)
    }
    if (this.#isCovered()) return
    const breach = first === undefined ? 'suspicion' : BREACHES[first.how]
    const members = first === undefined ? (actor === undefined ? [] : [actor]) : gone.map((one) => one.seen)
    this.#ledger.breach(breach, members, `${text ?? members.join(' ')}: ${this.#state()}`)
  }

  #state(): string {
    const { processes } = this.skips
    const lacking = [...this.#lacking].slice(0, 4).map((seen) => `${seen} ${showList(seen.successors, this.#view)}`)
    return `principals in ${processes} processes${lacking.length > 0 ? `, no live entry in ${lacking.join(', ')}` : ''}`
  }

  /** Every list names everybody who lives. */
  #isCovered(): boolean {
    const { size, order } = this.#view
    if (size > 4 * this.#world.config.successors + 1) return false
    if (size === 1) return (order[0] as Seen).sole
    for (const seen of order) {
      let live = 0
      for (const peer of seen.successors) if (this.#view.isLive(peer)) live++
      if (live < size - 1) return false
    }
    return true
  }
}

const BREACHES = { crashed: 'crash', leaving: 'leave', lost: 'lost' } as const
