/**
 * One virtual node of the ring, without I/O: messages, timeouts and news of connections go in; messages, events and
 * wishes come out of `poll`. Time and randomness are arguments. (Stoica et al. 2003, corrected after Zave 2017.)
 */
import { probe, tellNeighborsOf, vouch } from './doubt.ts'
import { assert } from './errors.ts'
import { evict, hasLeft, onLeft, onUnanswered, takePending } from './eviction.ts'
import type { Id } from './id.ts'
import { create, join, onConflictAlive, onJoinCheck, seekThrough, tryToJoin } from './join.ts'
import { leave, onGoodbye, onHandedOver, onLeaverServicesDone, onLeavingSeen, proceed } from './leave.ts'
import { answerClosest, onClosestKnown } from './lookup.ts'
import { fixFingers } from './maintenance.ts'
import { lookUpSelf, lookUpSelfVia, onBack, onMeet } from './merge.ts'
import { type Answer, type Message, type OneWay, type Peer, type Question, type Range, samePeer } from './messages.ts'
import { claim, onClaim } from './orphans.ts'
import type { CoreStatus, DownReason, Output } from './output.ts'
import { acceptGrant, acceptHandOver, onGranted, onServicesDone, settle } from './responsibility.ts'
import {
  adopt,
  checkNeighbors,
  onDouble,
  onNeighborsOfCandidate,
  onNeighborsOfDouble,
  onNeighborsOfPredecessor,
  onNeighborsOfSuccessor,
  rectify,
  stabilize,
} from './stabilize.ts'
import { Core, type CoreConfig, type CoreRandom, type PendingQuestion, type Purpose } from './state.ts'

export type { CoreConfig } from './state.ts'

/** A deadline that we notice this late was missed by us, not by the peer: its answer may be waiting to be read. */
const STALL_MS = 25

export class ChordNode {
  readonly core: Core

  constructor(o: { self: Peer; config: CoreConfig; random: CoreRandom }) {
    this.core = new Core(o.self, o.config, o.random)
  }

  get self(): Peer {
    return this.core.self
  }

  /** Make a ring of our own. */
  create(nowMs: number): void {
    assert(this.core.status === 'new', 'a node starts once')
    create(this.core, nowMs)
  }

  /** Join through contacts, trying for ever; more can be given by `contact`. */
  join(contacts: readonly Peer[], nowMs: number): void {
    assert(this.core.status === 'new', 'a node starts once')
    join(this.core, contacts, nowMs)
    for (const peer of contacts) if (peer.id.equals(this.self.id)) this.contact(peer, nowMs)
  }

  /** A member was reached whom we asked for, or who came by. */
  contact(peer: Peer, nowMs: number): void {
    const core = this.core
    if (samePeer(peer, core.self) || core.status === 'left' || core.departure !== undefined) return
    if (peer.id.equals(core.self.id)) {
      return core.range === undefined || core.status === 'isolated' ? onDouble(core, peer, nowMs) : undefined
    }
    this.#heardFrom(peer, undefined, nowMs)
    this.#seekThrough(peer, nowMs)
  }

  /** A seed was reached: is its ring ours? */
  compareRings(peer: Peer, nowMs: number): void {
    this.contact(peer, nowMs)
    if (this.core.status === 'member') lookUpSelfVia(this.core, peer, nowMs)
  }

  leave(nowMs: number): void {
    leave(this.core, nowMs)
  }

