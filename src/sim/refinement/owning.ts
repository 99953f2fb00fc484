/** The model of who owns what, and of leaving (protocol.md, "Responsibility", rule 10). */
import type { Boundary, Peer, Question } from '../../core/messages.ts'
import { type Asked, between, nameOf, same, sameId } from './abstract.ts'
import { Following } from './following.ts'

type Grant = Question & { type: 'grant' }

export class Owning extends Following {
  /** What the services are to hand over. */
  readonly services: { readonly to: Peer; readonly cause: 'grant' | 'leave' }[] = []
  /** To whom the core gives something in this step. */
  chosen: Peer | undefined = undefined

  serveAlone(): void {
    this.s.sole = true
    if (this.s.range === undefined || !sameId(this.s.range.after, this.s.self.id)) this.ownEverything()
  }

  ownEverything(): void {
    const { self } = this.s
    this.s.boundary = { peer: self, dead: false }
    this.s.heir = false
    this.#own(self.id)
  }

  /** (after, self] */
  #own(after: Peer['id'] | undefined): void {
    const { s } = this
    s.range = after === undefined ? undefined : { after, upTo: s.self.id }
    if (s.range !== undefined && s.status === 'joining') s.status = 'member'
  }

  /** A range grows only into what was the dead's, and shrinks only by grant. */
  settle(): void {
    const { s } = this
    const { pred, range } = s
    if (s.giving !== undefined || s.leaving !== undefined) return
    if (pred === undefined) return this.#reclaim()
    if (this.isSuspect(pred)) return
    if (range === undefined) {
      if (s.heir) this.#takeOver(pred)
    } else if (sameId(range.after, pred.id)) {
      s.boundary = { peer: pred, dead: false }
      if (!s.predHas) this.#passInheritance(pred)
    } else if (between(range.after, pred.id, s.self.id)) {
      this.#offer(this.#heir(range.after, pred))
    } else if (s.boundary.dead) {
      this.#takeOver(pred)
    }
  }

  /** Of a crowd between its border and its predecessor, anybody who is not doubted; how many are one the core may say. */
  #heir(after: Peer['id'], pred: Peer): Peer {
    const { chosen } = this
    return chosen !== undefined && between(after, chosen.id, pred.id) && !this.isSuspect(chosen) ? chosen : pred
  }

  /** Alone, it takes back what those had who are dead. */
  #reclaim(): void {
    const { sole, boundary, range, self } = this.s
    if (!sole || !boundary.dead || range === undefined || sameId(range.after, self.id)) return
    if (!this.isAsking('adopt')) this.ownEverything()
  }

  #takeOver(pred: Peer): void {
    if (this.s.predSkips) return
    this.s.heir = false
    this.s.boundary = { peer: pred, dead: false }
    this.#own(pred.id)
    if (!this.s.predHas) this.#passInheritance(pred)
  }

  #passInheritance(to: Peer): void {
    if (this.isAsking('grant', to)) return
    const boundary = { peer: undefined, dead: true }
    this.ask(to, { type: 'grant', after: undefined, boundary }, { kind: 'grant', token: 0 })
  }

  #offer(to: Peer): void {
    const { range, boundary, self } = this.s
    if (range === undefined) return
    const lost = { after: range.after, upTo: to.id }
    this.s.giving = { token: -1, cause: 'grant', to, lost, phase: 'services', boundary }
    this.services.push({ to, cause: 'grant' })
    void self
  }

  servicesDone(): void {
    const { giving } = this.s
    if (giving === undefined || giving.phase !== 'services') return
    giving.phase = giving.cause === 'leave' ? 'ready' : 'telling'
    if (giving.cause === 'leave') this.proceed()
    else this.#tellGrant()
  }

  #tellGrant(): void {
    const { giving } = this.s
    if (giving === undefined) return
    const { to, lost, boundary, token } = giving
    this.ask(to, { type: 'grant', after: lost.after, boundary }, { kind: 'grant', token })
  }

  granted(from: Peer, token: number, accepted: boolean): void {
    const { s } = this
    const { giving } = s
    if (giving === undefined || giving.token !== token) return
    s.giving = undefined
    if (!accepted) {
      s.leaving?.leavingToo.add(nameOf(from))
      return
    }
    if (same(from, s.pred)) s.predHas = true
    if (s.range !== undefined && sameId(s.range.after, giving.lost.after)) {
      s.boundary = { peer: from, dead: this.isDead(from) }
      this.#own(from.id)
    }
    this.settle()
  }

  /** Returns whether it is taken. */
  grant(from: Peer, request: number, { after, boundary }: Grant): boolean {
    const { s } = this
    if (s.taken !== undefined && s.taken.request === request && same(s.taken.from, from)) return true
    if (s.leaving !== undefined) return false
    if (after !== undefined) s.taken = { from, request }
    if (after === undefined) {
      if (s.range !== undefined) return true
      s.heir = true
    } else if (s.range === undefined || between(after, s.range.after, s.self.id)) {
      s.boundary = this.#known(boundary)
      this.#own(after)
    }
    this.settle()
    return true
  }

  handOver(from: Peer, after: Peer['id'], boundary: Boundary): boolean {
    const { s } = this
    if (s.doubts.get(nameOf(from))?.departed) return true
    if (s.range === undefined || s.leaving !== undefined) return false
    // What it was offered it has not got yet, or has got whole.
    const { giving } = s
    const isOffer = giving !== undefined && same(giving.to, from)
    if (giving !== undefined && !(isOffer && (giving.phase === 'services' || sameId(giving.lost.after, after))))
      return false
    if (!sameId(s.range.after, from.id)) return between(s.range.after, from.id, s.self.id)
    // What reaches into ours makes the two the whole ring.
    const isWhole = sameId(after, from.id) || between(from.id, after, s.self.id)
    s.boundary = isWhole ? { peer: s.self, dead: false } : this.#known(boundary)
    this.#own(isWhole ? s.self.id : after)
    return true
  }

  #known({ peer, dead }: Boundary): Boundary {
    return { peer, dead: peer === undefined || dead ? dead : this.isDead(peer) }
  }

  otherUnanswered({ purpose, to }: Asked): void {
    if (purpose.kind === 'grant' && this.s.giving !== undefined && this.s.giving.token === purpose.token)
      this.#tellGrant()
    else if (purpose.kind === 'handOver') this.handedOver(to, undefined)
    else if (purpose.kind === 'left') this.goodbye()
    else if (purpose.kind === 'conflict' && this.isDead(to) && to.incarnation > this.s.self.incarnation)
      this.s.status = 'left'
  }

  leave(): void {
    const { s } = this
    if (s.leaving !== undefined || s.status === 'left') return
    const mustHandOver = this.isJoined || s.range !== undefined
    s.leaving = { phase: 'handingOver', leavingToo: new Set(), heard: new Set(), named: [], goodbyesLeft: 0 }
    s.status = 'leaving'
    if (s.giving?.phase === 'services' && s.predHas) s.giving = undefined
    if (mustHandOver) this.proceed()
    else this.#finish()
  }

  proceed(): void {
    const { s } = this
    const { leaving } = s
    if (leaving === undefined || s.status === 'left') return
    if (leaving.phase === 'sayingGoodbye') {
      if (leaving.goodbyesLeft <= 0) this.#finish()
      return
    }
    if (s.giving?.cause === 'grant' || this.isAsking('handOver') || s.giving?.phase === 'services') return
    if (s.giving?.phase === 'telling') return this.#tellHandOver()
    const joiner = this.#joiner()
    if (joiner !== undefined && s.giving === undefined && !leaving.leavingToo.has(nameOf(joiner)))
      return this.#offer(joiner)
    const heir = s.list.find((peer) => !this.isDead(peer))
    const others = [...this.#neighbors(), ...leaving.named.filter((peer) => !this.isDead(peer))]
    const everybodyLeaves = others.every((peer) => leaving.heard.has(nameOf(peer)))
    if (this.isAsking('adopt')) return
    if (heir === undefined && s.pred !== undefined && !leaving.leavingToo.has(nameOf(s.pred)))
      return this.adopt(s.pred, undefined)
    if (heir === undefined || everybodyLeaves) return this.#finish()
    if (s.range === undefined) return this.#sayGoodbye()
    if (s.giving !== undefined && same(s.giving.to, heir)) return this.#tellHandOver()
    s.giving = { token: -1, cause: 'leave', to: heir, lost: s.range, phase: 'services', boundary: s.boundary }
    this.services.push({ to: heir, cause: 'leave' })
  }

  /** Until it refuses, or dies, it may own the range. */
  #tellHandOver(): void {
    const { range, boundary, giving } = this.s
    if (range === undefined || giving === undefined) return
    giving.phase = 'telling'
    this.ask(giving.to, { type: 'handOver', after: range.after, boundary }, { kind: 'handOver' })
  }

  /** Right before us, and without a range. */
  #joiner(): Peer | undefined {
    const { pred, predHas, range, self } = this.s
    if (pred === undefined || predHas || range === undefined || this.isSuspect(pred)) return undefined
    return between(range.after, pred.id, self.id) ? pred : undefined
  }

  #neighbors(): Peer[] {
    const { list, pred } = this.s
    return [...list, ...(pred === undefined ? [] : [pred])].filter((peer) => !this.isDead(peer))
  }

  handedOver(from: Peer, answer: { readonly accepted: boolean; readonly leaving: boolean } | undefined): void {
    const { s } = this
    if (s.leaving === undefined || s.range === undefined) return
    if (answer?.accepted) {
      s.giving = undefined
      this.#own(undefined)
      return this.#sayGoodbye()
    }
    if (answer?.leaving) s.leaving.leavingToo.add(nameOf(from))
    if (answer === undefined) return
    if (s.giving !== undefined) s.giving.phase = 'ready'
    if (this.#joiner() !== undefined) s.giving = undefined
    else this.#bequeath()
  }

  /** The heir owns nothing and nobody else is left who does: it comes round to it by way of our predecessor. */
  #bequeath(): void {
    const { pred, predHas, predSkips, boundary } = this.s
    if (pred === undefined || predHas || predSkips || this.isSuspect(pred)) return
    if (boundary.dead || same(pred, boundary.peer)) this.#passInheritance(pred)
  }

  leavingSeen(from: Peer, known: readonly Peer[]): void {
    const { leaving, self, successors } = this.s
    if (leaving === undefined) return
    leaving.leavingToo.add(nameOf(from))
    leaving.heard.add(nameOf(from))
    if (leaving.heard.size <= 4 * successors) {
      const news = known.filter((peer) => !sameId(peer.id, self.id) && !leaving.named.some((one) => same(one, peer)))
      leaving.named = [...leaving.named, ...news]
    }
    this.proceed()
  }

  #sayGoodbye(): void {
    const { leaving, pred, list } = this.s
    if (leaving === undefined || leaving.phase === 'sayingGoodbye') return
    leaving.phase = 'sayingGoodbye'
    const listeners = new Map<string, Peer>()
    for (const peer of [pred, list[0]]) if (peer !== undefined && !this.isDead(peer)) listeners.set(nameOf(peer), peer)
    leaving.goodbyesLeft = listeners.size
    if (listeners.size === 0) return this.#finish()
    const successors = list.slice(0, 1)
    for (const peer of listeners.values()) this.ask(peer, { type: 'left', successors }, { kind: 'left' })
  }

  goodbye(): void {
    if (this.s.leaving?.phase !== 'sayingGoodbye') return
    this.s.leaving.goodbyesLeft--
    this.proceed()
  }

  #finish(): void {
    this.s.asked.clear()
    this.s.status = 'left'
  }
}
