/**
 * All oracles as one observer. They share one view of the ring, kept up to date once an event: only what has changed since a
 * member's last input goes to them.
 *
 *     const oracles = new Oracles(simulation)
 *     simulation.observe(oracles)
 *     ... after each step: oracles.violations.length > 0 → stop
 *     oracles.calm()                      the last fault is over
 *     ... until oracles.isIdeal and a while more (quietMs), at most healWithinMs
 *     oracles.end()
 */
import type { CoreEvent } from '../../core/output.ts'
import type { Input } from '../input.ts'
import type { Cause, EndedLookup, Fault, Flight, Observer, SimMember } from '../observer.ts'
import { EventOracle } from './events.ts'
import { HearsayOracle } from './hearsay.ts'
import { IdealOracle } from './ideal.ts'
import { InvariantOracle } from './invariant.ts'
import { Ledger } from './ledger.ts'
import { ListOracle } from './lists.ts'
import { LookupOracle } from './lookups.ts'
import { MaceOracle } from './mace.ts'
import type { Oracle, OracleName, Violation, World } from './oracle.ts'
import { RangeOracle } from './ranges.ts'
import { RingOracle } from './ring.ts'
import { type Gone, type Seen, View } from './view.ts'

export interface OracleOptions {
  /** Those that report. Default: all. */
  readonly only?: readonly OracleName[]
}

const VIOLATIONS_MAX = 100
const DELAY_MS = 500

export class Oracles implements Observer {
  readonly violations: Violation[] = []
  readonly ledger: Ledger
  readonly view = new View()
  readonly invariant: InvariantOracle
  readonly ideal: IdealOracle
  readonly ranges: RangeOracle
  readonly #world: World
  readonly #hearsay: HearsayOracle
  readonly #all: readonly Oracle[]
  /** Those that want to know of every input. */
  readonly #settling: readonly Oracle[]
  readonly #only: ReadonlySet<OracleName> | undefined
  readonly #faults = new Map<string, number>()

