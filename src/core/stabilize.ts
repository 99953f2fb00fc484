/** Keeping the ring: stabilise, rectify, check the predecessor (Zave 2017, and protocol.md "Operations"). */
import { keyOf } from './failure-detector.ts'
import { onConflictAlive } from './join.ts'
import { askWhetherBack } from './merge.ts'
import { type Answer, isLater, type Message, type Peer, type Question, samePeer } from './messages.ts'
import { anybodyLeft, settle } from './responsibility.ts'
import type { Core, PendingQuestion } from './state.ts'

const GET_NEIGHBORS: Question = { type: 'getNeighbors' }
const PING: Question = { type: 'ping' }
const QUIET_GROWTH = 1.5
/** Of those that wait for a range from us, as many are known. */
const WAITING_MAX = 128

type Neighbors = Answer & { type: 'neighbors' }
type Notify = Pick<Message & { type: 'notify' }, 'hasRange' | 'skips'>

/** One round, on its timer. It ends in exactly one notify, by `adopted` or `finish`. */
export function stabilize(core: Core, nowMs: number): void {
  core.periods.stabilizeMs = Math.min(core.config.stabilizeMaxMs, core.periods.stabilizeMs * QUIET_GROWTH)
  core.timers.stabilizeMs = nowMs + core.periods.stabilizeMs
  if (core.isAsking('stabilize') || core.isAsking('adopt')) return
  const first = core.successors[0]
  if (first === undefined) {
    const other = anybodyLeft(core)
    if (other !== undefined) adopt(core, other, undefined, nowMs)
    return
  }
  askFrom(core, 0, first, nowMs)
}

/** The next entry from `index` on. Suspects are passed over while another is left: each is being probed already. */
function askFrom(core: Core, index: number, first: Peer, nowMs: number): void {
  const rest = core.successors.slice(index).filter((peer) => !core.detector.isDead(peer))
  const peer = rest.find((entry) => !core.detector.isSuspect(entry)) ?? rest[0]
  if (peer !== undefined) core.ask(peer, GET_NEIGHBORS, { kind: 'stabilize', first }, nowMs)
}

/** A successor answered. If not the first, those before it are kept: they are skipped, not evicted. */
export function onNeighborsOfSuccessor(core: Core, asked: Peer, first: Peer, answer: Neighbors, nowMs: number): void {
  if (!samePeer(first, core.successors[0])) return core.stabilizeSoon(nowMs)
  const between = answer.predecessor
  core.follow(behindSuspects(core, asked, answer.successors), nowMs)
  const follows = between?.id.isBetween(core.self.id, asked.id) ?? false
  if (between !== undefined && follows && core.detector.isDead(between)) askWhetherBack(core, between, nowMs)
  if (between !== undefined && follows && !core.detector.isDead(between)) {
    adopt(core, between, asked, nowMs)
  } else {
    if (between?.id.equals(core.self.id) && !samePeer(between, core.self)) onDouble(core, between, nowMs)
    notify(core, asked)
  }
}

/**
 * Somebody else has our id: our successor met that one first. The later of two that live is refused, and who owns nothing
 * has come later than one that does; it finds that out by itself, if we tell it.
 */
export function onDouble(core: Core, other: Peer, nowMs: number): void {
  const isCutOff = core.status === 'isolated'
  if (!isCutOff && core.range !== undefined && !isLater(core.self, other)) return tellOfUs(core, other)
  if (!core.isAsking('conflict')) core.ask(other, isCutOff ? GET_NEIGHBORS : PING, { kind: 'conflict' }, nowMs)
}

/** We are cut off. Whoever has a ring keeps our id; of two that have none the later is refused. */
export function onNeighborsOfDouble(core: Core, other: Peer, answer: Neighbors): void {
  if (answer.successors.length > 0 || isLater(core.self, other)) onConflictAlive(core, other)
  else tellOfUs(core, other)
}

function tellOfUs(core: Core, other: Peer): void {
  core.tell(other, { type: 'meet', peer: core.self })
}

/**
 * Ask `peer` before pointing to it. `fallback` gets the notify if it does not answer; `first` is who our first successor
 * must be when it does.
 */
export function adopt(
  core: Core,
  peer: Peer,
  fallback: Peer | undefined,
  nowMs: number,
  first = core.successors[0],
): void {
  if (core.isAsking('adopt', peer)) return
  core.ask(peer, GET_NEIGHBORS, { kind: 'adopt', first, fallback }, nowMs)
}

export function onNeighborsOfCandidate(
  core: Core,
  peer: Peer,
  purpose: { first: Peer | undefined },
  answer: Neighbors,
  nowMs: number,
): void {
  if (!samePeer(purpose.first, core.successors[0])) {
    // Whom else would we ask?
    return core.successors.length === 0 ? adopt(core, peer, undefined, nowMs) : core.stabilizeSoon(nowMs)
  }
  const last = core.firstLive
  if (last === undefined || peer.id.isBetween(core.self.id, last.id)) {
    core.follow(behindSuspects(core, peer, answer.successors), nowMs)
    if (core.status === 'isolated') core.setStatus(core.range === undefined ? 'joining' : 'member')
    // What it knows before itself may be nearer still.
    core.stabilizeSoon(nowMs)
  }
  notify(core, peer)
}

