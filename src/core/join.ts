/** Becoming part of a ring: create, join, rejoin after isolation, for ever. */

import { finish } from './leave.ts'
import { isLookingUp, startLookup } from './lookup.ts'
import { askWhetherBack } from './merge.ts'
import { isLater, type Peer } from './messages.ts'
import { ownEverything } from './responsibility.ts'
import { stabilize } from './stabilize.ts'
import type { Core } from './state.ts'

/** How many of the remembered that fell silent an isolated node asks in each attempt. */
const SILENT_ASKED = 8
/**
 * A newcomer looks for its own place after about so many of the shortest periods of stabilization, and from there on ever more rarely.
 * Where thousands join at once, chains of them interleave, which stabilization would sort one by one.
 */
const FIRST_SELF_LOOKUP = 2

/** We are the ring (SOLE), until somebody notifies us. */
export function create(core: Core, nowMs: number): void {
  core.setStatus('joining')
  core.sole = true
  ownEverything(core, 'create')
  startUpkeep(core, nowMs)
}

export function join(core: Core, contacts: readonly Peer[], nowMs: number): void {
  core.setStatus('joining')
  core.contacts = [...contacts]
  core.timers.rejoinMs = nowMs
}

/** A peer that answered a hello just now: worth asking if we want in, worth comparing rings with if we are in. */
export function seekThrough(core: Core, peer: Peer, nowMs: number): void {
  // Its connection may outlive its goodbye for a while: asking for seeds would find it again and again at the same instant.
  if (core.detector.hasDeparted(peer)) return
  core.contacts = [peer, ...core.contacts.filter((known) => !known.id.equals(peer.id))].slice(
    0,
    core.config.rememberedPeers,
  )
  if (!isLookingUp(core, 'join') && !core.isAsking('joinCheck') && !core.isAsking('conflict'))
    core.timers.rejoinMs = nowMs
}

/** On the rejoin timer: one attempt through everybody we know, nearest before our own place first. */
export function tryToJoin(core: Core, nowMs: number): void {
  if (!wantsIn(core)) {
    core.timers.rejoinMs = Number.POSITIVE_INFINITY
    return
  }
  const { rejoinMaxMs } = core.config
  const jitter = 0.75 + (core.random.nextUint32() / 0xffffffff) * 0.5
  core.timers.rejoinMs = nowMs + core.periods.rejoinMs * jitter
  core.periods.rejoinMs = Math.min(rejoinMaxMs, core.periods.rejoinMs * 2)
  core.outputs.push({ kind: 'seeds' })
  if (core.status === 'isolated') askTheSilent(core, nowMs)
  if (isLookingUp(core, 'join') || core.isAsking('joinCheck') || core.isAsking('conflict')) return
  const known = [...core.contacts, ...core.remembered.list()]
  if (known.length > 0) startLookup(core, core.self.id, { kind: 'join' }, known, nowMs)
}

/** Cut off, we count everybody as dead. Some of them at a time are asked whether they are. */
function askTheSilent(core: Core, nowMs: number): void {
  const silent = core.remembered.list().filter((peer) => core.detector.isDead(peer))
  const start = core.random.nextUint32() % Math.max(1, silent.length)
  for (let i = 0; i < Math.min(SILENT_ASKED, silent.length); i++) {
    askWhetherBack(core, silent[(start + i) % silent.length] as Peer, nowMs)
  }
}

function wantsIn(core: Core): boolean {
  return (core.status === 'joining' && !core.joined) || core.status === 'isolated'
}

/** `predecessor` is who we join behind. */
export function onJoinPointFound(
  core: Core,
  predecessor: Peer,
  itsSuccessors: readonly Peer[],
  conflict: Peer | undefined,
  nowMs: number,
): void {
  if (!wantsIn(core)) return
  if (conflict !== undefined) {
    // A dead incarnation of ours is still in its table, or a living process has our id.
    core.ask(conflict, { type: 'ping' }, { kind: 'conflict' }, nowMs)
    return
  }
  const others = itsSuccessors.filter((peer) => !peer.id.equals(core.self.id))
  const first = others[0]
  if (first === undefined) return enter(core, [predecessor], nowMs)
  core.ask(first, { type: 'getNeighbors' }, { kind: 'joinCheck', successors: others }, nowMs)
}

/** The first of `successors` is alive. */
export function onJoinCheck(core: Core, successors: readonly Peer[], nowMs: number): void {
  if (wantsIn(core)) enter(core, successors, nowMs)
}

function enter(core: Core, successors: readonly Peer[], nowMs: number): void {
  core.timers.rejoinMs = Number.POSITIVE_INFINITY
  core.periods.rejoinMs = core.config.rejoinMinMs
  core.follow(successors, nowMs)
  if (core.successors.length === 0) return onJoinPointMissing(core, nowMs)
  core.setStatus(core.range === undefined ? 'joining' : 'member')
  startUpkeep(core, nowMs)
  stabilize(core, nowMs)
}

export function onJoinPointMissing(core: Core, nowMs: number): void {
  if (wantsIn(core)) core.timers.rejoinMs = Math.min(core.timers.rejoinMs, nowMs + core.periods.rejoinMs)
}

/** The other incarnation answered: it is not dead, so we must not be. */
export function onConflictAlive(core: Core, peer: Peer): void {
  if (core.range !== undefined && core.status !== 'isolated' && !isLater(core.self, peer)) return
  finish(core)
  core.emit({ type: 'duplicate', peer })
}

/** The other incarnation is dead. If it counts as the later one, we have to count higher. */
export function onConflictDead(core: Core, peer: Peer, nowMs: number): void {
  if (peer.incarnation > core.self.incarnation) {
    finish(core)
    core.emit({ type: 'staleIncarnation', known: peer.incarnation })
  } else {
    core.timers.rejoinMs = Math.min(core.timers.rejoinMs, nowMs + core.config.rejoinMinMs)
  }
}

function startUpkeep(core: Core, nowMs: number): void {
  core.timers.stabilizeMs = nowMs + core.config.stabilizeMinMs
  core.timers.neighborsMs = nowMs + core.config.stabilizeMaxMs / 2
  core.timers.fingersMs = nowMs + core.config.stabilizeMinMs
  core.periods.selfLookupMs = Math.min(core.config.selfLookupMs, FIRST_SELF_LOOKUP * core.config.stabilizeMinMs)
  core.timers.selfLookupMs = nowMs + core.periods.selfLookupMs * (0.5 + core.random.nextUint32() / 0xffffffff)
}
