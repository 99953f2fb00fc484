/** The model of how a node keeps its list: stabilize, adopt, notify, evict, alone (protocol.md, "Operations", rules 1 to 5). */
import type { Answer, Message, Peer } from '../../core/messages.ts'
import type { DownReason } from '../../core/output.ts'
import type { Purpose } from '../../core/state.ts'
import { type Asked, between, type NodeState, nameOf, same, sameId } from './abstract.ts'

export type Neighbors = Answer & { type: 'neighbors' }

/** What a model's step wants sent; `asks`: what a question is for. */
export interface Sent {
  readonly to: Peer
  readonly message: Message
  readonly asks?: Purpose
}

export abstract class Following {
  readonly s: NodeState
  readonly sent: Sent[] = []
  #next = -1

  constructor(state: NodeState) {
    this.s = state
  }

  abstract settle(): void
  abstract proceed(): void
  abstract serveAlone(): void
  abstract otherUnanswered(asked: Asked): void

  ask(to: Peer, message: Message, asks: Purpose): void {
    this.sent.push({ to, message, asks })
    // Numbers do not matter to the model; they only differ.
    const entry = {
      to,
      purpose: asks,
      lookup: undefined,
      old: false,
      deadlineMs: Number.POSITIVE_INFINITY,
      excused: false,
      notYet: false,
    }
    this.s.asked.set(this.#next--, entry)
  }

  isAsking(kind: Purpose['kind'], to?: Peer): boolean {
    return [...this.s.asked.values()].some(
      (asked) => asked.purpose.kind === kind && (to === undefined || same(asked.to, to)),
    )
  }

  isDead(peer: Peer): boolean {
    return this.s.doubts.get(nameOf(peer))?.dead ?? false
  }

  isSuspect(peer: Peer): boolean {
    const doubt = this.s.doubts.get(nameOf(peer))
    return doubt !== undefined && (doubt.dead || doubt.misses > 0)
  }

  get isJoined(): boolean {
    return this.s.sole || this.s.list.length > 0 || this.s.status === 'isolated'
  }

  get hasLeft(): boolean {
    return this.s.status === 'left'
  }

  /** A sign of life. */
  heard(peer: Peer): void {
    const doubt = this.s.doubts.get(nameOf(peer))
    if (doubt === undefined || doubt.departed) return
    doubt.misses = 0
    doubt.dead = false
  }

  /** The only way to a list: what stands in it is in order, each but once, and not oneself. */
  follow(named: readonly Peer[]): void {
    const { self, doubts, successors } = this.s
    const present = named.filter((peer) => !doubts.get(nameOf(peer))?.departed)
    const list: Peer[] = []
    const processes = new Set<string>()
    for (const peer of present) {
      if (!between(list.at(-1)?.id ?? self.id, peer.id, self.id)) break
      list.push(peer)
      if (peer.address !== self.address) processes.add(peer.address)
      if (processes.size === successors || list.length === 4 * successors) break
    }
    const next = present[list.length]
    this.s.wraps = next !== undefined && sameId(next.id, self.id)
    this.setList(list)
  }

  setList(list: readonly Peer[]): void {
    this.s.list = list
    if (list.length > 0) this.s.sole = false
  }

  /** A round begins: nothing else of the kind is under way. */
  stabilize(): void {
    if (this.isAsking('stabilize') || this.isAsking('adopt')) return
    if (this.s.list.length > 0) this.#askFrom(0)
    else this.#followAnybody()
  }

  #askFrom(index: number): void {
    const first = this.s.list[0] as Peer
    const rest = this.s.list.slice(index).filter((peer) => !this.isDead(peer))
    const to = rest.find((peer) => !this.isSuspect(peer)) ?? rest[0]
    if (to !== undefined) this.ask(to, { type: 'getNeighbors' }, { kind: 'stabilize', first })
  }

