/**
 * Who is silent may be the first successor of somebody who has no reason to ask it for a whole period, and until somebody
 * does, nobody takes over: look-ups for its keys go to it from further back, and are lost. So whoever learns of the silence tells
 * the neighbors, and who names its successor as the way to a key sees to it that it lives.
 */
import { SILENCE_MS } from './config.ts'
import { type Peer, type Question, samePeer } from './messages.ts'
import type { Core } from './state.ts'

const PING: Question = { type: 'ping' }

/** Asks whether it lives, unless something that it has to answer is under way. */
export function probe(core: Core, peer: Peer, nowMs: number): void {
  if (core.status === 'left' || core.detector.isDead(peer)) return
  for (const entry of core.pending.values()) if (samePeer(entry.to, peer)) return
  core.ask(peer, PING, { kind: 'probe' }, nowMs)
}

/** Somebody was told that the way leads to our successor, and nobody but us will notice soon if it does not. */
export function vouch(core: Core, nowMs: number): void {
  const first = core.firstLive
  if (first !== undefined) probeIfSilent(core, first, nowMs)
}

/** If nothing has come from it for a while. */
function probeIfSilent(core: Core, peer: Peer, nowMs: number): void {
  if (nowMs - core.detector.lastHeardMs(peer) >= SILENCE_MS) probe(core, peer, nowMs)
}

/** Somebody of our list fell silent: its neighbors, as far as we know them, are to look at it. */
export function tellNeighborsOf(core: Core, silent: Peer): void {
  const { successors, detector } = core
  const index = successors.findIndex((peer) => samePeer(peer, silent))
  const before = lastLive(core, index)
  // Nobody between us: it is ours to look at, and who follows it hears from us in our next round.
  if (before === undefined) return
  core.tell(before, { type: 'meet', peer: silent })
  const after = successors.slice(index + 1).find((peer) => !detector.isSuspect(peer))
  if (after !== undefined) core.tell(after, { type: 'meet', peer: silent })
}

/** We were pointed to somebody of our table: for its neighbors to look at. Who has told us may not know them all. */
export function lookAt(core: Core, peer: Peer, nowMs: number): void {
  const index = core.successors.findIndex((entry) => samePeer(entry, peer))
  const before = lastLive(core, index)
  if (before === undefined || samePeer(peer, core.predecessor)) return probeIfSilent(core, peer, nowMs)
  if (nowMs - core.detector.lastHeardMs(peer) >= SILENCE_MS) core.tell(before, { type: 'meet', peer })
}

function lastLive({ successors, detector }: Core, end: number): Peer | undefined {
  for (let i = end - 1; i >= 0; i--) {
    const peer = successors[i] as Peer
    if (!detector.isSuspect(peer)) return peer
  }
  return undefined
}
