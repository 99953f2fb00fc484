/** The model of one step of a node: an input goes in, a new state and messages come out. Nothing of the core runs here. */
import type { Answer, Message, Peer, Question } from '../../core/messages.ts'
import type { Input } from '../input.ts'
import { between, type NodeState, nameOf, same, sameId } from './abstract.ts'
import { Owning } from './owning.ts'

/** Which deadlines have passed is time's affair, so it comes with the input. */
export type StepInput =
  | Exclude<Input, { kind: 'timeout' | 'placed' }>
  | { readonly kind: 'timeout'; readonly expired: readonly number[] }

/** What a timeout may do besides: the model has no clock. */
export interface Fired {
  readonly stabilize: boolean
  readonly proceed: boolean
  /** For long nobody has granted it anything. */
  readonly claim: boolean
}

export class Model extends Owning {
  take(input: StepInput, fired: Fired): void {
    switch (input.kind) {
      case 'create':
        this.s.status = 'joining'
        this.s.sole = true
        return this.ownEverything()
      case 'join':
        this.s.status = 'joining'
        return
      case 'message':
        return this.#message(input.from, input.request, input.message)
      case 'timeout':
        for (const request of input.expired) this.expire(request)
        if (fired.stabilize) this.stabilize()
        if (fired.claim && this.#isOrphan) this.#passOn(this.s.self)
        if (fired.proceed) this.proceed()
        return
      case 'connectionLost':
        for (const peer of this.#at(input.address)) {
          const open = [...this.s.asked].filter(([, asked]) => same(asked.to, peer))
          for (const [request] of open) this.miss(request)
        }
        return
      case 'refused':
      case 'departed':
        if (input.address === this.s.self.address) return
        for (const peer of this.#at(input.address, input.kind === 'departed'))
          this.evict(peer, input.kind === 'departed' ? 'left' : 'refused')
        return
      case 'contact':
      case 'compareRings':
        if (!sameId(input.peer.id, this.s.self.id) && this.s.status !== 'left' && this.s.leaving === undefined)
          this.heard(input.peer)
        return
      case 'handedOver':
        if (this.s.giving?.token === input.token) this.servicesDone()
        return
      case 'leave':
        return this.leave()
      default:
        // Hints: it may ask somebody whether it lives.
        return
    }
  }

  /** Everyone at an address that the node has a pointer to or a question at. */
  #at(address: string, alsoRemembered = false): Peer[] {
    const { pred, list, fingers, boundary, cand, asked, remembered } = this.s
    const known = [pred, ...list, ...fingers, boundary.peer, cand?.peer, ...[...asked.values()].map(({ to }) => to)]
    if (alsoRemembered) known.push(...remembered)
    const out: Peer[] = []
    for (const peer of known) {
      if (peer?.address === address && !out.some((other) => same(other, peer))) out.push(peer)
    }
    return out
  }

  #message(from: Peer, request: number, message: Message): void {
    switch (message.type) {
      case 'ping':
      case 'getNeighbors':
      case 'closest':
      case 'grant':
      case 'handOver':
      case 'left': {
        const answer = this.#answer(from, request, message)
        this.sent.push({ to: from, message: answer })
        return
      }
      case 'notify':
        if (!this.isJoined || this.s.status === 'left') return
        this.heard(from)
        this.rectify(from, message.hasRange, message.skips)
        if (this.s.sole) this.adopt(from, undefined)
        return
      case 'meet':
        return this.#meet(message.peer)
      case 'claim':
        return this.#claimed(message.peer)
      default:
        return this.#answered(from, request, message)
    }
  }