  /** Rule 1: nobody is followed without an answer of its own, and no answer counts once the first successor is another. */
  successorAnswered(peer: Peer, first: Peer, answer: Neighbors): void {
    if (!same(first, this.s.list[0])) return
    this.follow([...this.#skipped(peer), peer, ...answer.successors])
    const nearer = answer.predecessor
    if (nearer !== undefined && between(this.s.self.id, nearer.id, peer.id) && !this.isDead(nearer))
      this.adopt(nearer, peer)
    else this.notify(peer)
  }

  adopt(peer: Peer, fallback: Peer | undefined, first: Peer | undefined = this.s.list[0]): void {
    if (!this.isAsking('adopt', peer)) this.ask(peer, { type: 'getNeighbors' }, { kind: 'adopt', first, fallback })
  }

  candidateAnswered(peer: Peer, first: Peer | undefined, answer: Neighbors): void {
    const { s } = this
    if (!same(first, s.list[0])) {
      if (s.list.length === 0) this.adopt(peer, undefined)
      return
    }
    const live = s.list.find((entry) => !this.isSuspect(entry))
    if (live === undefined || between(s.self.id, peer.id, live.id)) {
      this.follow([...this.#skipped(peer), peer, ...answer.successors])
      if (s.status === 'isolated') s.status = s.range === undefined ? 'joining' : 'member'
    }
    this.notify(peer)
  }

  /** Who lies before `peer` in our list and may live: skipped, not dropped. */
  #skipped(peer: Peer): Peer[] {
    return this.s.list.filter((entry) => between(this.s.self.id, entry.id, peer.id) && !this.isDead(entry))
  }

  notify(peer: Peer): void {
    if (this.s.leaving?.phase === 'sayingGoodbye') return
    const hasRange = this.s.range !== undefined
    this.sent.push({ to: peer, message: { type: 'notify', hasRange, skips: this.#skipped(peer).length > 0 } })
  }

  /** In a ring behind `successors`, of which the first answered. */
  enter(successors: readonly Peer[]): void {
    this.follow(successors)
    if (this.s.list.length === 0) return
    this.s.status = this.s.range === undefined ? 'joining' : 'member'
    this.stabilize()
  }

  rectify(from: Peer, hasRange: boolean, skips: boolean): void {
    const { s } = this
    if (sameId(from.id, s.self.id) || this.isDead(from)) return
    const { pred } = s
    const isNewer =
      pred !== undefined &&
      sameId(pred.id, from.id) &&
      pred.address === from.address &&
      from.incarnation > pred.incarnation
    if (pred === undefined || isNewer || between(pred.id, from.id, s.self.id)) {
      if (isNewer) this.#remove(pred)
      this.#precede(from, hasRange, skips)
    } else if (same(pred, from)) {
      s.predHas = hasRange
      s.predSkips = skips
    } else {
      s.cand = { peer: from, hasRange }
    }
    this.settle()
  }

  #precede(peer: Peer | undefined, hasRange: boolean, skips: boolean): void {
    this.s.pred = peer
    this.s.predHas = hasRange
    this.s.predSkips = skips
  }

  #remove(peer: Peer): void {
    const { s } = this
    if (same(peer, s.cand?.peer)) s.cand = undefined
    if (same(peer, s.boundary.peer)) s.boundary = { peer, dead: true }
    if (same(peer, s.pred)) this.#precede(undefined, false, false)
    if (s.list.some((entry) => same(entry, peer))) this.setList(s.list.filter((entry) => !same(entry, peer)))
  }

  /** Whoever was in no ring just then is no suspect: it is asked again. */
  expire(request: number): void {
    const asked = this.s.asked.get(request)
    if (!asked?.notYet) return this.miss(request)
    this.s.asked.delete(request)
    this.unanswered(asked, 'timeout')
  }

  /** Rule 5: a miss makes suspect, several in a row dead. */
  miss(request: number): void {
    const asked = this.s.asked.get(request)
    if (asked === undefined) return
    this.s.asked.delete(request)
    const doubt = this.#doubt(asked.to)
    if (!doubt.dead && !(asked.old && doubt.misses > 0)) {
      doubt.misses++
      if (doubt.misses >= this.s.evictAfterMisses) doubt.dead = true
      // Others that were asked before this miss say nothing new.
      for (const [number, other] of this.s.asked) {
        if (same(other.to, asked.to) && number > 0) this.s.asked.set(number, { ...other, old: true })
      }
    }
    const isDead = doubt.dead
    this.unanswered(asked, 'timeout')
    if (isDead) this.evict(asked.to, 'timeout')
  }

  unanswered(asked: Asked, reason: DownReason): void {
    if (this.hasLeft) return
    const { purpose, to } = asked
    if (purpose.kind === 'stabilize') {
      const index = this.s.list.findIndex((peer) => same(peer, to))
      if (index >= 0) this.#askFrom(index + 1)
      this.#checkAlone(reason)
    } else if (purpose.kind === 'adopt') {
      if (purpose.fallback !== undefined && !this.isDead(purpose.fallback)) this.notify(purpose.fallback)
      this.#checkAlone(reason)
    } else {
      this.otherUnanswered(asked)
    }
  }

  evict(peer: Peer, reason: DownReason): void {
    const { s } = this
    if (this.hasLeft || same(peer, s.self)) return
    const doubt = this.#doubt(peer)
    doubt.dead = true
    if (reason === 'left') doubt.departed = true
    const open = [...s.asked].filter(([, asked]) => same(asked.to, peer))
    for (const [request] of open) s.asked.delete(request)
    this.#remove(peer)
    if (same(peer, s.giving?.to)) s.giving = undefined
    for (const [, asked] of open) this.unanswered(asked, reason)
    if (this.hasLeft) return
    this.#promote()
    this.settle()
    this.#checkAlone(reason)
    if (s.leaving !== undefined) this.proceed()
  }

  #doubt(peer: Peer) {
    const known = this.s.doubts.get(nameOf(peer)) ?? { misses: 0, dead: false, departed: false }
    this.s.doubts.set(nameOf(peer), known)
    return known
  }

  /** Who notified while a predecessor was doubted takes its place; it may be asked who follows it. */
  #promote(): void {
    const { cand, pred } = this.s
    if (pred !== undefined || cand === undefined) return
    this.s.cand = undefined
    if (this.isSuspect(cand.peer)) return
    this.#precede(cand.peer, cand.hasRange, true)
    this.ask(cand.peer, { type: 'getNeighbors' }, { kind: 'confirm' })
  }

  /** Rule 4: an empty list means the whole ring only if all others said goodbye. */
  #checkAlone(reason: DownReason): void {
    const { s } = this
    if (s.list.length > 0 || this.isAsking('adopt')) return
    if (s.sole) return void (reason === 'left' && this.#followAnybody())
    if (s.status !== 'member' && s.status !== 'isolated' && s.status !== 'joining') return
    if (reason === 'left' && s.range !== undefined) {
      if (this.#followAnybody()) return
      if (s.wraps) {
        this.serveAlone()
        s.status = 'member'
        return
      }
    }
    if (s.status === 'member') s.status = 'isolated'
    if (s.serve && s.range !== undefined) this.serveAlone()
  }

  /** Who notified, or owns what lies before the range. */
  #followAnybody(): boolean {
    const { boundary, pred, self } = this.s
    const { peer, dead } = boundary
    const before = peer === undefined || dead || sameId(peer.id, self.id) || this.isDead(peer) ? undefined : peer
    const other = pred ?? before
    if (other !== undefined) this.adopt(other, undefined)
    return other !== undefined
  }

  /** `successors`: who follows the one that says goodbye. */
  left(from: Peer, successors: readonly Peer[]): void {
    const { self, list } = this.s
    const next = successors.find((peer) => !sameId(peer.id, self.id) && !same(peer, from))
    const [first, second] = list
    if (second === undefined && successors[0] !== undefined && sameId(successors[0].id, self.id)) this.s.wraps = true
    const isFirst = same(first, from)
    const isNews = first === undefined || (isFirst && !same(second, next))
    if (isNews && next !== undefined && !this.isDead(next)) this.adopt(next, undefined, isFirst ? second : first)
    this.evict(from, 'left')
  }
}
