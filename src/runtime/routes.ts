/**
 * The routes of a member: what its cores decide, prepared for whole arcs of the ring, and installed in a transport that can pass frames
 * on by itself. They are taken back as soon as the cores know something else, and prepared anew once enough frames have come
 * for it to be worth it. Correctness never rests on them: a frame that does not go by them is decided about one by one.
 */
import { NO_ARC } from '../core/arc-table.ts'
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import type { Range } from '../core/messages.ts'
import { arcsOf, type RangeCache } from '../core/range-cache.ts'
import { decide } from '../core/router.ts'
import type { Link, RouteTables, RouteWay } from '../transports/transport.ts'
import type { Links } from './links.ts'
import { planRoutes, type RoutePlan, type Way, wayOf } from './route-plan.ts'
import type { Session } from './session.ts'
import type { Turn } from './turn.ts'

export interface RoutesOptions {
  links: () => Links
  cores: () => readonly ChordNode[]
  /** Others' ranges. An out-of-date one costs hops, no more: so they are installed now and then, not at each change. */
  remembered: RangeCache
  turn: Turn
  /** Steps after which a frame is given up. */
  hops: number
}

/** Frames for each member that are decided about one by one before a plan is made, which costs as much as some of them do. */
const FRAMES_UNPLANNED = 32
/** Between two installations of what is remembered, if only that has changed. */
const REMEMBERED_MS = 100

export class Routes {
  readonly #o: RoutesOptions
  #cores: readonly ChordNode[] = []
  #version = -1
  #ranges: readonly (Range | undefined)[] = []
  #frames = 0
  #plan: RoutePlan | undefined
  /** Whom the plan goes by. */
  readonly #addresses = new Set<string>()
  /** Of what is remembered, as it was installed, and when. */
  #rememberedVersion = -1
  #installedMs = Number.NEGATIVE_INFINITY

  constructor(o: RoutesOptions) {
    this.#o = o
  }

  /** For a frame that is not FINAL: the best way, or one of two others; none for what is our own members', or nobody's. */
  wayTo(key: Id, other: number): Way | undefined {
    if (this.#cores !== this.#o.cores()) this.#look()
    if (this.#plan === undefined && other === 0 && ++this.#frames > FRAMES_UNPLANNED * this.#cores.length) this.#make()
    if (this.#plan === undefined) return wayOf(decide(this.#cores, key, false, 0, other))
    const { arcs, rows } = this.#plan
    const number = arcs.find(key)
    return number === NO_ARC ? undefined : rows[number]![other]
  }

  /** After the cores have done all they could for now. */
  settled(): void {
    this.#look()
    const plan = this.#plan
    if (plan === undefined || this.#rememberedVersion === this.#o.remembered.version) return
    if (this.#o.turn.nowMs - this.#installedMs >= REMEMBERED_MS) this.#install(plan)
  }

  /** A connection came up, or went down. */
  sessionChanged(session: Session): void {
    this.#rememberedVersion = -1
    if (this.#plan !== undefined && this.#addresses.has(session.address)) this.#install(this.#plan)
  }

  /** Whether the cores know something else than before. */
  #look(): void {
    const cores = this.#o.cores()
    const version = versionOf(cores)
    const isSame = version === this.#version && cores.every(({ range }, i) => range === this.#ranges[i])
    if (isSame && cores === this.#cores) return
    this.#version = version
    this.#ranges = cores.map(({ range }) => range)
    this.#cores = cores
    this.#frames = 0
    if (this.#plan === undefined) return
    this.#plan = undefined
    this.#o.links().transport.routing?.suspend()
  }

  #make(): void {
    const plan = planRoutes(this.#cores)
    this.#plan = plan
    this.#addresses.clear()
    for (const row of plan.rows) for (const way of row) this.#addresses.add(way.to.address)
    this.#install(plan)
  }

  #install({ arcs, rows }: RoutePlan): void {
    const links = this.#o.links()
    const { routing } = links.transport
    if (routing === undefined) return
    const linked = rows.map((ways) => {
      const row: RouteWay[] = []
      for (const { to, final, finalSteps } of ways) {
        const session = links.session(to.address)
        if (session !== undefined) row.push({ link: session.link, final, finalSteps })
      }
      return row
    })
    routing.install({ rows: linked, decided: arcs, remembered: this.#remembered(links), hops: this.#o.hops })
    this.#rememberedVersion = this.#o.remembered.version
    this.#installedMs = this.#o.turn.nowMs
  }

  /** Of those owners that are connected. */
  #remembered(links: Links): RouteTables['remembered'] {
    const reached: Link[] = []
    const known = this.#o.remembered.all.filter(({ owner }) => {
      const session = links.session(owner.address)
      if (session !== undefined) reached.push(session.link)
      return session !== undefined
    })
    return known.length === 0 ? undefined : { arcs: arcsOf(known), links: reached }
  }
}

/** Grows with everything that a decision depends on but ranges. */
function versionOf(cores: readonly ChordNode[]): number {
  let version = 0
  for (const { core } of cores) version += core.tableVersion + core.detector.dropped
  return version
}
