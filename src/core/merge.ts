/**
 * Rings that do not know of each other, or one that winds twice, become one: every node now and then looks up its own id
 * from somewhere else (rule 8 of protocol.md). A right ring leads back to itself.
 */
import { lookAt } from './doubt.ts'
import { keyOf } from './failure-detector.ts'
import { seekThrough } from './join.ts'
import { isLookingUp, startLookup } from './lookup.ts'
import type { Peer } from './messages.ts'
import { samePeer } from './messages.ts'
import { adopt, onDouble } from './stabilize.ts'
import type { Core } from './state.ts'

/** How many neighbours hear of a stranger. */
const TELL = 3
const SPLITS_MAX = 64

/** On its timer. In turn: through the first successor, a remembered peer whether or not it is in the table, the seeds. */
export function lookUpSelf(core: Core, nowMs: number): void {
  const jitter = 0.75 + (core.random.nextUint32() / 0xffffffff) * 0.5
  core.periods.selfLookupMs = Math.min(core.config.selfLookupMs, core.periods.selfLookupMs * 2)
  core.timers.selfLookupMs = nowMs + core.periods.selfLookupMs * jitter
  const turn = core.selfLookupTurn++ % 3
  if (turn === 2) {
    core.outputs.push({ kind: 'seeds' })
    return
  }
  // A split is followed up instead: has it healed? Not in place of those remembered, who may be the only way home.
  const via = turn === 0 ? (splitToFollow(core) ?? core.successors[0]) : core.remembered.nextInTurn()
  if (via !== undefined) lookUpSelfVia(core, via, nowMs)
}

/** If whom we asked is dead, who holds our place there knows as well; if that one is too, there is nobody to be apart from. */
function splitToFollow(core: Core): Peer | undefined {
  for (const [key, { via, stranger }] of core.splits) {
    if (!core.detector.isDead(via)) return via
    if (!core.detector.isDead(stranger)) {
      core.splits.set(key, { via: stranger, stranger })
      return stranger
    }
    core.splits.delete(key)
    core.emit({ type: 'merged', peer: stranger })
  }
  return undefined
}

export function lookUpSelfVia(core: Core, via: Peer, nowMs: number): void {
  if (!core.joined || core.departure !== undefined || via.id.equals(core.self.id)) return
  if (core.detector.isDead(via)) return askWhetherBack(core, via, nowMs)
  if (!isLookingUp(core, 'self')) startLookup(core, core.self.id, { kind: 'self', via }, [via], nowMs)
}

/**
 * Silence is no proof: we may have been cut off from a part of the ring that lives. Nobody there will call us, so whoever
 * was evicted is asked again when somebody still names it, or when it is its turn among the remembered.
 */
export function askWhetherBack(core: Core, peer: Peer, nowMs: number): void {
  if (core.detector.hasDeparted(peer) || core.isAsking('back', peer)) return
  core.ask(peer, { type: 'ping' }, { kind: 'back' }, nowMs)
}

/** It is. */
export function onBack(core: Core, peer: Peer, nowMs: number): void {
  if (core.status === 'isolated' || !core.joined) seekThrough(core, peer, nowMs)
  else lookUpSelfVia(core, peer, nowMs)
}

/** Asked through `via`, our id belongs to `owner`, who follows `before`. */
export function onOwnPlaceFound(core: Core, via: Peer, before: Peer, owner: Peer, nowMs: number): void {
  if (samePeer(owner, core.self)) return onWayHome(core, via, nowMs)
  // Rings whose members have each other's ids would both lead back to themselves, and stay two.
  if (owner.id.equals(core.self.id)) return onDouble(core, owner, nowMs)
  const stranger = !inTable(core, owner)
  // While nodes join around us, lists know of each other only in part: that heals by itself and is no split.
  const isQuiet = nowMs - core.changedMs >= core.config.selfLookupMs
  const isBeingAsked = core.isAsking('adopt', owner)
  adopt(core, owner, undefined, nowMs)
  // We are nearer than whom it follows. Of itself it would find us step by step, past all that lie between the two of us.
  // Once: it looks from us on and may tell us the same, and within a process that takes no time.
  const isSibling = before.address === core.self.address
  if (before !== owner && !isBeingAsked && !isSibling) core.tell(before, { type: 'meet', peer: core.self })
  if (!stranger) return
  if (isQuiet && core.splits.size < SPLITS_MAX && !core.splits.has(keyOf(via))) {
    core.splits.set(keyOf(via), { via, stranger: owner })
    core.emit({ type: 'split', peer: owner })
  }
  const start = core.successors.length === 0 ? 0 : core.random.nextUint32() % core.successors.length
  for (let i = 0; i < Math.min(TELL, core.successors.length); i++) {
    const peer = core.successors[(start + i) % core.successors.length] as Peer
    // Of itself a process would go on telling itself, in no time, for as long as one of its members knows nobody who lives.
    if (peer.address === core.self.address && owner.address === core.self.address) continue
    if (!samePeer(peer, owner) && !core.detector.isSuspect(peer)) core.tell(peer, { type: 'meet', peer: owner })
  }
}

/** There is one ring as far as `via` knows. So it is for other splits, most likely: the next one is followed up at once. */
function onWayHome(core: Core, via: Peer, nowMs: number): void {
  let healed = false
  for (const [key, split] of core.splits) {
    if (!samePeer(split.via, via)) continue
    core.splits.delete(key)
    core.emit({ type: 'merged', peer: split.stranger })
    healed = true
  }
  const next = healed ? splitToFollow(core) : undefined
  if (next !== undefined) lookUpSelfVia(core, next, nowMs)
}

/** A neighbour met a stranger, who may be our next successor; if not, look at our own place from there. Or somebody of our table is silent. */
export function onMeet(core: Core, peer: Peer, nowMs: number): void {
  const first = core.successors[0]
  if (samePeer(peer, core.self)) return
  if (peer.id.equals(core.self.id)) return onDouble(core, peer, nowMs)
  if (core.detector.isDead(peer)) return askWhetherBack(core, peer, nowMs)
  if (first !== undefined && peer.id.isBetween(core.self.id, first.id)) return adopt(core, peer, undefined, nowMs)
  if (inTable(core, peer)) return lookAt(core, peer, nowMs)
  core.remembered.add(peer, false)
  lookUpSelfVia(core, peer, nowMs)
}

function inTable(core: Core, peer: Peer): boolean {
  return samePeer(peer, core.predecessor) || core.successors.some((entry) => samePeer(entry, peer))
}