  #answer(from: Peer, request: number, question: Question): Answer {
    const { s } = this
    if (!this.isJoined || s.status === 'left') return { type: 'notMember', joining: s.status !== 'left' }
    switch (question.type) {
      case 'ping':
        return { type: 'pong' }
      case 'getNeighbors':
        return { type: 'neighbors', predecessor: s.pred, successors: s.list, leaving: s.leaving !== undefined }
      case 'closest': {
        const live = s.list.filter((peer) => !this.isSuspect(peer))
        const first = live[0]
        const done = first === undefined || between(s.self.id, question.key, first.id) || sameId(question.key, first.id)
        return { type: 'closestKnown', done, successors: done ? live : [], next: [], conflict: undefined }
      }
      case 'grant':
        return { type: 'granted', accepted: this.grant(from, request, question) }
      case 'handOver': {
        const accepted = this.handOver(from, question.after, question.boundary)
        if (accepted) this.left(from, [s.self])
        return { type: 'handedOver', accepted, leaving: s.leaving !== undefined }
      }
      case 'left':
        this.left(from, question.successors)
        return { type: 'goodbye' }
      default:
        return question satisfies never
    }
  }

  /** Rule 8: whoever may be a nearer successor is asked. */
  #meet(peer: Peer): void {
    const { self, list, status } = this.s
    const first = list[0]
    if (!this.isJoined || status === 'left' || sameId(peer.id, self.id) || this.isDead(peer)) return
    if (first !== undefined && between(self.id, peer.id, first.id)) this.adopt(peer, undefined)
  }

  /** Whose claim to a ring without an owner comes back takes it all; it ends at an owner, and at a larger id. */
  #claimed(peer: Peer): void {
    if (!this.#isOrphan) return
    if (same(peer, this.s.self)) {
      this.ownEverything()
      this.settle()
    } else if (String(peer.id) > String(this.s.self.id)) {
      this.#passOn(peer)
    }
  }

  get #isOrphan(): boolean {
    const { range, status, leaving } = this.s
    return range === undefined && status === 'joining' && leaving === undefined && this.isJoined
  }

  #passOn(peer: Peer): void {
    const first = this.s.list[0]
    if (first === undefined || this.isSuspect(first) || between(this.s.self.id, peer.id, first.id)) return
    this.sent.push({ to: first, message: { type: 'claim', peer } })
  }

  #answered(from: Peer, request: number, answer: Answer): void {
    const asked = this.s.asked.get(request)
    if (asked === undefined) {
      if (answer.type !== 'notMember') this.heard(from)
      return
    }
    const { to } = asked
    if (answer.type === 'notMember') {
      if (to.address !== from.address) return
      if (answer.joining && asked.purpose.kind === 'grant') {
        this.s.asked.set(request, { ...asked, notYet: true })
        return
      }
      this.s.asked.delete(request)
      if (answer.joining) return this.unanswered(asked, 'timeout')
      this.#proveDead(to)
      this.unanswered(asked, 'restarted')
      return this.evict(to, 'restarted')
    }
    if (!same(to, from)) return
    this.s.asked.delete(request)
    this.heard(from)
    const { purpose } = asked
    switch (answer.type) {
      case 'pong':
        if (purpose.kind === 'conflict') {
          const { self, range, status } = this.s
          // Of two that live with one id the later goes.
          const isLater =
            self.incarnation === to.incarnation ? self.address > to.address : self.incarnation > to.incarnation
          if (range === undefined || status === 'isolated' || isLater) this.s.status = 'left'
        } else if (purpose.kind !== 'back' && same(to, this.s.pred)) {
          this.s.cand = undefined
          this.settle()
        }
        return
      case 'neighbors':
        if (purpose.kind === 'stabilize') this.successorAnswered(to, purpose.first, answer)
        else if (purpose.kind === 'adopt') this.candidateAnswered(to, purpose.first, answer)
        else if (purpose.kind === 'confirm') this.#predecessorAnswered(to, answer)
        else if (purpose.kind === 'joinCheck' && this.#wantsIn) this.enter(purpose.successors)
        if (answer.leaving)
          this.leavingSeen(to, [...(answer.predecessor ? [answer.predecessor] : []), ...answer.successors])
        return
      case 'closestKnown':
        if (purpose.kind === 'step' && answer.done) this.#placeFound(to, asked.lookup, answer)
        return
      case 'granted':
        if (purpose.kind !== 'grant') return
        this.granted(to, purpose.token, answer.accepted)
        return purpose.token === 0 ? undefined : this.proceed()
      case 'handedOver':
        if (purpose.kind === 'handOver') this.handedOver(to, answer)
        return
      case 'goodbye':
        if (purpose.kind === 'left') this.goodbye()
        return
      default:
        answer satisfies never
    }
  }

  #proveDead(peer: Peer): void {
    const name = nameOf(peer)
    const doubt = this.s.doubts.get(name) ?? { misses: 0, dead: false, departed: false }
    doubt.dead = true
    this.s.doubts.set(name, doubt)
  }

  get #wantsIn(): boolean {
    return this.s.status === 'isolated' || (this.s.status === 'joining' && !this.isJoined)
  }

  #predecessorAnswered(peer: Peer, answer: Answer & { type: 'neighbors' }): void {
    const next = answer.successors.find((entry) => !this.isDead(entry))
    if (!same(peer, this.s.pred) || !same(next, this.s.self)) return
    this.s.predSkips = false
    this.settle()
  }

  /** Of a look-up of our own id: behind `peer`. */
  #placeFound(
    peer: Peer,
    lookup: 'join' | 'finger' | 'self' | undefined,
    answer: Answer & { type: 'closestKnown' },
  ): void {
    const { self } = this.s
    if (lookup === 'self') {
      const owner = answer.successors[0] ?? peer
      if (!sameId(owner.id, self.id)) this.adopt(owner, undefined)
    } else if (lookup === 'join' && this.#wantsIn && answer.conflict === undefined) {
      const successors = answer.successors.filter((entry) => !sameId(entry.id, self.id))
      const first = successors[0]
      if (first === undefined) this.enter([peer])
      else this.ask(first, { type: 'getNeighbors' }, { kind: 'joinCheck', successors })
    }
  }
}

export type { NodeState }