/** Who was asked did not answer: go on with the next entry, or tell the one who sent us there. */
export function onNoNeighbors(core: Core, entry: PendingQuestion, nowMs: number): void {
  if (entry.purpose.kind === 'adopt') {
    if (entry.purpose.fallback !== undefined && !core.detector.isDead(entry.purpose.fallback)) {
      notify(core, entry.purpose.fallback)
    }
    return
  }
  const first = core.successors[0]
  if (entry.purpose.kind !== 'stabilize' || first === undefined) return
  const index = core.successors.findIndex((peer) => samePeer(peer, entry.to))
  if (index >= 0) askFrom(core, index + 1, first, nowMs)
  else core.stabilizeSoon(nowMs)
}

/** `peer` and its list behind those of our entries that come before it: they are skipped, not evicted. */
function behindSuspects(core: Core, peer: Peer, itsList: readonly Peer[]): Peer[] {
  return [...passedOver(core, peer), peer, ...itsList]
}

function passedOver(core: Core, peer: Peer): Peer[] {
  return core.successors.filter((entry) => entry.id.isBetween(core.self.id, peer.id) && !core.detector.isDead(entry))
}

/** Not once our range is handed over: who follows us must not take us back. */
export function notify(core: Core, peer: Peer): void {
  if (core.departure?.phase === 'sayingGoodbye') return
  const skips = passedOver(core, peer).length > 0
  core.tell(peer, { type: 'notify', hasRange: core.range !== undefined, skips })
}

/** `from` believes that we follow it. */
export function rectify(core: Core, from: Peer, notified: Notify, nowMs: number): void {
  const { hasRange, skips } = notified
  if (from.id.equals(core.self.id) || core.detector.isDead(from)) return
  const current = core.predecessor
  if (current === undefined || from.id.isBetween(current.id, core.self.id) || isNewer(from, current)) {
    if (current !== undefined && isNewer(from, current)) core.removeEverywhere(current, 'restarted', nowMs)
    // Its successor is `from` now. It would find out by itself, a whole period later.
    if (current !== undefined && from.id.isBetween(current.id, core.self.id))
      core.tell(current, { type: 'meet', peer: from })
    core.setPredecessor(from, hasRange, skips)
    core.changed(nowMs)
  } else if (samePeer(from, current)) {
    core.predecessorHasRange = hasRange
    core.predecessorSkips = skips
  } else {
    // It becomes our predecessor if the present one turns out dead.
    core.candidate = { peer: from, hasRange }
    if (!core.isAsking('probe', current)) core.ask(current, PING, { kind: 'probe' }, nowMs)
  }
  noteWaiting(core, from, hasRange, nowMs)
  if (!hasRange) pointCloser(core, from)
  settle(core, nowMs)
}

function noteWaiting({ waiting }: Core, from: Peer, hasRange: boolean, nowMs: number): void {
  const key = keyOf(from)
  waiting.delete(key)
  if (hasRange) return
  waiting.set(key, { peer: from, atMs: nowMs })
  if (waiting.size > WAITING_MAX) waiting.delete(waiting.keys().next().value as string)
}

/**
 * Many may be joining right before us at once. Who has just come finds its successor among them in one step if we name
 * the next one after it, instead of walking back from predecessor to predecessor.
 */
function pointCloser(core: Core, joiner: Peer): void {
  let closest = core.self
  for (const peer of core.remembered.list()) {
    if (peer.id.isBetween(joiner.id, closest.id) && !core.detector.isSuspect(peer)) closest = peer
  }
  if (closest === core.self) return
  // Messages within a process take no time: one that follows somebody nearer still would be told so, and ask, without end.
  if (closest.address === core.self.address && joiner.address === core.self.address) return
  core.tell(joiner, { type: 'meet', peer: closest })
}

/** After a death: whoever notified us meanwhile takes the place. It may have found others between us since: ask it. */
export function promoteCandidate(core: Core, nowMs: number): void {
  const candidate = core.candidate
  if (core.predecessor !== undefined || candidate === undefined) return
  core.candidate = undefined
  if (core.detector.isSuspect(candidate.peer)) return
  core.setPredecessor(candidate.peer, candidate.hasRange, true)
  core.ask(candidate.peer, GET_NEIGHBORS, { kind: 'confirm' }, nowMs)
}

/** Our predecessor says who follows it. */
export function onNeighborsOfPredecessor(core: Core, predecessor: Peer, answer: Neighbors, nowMs: number): void {
  const next = answer.successors.find((peer) => !core.detector.isDead(peer))
  if (!samePeer(predecessor, core.predecessor) || !samePeer(next, core.self)) return
  core.predecessorSkips = false
  settle(core, nowMs)
}

/**
 * Between stabilisations: whichever neighbour has been silent for half the quiet period is asked whether it lives. The
 * predecessor gets a little longer, so that of two neighbours that would ask each other one does.
 */
export function checkNeighbors(core: Core, nowMs: number): void {
  const periodMs = core.config.stabilizeMaxMs / 2
  core.timers.neighborsMs = nowMs + periodMs
  askIfSilent(core, core.successors[0], periodMs, nowMs)
  askIfSilent(core, core.predecessor, 1.25 * periodMs, nowMs)
}

function askIfSilent(core: Core, peer: Peer | undefined, patienceMs: number, nowMs: number): void {
  if (peer === undefined) return
  const dueMs = core.detector.lastHeardMs(peer) + patienceMs
  if (dueMs > nowMs) core.timers.neighborsMs = Math.min(core.timers.neighborsMs, dueMs)
  else if (!core.isAsking('probe', peer)) core.ask(peer, PING, { kind: 'probe' }, nowMs)
}

/** The process of `than` is gone, and this is the one that took its place. Elsewhere it would be another with that id. */
function isNewer(peer: Peer, than: Peer): boolean {
  return peer.id.equals(than.id) && peer.address === than.address && peer.incarnation > than.incarnation
}