  handleMessage(from: Peer, request: number, message: Message, nowMs: number): void {
    const core = this.core
    core.detector.heard(from, nowMs)
    switch (message.type) {
      case 'ping':
      case 'getNeighbors':
      case 'closest':
      case 'grant':
      case 'handOver':
      case 'left':
        core.outputs.push({ kind: 'send', to: from, request, message: this.#answer(from, request, message, nowMs) })
        return
      case 'notify':
      case 'meet':
      case 'claim':
        return this.#handleOneWay(from, message, nowMs)
      default:
        return this.#handleAnswer(from, request, message, nowMs)
    }
  }

  #answer(from: Peer, request: number, question: Question, nowMs: number): Answer {
    const core = this.core
    if (!core.joined || core.status === 'left') return { type: 'notMember', joining: core.status !== 'left' }
    switch (question.type) {
      case 'ping':
        return { type: 'pong' }
      case 'getNeighbors': {
        const { predecessor, successors } = core
        return { type: 'neighbors', predecessor, successors, leaving: core.departure !== undefined }
      }
      case 'closest': {
        const answer = answerClosest(core, from, question)
        // The asker is the later life of a peer that we list: find out whether the earlier one is over.
        if (answer.conflict !== undefined && !core.isAsking('probe', answer.conflict)) {
          core.ask(answer.conflict, { type: 'ping' }, { kind: 'probe' }, nowMs)
        }
        if (answer.done || samePeer(answer.next[0], core.firstLive)) vouch(core, nowMs)
        return answer
      }
      case 'grant':
        return { type: 'granted', accepted: acceptGrant(core, from, request, question, nowMs) }
      case 'handOver': {
        const accepted = acceptHandOver(core, from, question)
        if (accepted) onLeft(core, from, [core.self], nowMs)
        return { type: 'handedOver', accepted, leaving: core.departure !== undefined }
      }
      case 'left':
        onLeft(core, from, question.successors, nowMs)
        return { type: 'goodbye' }
      default:
        return question satisfies never
    }
  }

  #handleOneWay(from: Peer, message: OneWay, nowMs: number): void {
    const core = this.core
    if (!core.joined || core.status === 'left') return
    if (message.type === 'meet') return onMeet(core, message.peer, nowMs)
    if (message.type === 'claim') return onClaim(core, message.peer, nowMs)
    this.#heardFrom(from, undefined, nowMs)
    rectify(core, from, message, nowMs)
    if (core.status === 'isolated') seekThrough(core, from, nowMs)
    if (core.sole) adopt(core, from, undefined, nowMs)
  }