  constructor(world: World, o: OracleOptions = {}) {
    this.#world = world
    this.#only = o.only && new Set(o.only)
    const { view } = this
    const report = this.#report.bind(this)
    this.ledger = new Ledger(world)
    this.invariant = new InvariantOracle(world, view, this.ledger, report)
    this.ideal = new IdealOracle(world, view, this.ledger, report)
    this.ranges = new RangeOracle(world, view, this.ledger, report)
    this.#hearsay = new HearsayOracle(view, report)
    this.#all = [
      new ListOracle(world, report),
      this.invariant,
      new RingOracle(world, view, this.ledger, report),
      this.ranges,
      this.ideal,
      new LookupOracle(world, view, this.ideal, report),
      new EventOracle(world, this.ideal, report),
      new MaceOracle(view, this.ideal, report),
      this.#hearsay,
    ]
    this.#settling = this.#all.filter((oracle) => oracle.settled !== undefined)
  }

  /** The last fault is over: from now on messages arrive within `delayMs`, and the ring has to become ideal. */
  calm(o: { delayMs?: number; servicesMs?: number } = {}): void {
    this.ideal.calm(o.delayMs ?? DELAY_MS, o.servicesMs ?? 0)
  }

  get isIdeal(): boolean {
    return this.ideal.isIdeal
  }

  /** Counted from `calm`: by then the ring is ideal. */
  get healWithinMs(): number {
    return this.ideal.bound?.ms ?? Number.POSITIVE_INFINITY
  }

  /** For so long it has to be ideal for reports of merged rings to be complete. */
  get quietMs(): number {
    return this.ideal.bound?.reportsMs ?? 0
  }

  /** The quiet phase is over. */
  end(): void {
    for (const oracle of this.#all) oracle.end?.()
  }

  /** Numbers to add up over runs, but for those that end in `Max`. */
  summary(): Record<string, number> {
    const numbers: Record<string, number> = {}
    for (const oracle of this.#all) Object.assign(numbers, oracle.summary?.())
    const { ledger } = this
    for (const [kind, count] of this.#faults) numbers[`fault ${kind}`] = count
    for (const [breach, count] of ledger.counts) numbers[`breach ${breach}`] = count
    numbers.suspicions = ledger.suspicions
    numbers.mended = ledger.mended
    numbers.mustHealMsMax = ledger.longestMs
    numbers.violations = this.violations.length
    return numbers
  }

  // Observer.

  started(member: SimMember): void {
    const seen = this.view.add(member)
    for (const oracle of this.#all) oracle.started?.(seen)
  }

  stopped(member: SimMember, how: 'crashed' | 'left'): void {
    const seen = this.view.of(member)
    this.#look(seen, 'network')
    const wasLive = seen.live
    this.view.stop(seen, this.#world.nowMs)
    if (wasLive) this.#leave(seen, how === 'left' ? 'leaving' : 'crashed')
    for (const oracle of this.#all) oracle.stopped?.(seen)
    this.#settle(seen, 'stopped')
  }

  fault(fault: Fault): void {
    this.#faults.set(fault.kind, (this.#faults.get(fault.kind) ?? 0) + 1)
    if (fault.kind === 'corrupt') this.ledger.breach('corruption', [], fault.addresses.join(' → '))
    for (const oracle of this.#all) oracle.fault?.(fault)
  }

  sent(flight: Flight): void {
    this.invariant.sent(flight)
    this.ranges.sent(flight)
  }

  landed(flight: Flight): void {
    this.invariant.landed(flight)
    this.ideal.landed(flight)
  }

  input(member: SimMember, input: Input): void {
    this.#hearsay.input(member, input)
    this.ideal.input(member, input)
  }

  event(member: SimMember, event: CoreEvent): void {
    if (event.type === 'peerDown' && event.reason !== 'left') this.#checkSuspicion(this.view.of(member), event)
    const seen = this.view.of(member)
    for (const oracle of this.#all) oracle.event?.(seen, event)
  }

  stepped(member: SimMember, cause: Cause): void {
    const seen = this.view.of(member)
    if (seen.stopped) return
    this.#look(seen, cause)
    this.#settle(seen, cause)
  }

  lookup(ended: EndedLookup): void {
    for (const oracle of this.#all) oracle.lookup?.(ended)
  }

  /** What has changed of it since its last input. */
  #look(seen: Seen, cause: Cause): void {
    const what = seen.refresh()
    if (seen.live !== seen.shouldLive) {
      if (seen.live) {
        this.view.leave(seen)
        this.#tellGone(seen, seen.core.departure !== undefined || seen.status === 'left' ? 'leaving' : 'lost')
      } else this.#enter(seen, cause)
    }
    if (what !== 0) for (const oracle of this.#all) oracle.changed?.(seen, what)
  }

  #enter(seen: Seen, cause: Cause): void {
    if (!this.view.enter(seen)) {
      if (!this.#doubles.has(seen)) this.ledger.breach('duplicate id', [seen], `${seen} lives twice`)
      this.#doubles.add(seen)
      return
    }
    if (cause === 'start' && seen.successors.length > 0) this.ledger.breach('placed', [seen], `${seen} was placed`)
    for (const oracle of this.#all) oracle.joined?.(seen)
  }
  readonly #doubles = new WeakSet<Seen>()

  #leave(seen: Seen, how: Gone): void {
    this.view.leave(seen)
    this.#tellGone(seen, how)
  }

  #tellGone(seen: Seen, how: Gone): void {
    for (const oracle of this.#all) oracle.gone?.(seen, how)
  }

  #settle(seen: Seen, cause: Cause | 'stopped'): void {
    for (const oracle of this.#settling) oracle.settled?.(seen, cause)
  }

  #checkSuspicion(by: Seen, { peer }: CoreEvent & { type: 'peerDown' }): void {
    const seen = this.view.find(peer)
    if (seen !== undefined) this.invariant.suspected(by, seen)
  }

  #report(oracle: OracleName, members: readonly Seen[], text: string): void {
    if (this.#only?.has(oracle) === false || this.violations.length >= VIOLATIONS_MAX) return
    const { nowMs: atMs, events: event } = this.#world
    this.violations.push({ oracle, atMs, event, members: members.map(({ id }) => String(id)), text })
  }
}

/** Two runs, or many and one more. */
export function mergeSummaries(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const merged = { ...a }
  for (const [name, value] of Object.entries(b)) {
    const known = merged[name]
    if (known === undefined) merged[name] = value
    else merged[name] = name.endsWith('Max') ? Math.max(known, value) : known + value
  }
  return merged
}