  #handleAnswer(from: Peer, request: number, answer: Answer, nowMs: number): void {
    const core = this.core
    if (core.status === 'left') return
    const entry = core.pending.get(request)
    if (entry === undefined) {
      // Too late to be used, but a sign of life, and of how patient we have to be the next time.
      if (answer.type === 'notMember') return
      this.#heardFrom(from, core.late.take(request, from, nowMs), nowMs)
      return this.#seekThrough(from, nowMs)
    }
    if (answer.type === 'notMember') {
      if (entry.to.address !== from.address) return
      // It is in no ring at the moment. A grant is told again when its time is up: at once, the two would go on and on.
      if (answer.joining && entry.purpose.kind === 'grant') {
        entry.notYet = true
        return
      }
      core.pending.delete(request)
      if (answer.joining) onUnanswered(core, entry, 'timeout', nowMs)
      else {
        core.detector.proveDead(entry.to)
        onUnanswered(core, entry, 'restarted', nowMs)
        evict(core, entry.to, 'restarted', nowMs)
      }
      return
    }
    if (!samePeer(entry.to, from)) return
    core.pending.delete(request)
    this.#heardFrom(from, nowMs - entry.sentMs, nowMs)
    this.#applyAnswer(entry, answer, nowMs)
  }

  #applyAnswer(entry: PendingQuestion, answer: Answer, nowMs: number): void {
    const core = this.core
    const { to: from, purpose } = entry
    switch (answer.type) {
      case 'pong':
        return this.#proved(from, purpose, nowMs)
      case 'neighbors':
        if (purpose.kind === 'stabilize') onNeighborsOfSuccessor(core, from, purpose.first, answer, nowMs)
        else if (purpose.kind === 'adopt') onNeighborsOfCandidate(core, from, purpose, answer, nowMs)
        else if (purpose.kind === 'confirm') onNeighborsOfPredecessor(core, from, answer, nowMs)
        else if (purpose.kind === 'conflict') onNeighborsOfDouble(core, from, answer)
        else if (purpose.kind === 'joinCheck') onJoinCheck(core, purpose.successors, nowMs)
        if (answer.leaving) onLeavingSeen(core, from, answer, nowMs)
        return
      case 'closestKnown':
        if (purpose.kind === 'step') onClosestKnown(core, purpose.lookup, from, answer, nowMs)
        return
      case 'granted':
        if (purpose.kind !== 'grant') return
        onGranted(core, from, purpose.token, answer.accepted, nowMs)
        // An inheritance has yet to come round to the heir: a leaver that went on at once would do so again and again.
        return purpose.token === 0 ? undefined : proceed(core, nowMs)
      case 'handedOver':
        if (purpose.kind === 'handOver') onHandedOver(core, from, answer, nowMs)
        return
      case 'goodbye':
        if (purpose.kind === 'left') onGoodbye(core, nowMs)
        return
      case 'notMember':
        return
      default:
        answer satisfies never
    }
  }

  /** A pong: the peer lives. */
  #proved(peer: Peer, purpose: Purpose, nowMs: number): void {
    const core = this.core
    if (purpose.kind === 'conflict') return onConflictAlive(core, peer)
    if (purpose.kind === 'back') return onBack(core, peer, nowMs)
    if (samePeer(peer, core.predecessor)) {
      core.candidate = undefined
      settle(core, nowMs)
    }
  }

  /** If we look for a ring, this may be the way into it. */
  #seekThrough(peer: Peer, nowMs: number): void {
    const { core } = this
    if (core.status === 'isolated' || (core.status === 'joining' && !core.joined)) seekThrough(core, peer, nowMs)
  }

  #heardFrom(peer: Peer, roundTripMs: number | undefined, nowMs: number): void {
    const core = this.core
    if (!core.detector.hasDeparted(peer)) core.remembered.add(peer, true)
    if (!core.detector.alive(peer, roundTripMs)) return
    core.tableVersion++
    core.hurry(nowMs)
  }

  handleTimeout(nowMs: number): void {
    const core = this.core
    // What is asked anew meanwhile comes by here too, and is not due.
    for (const [request, entry] of core.pending) {
      if (entry.deadlineMs > nowMs) continue
      if (nowMs - entry.deadlineMs > STALL_MS && !entry.excused) {
        entry.excused = true
        entry.deadlineMs = nowMs + STALL_MS
        continue
      }
      core.pending.delete(request)
      if (entry.notYet) onUnanswered(core, entry, 'timeout', nowMs)
      else this.#missed(entry, nowMs)
    }
    const { timers } = core
    if (timers.stabilizeMs <= nowMs) {
      stabilize(core, nowMs)
      claim(core, nowMs)
    }
    if (timers.neighborsMs <= nowMs) checkNeighbors(core, nowMs)
    if (timers.rejoinMs <= nowMs) tryToJoin(core, nowMs)
    if (timers.departureMs <= nowMs) proceed(core, nowMs)
    if (timers.selfLookupMs <= nowMs) lookUpSelf(core, nowMs)
    if (timers.fingersMs <= nowMs) fixFingers(core, nowMs)
  }

  /** No answer in time: suspect, so routing avoids it; asked again at once with more patience; dead after several. */
  #missed(entry: PendingQuestion, nowMs: number): void {
    const core = this.core
    // Several may be missed at once, and a leaver be done after the first.
    if (hasLeft(core)) return
    const { to } = entry
    core.late.add(entry)
    const isNews = !core.detector.isSuspect(to)
    const dead = core.detector.miss(to, entry.sentMs, nowMs)
    if (isNews) tellNeighborsOf(core, to)
    core.tableVersion++
    // Those behind it in the list may be silent too: find out now, not in turn.
    if (samePeer(to, core.successors[0])) core.hurry(nowMs)
    onUnanswered(core, entry, 'timeout', nowMs)
    if (hasLeft(core)) return
    if (dead) evict(core, to, 'timeout', nowMs)
    else probe(core, to, nowMs)
  }

  /** Nobody listens at the address any more: every peer there is dead. */
  refused(address: string, nowMs: number): void {
    this.#evictAll(address, 'refused', nowMs)
  }

  /** The process at the address said that it leaves for good. */
  departed(address: string, nowMs: number): void {
    this.#evictAll(address, 'left', nowMs)
  }

  /** A connection to the address broke without a goodbye: a hint to ask at once. What was asked over it is lost. */
  connectionLost(address: string, nowMs: number): void {
    const core = this.core
    for (const peer of this.#peersAt(address)) {
      const unanswered = takePending(core, (pending) => samePeer(pending.to, peer))
      for (const entry of unanswered) this.#missed(entry, nowMs)
      probe(core, peer, nowMs)
    }
  }

  /** Something was handed to the address, from which nothing has come for a while: a hint to ask. What vanished refuses nothing. */
  silent(address: string, nowMs: number): void {
    if (address === this.core.self.address) return
    for (const peer of this.#peersAt(address)) probe(this.core, peer, nowMs)
  }

  #evictAll(address: string, reason: DownReason, nowMs: number): void {
    if (address === this.core.self.address) return
    const known = this.#peersAt(address)
    // Whom we only remember may still be named to us by others, and must not be followed then.
    if (reason === 'left') known.push(...this.core.remembered.list().filter((peer) => peer.address === address))
    for (const peer of known) evict(this.core, peer, reason, nowMs)
  }

  /** Everyone of an address that we have a pointer to or a question at. */
  #peersAt(address: string): Peer[] {
    const { predecessor, successors, fingers, pending, boundary, candidate } = this.core
    const known = [predecessor, ...successors, ...fingers.distinct(), boundary.peer, candidate?.peer]
    for (const entry of pending.values()) known.push(entry.to)
    const out: Peer[] = []
    for (const peer of known) {
      if (peer?.address === address && !out.some((other) => samePeer(other, peer))) out.push(peer)
    }
    return out
  }

  /** The services are done with the hand-over that `poll` asked for. */
  handedOver(token: number, nowMs: number): void {
    const core = this.core
    if (core.handover?.token !== token || core.handover.phase !== 'services') return
    if (core.handover.cause === 'leave') onLeaverServicesDone(core, nowMs)
    else onServicesDone(core, nowMs)
  }

  /** The next thing to do; undefined when all is done. Drain it after every input. */
  poll(): Output | undefined {
    return this.core.outputs.shift()
  }

  /** When `handleTimeout` wants to be called next; Infinity for never. */
  nextTimeout(): number {
    const { timers, pending } = this.core
    let next = Math.min(
      timers.stabilizeMs,
      timers.neighborsMs,
      timers.fingersMs,
      timers.selfLookupMs,
      timers.rejoinMs,
      timers.departureMs,
    )
    for (const entry of pending.values()) next = Math.min(next, entry.deadlineMs)
    return next
  }

  get status(): CoreStatus {
    return this.core.status
  }

  get predecessor(): Peer | undefined {
    return this.core.predecessor
  }

  get successors(): readonly Peer[] {
    return this.core.successors
  }

  get range(): Range | undefined {
    return this.core.range
  }

  get epoch(): bigint {
    return this.core.epoch
  }

  owns(key: Id): boolean {
    const { range } = this.core
    return range !== undefined && key.isBetweenOrEnd(range.after, range.upTo)
  }

  /** To be kept across restarts, most recently alive first. */
  remembered(): Peer[] {
    return this.core.remembered.list()
  }

  /** Addresses that it routes by: successors, predecessor, fingers. */
  routingAddresses(): Set<string> {
    const { predecessor, successors, fingers } = this.core
    const addresses = new Set<string>()
    for (const peer of successors) addresses.add(peer.address)
    for (const peer of fingers.distinct()) addresses.add(peer.address)
    if (predecessor !== undefined) addresses.add(predecessor.address)
    addresses.delete(this.core.self.address)
    return addresses
  }
}
