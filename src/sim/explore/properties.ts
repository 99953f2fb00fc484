/** What must hold in every world of the exploration, and when a ring is ideal. */
import type { Range } from '../../core/messages.ts'
import type { Frozen } from './local.ts'
import { slotOf } from './universe.ts'
import type { Slot, World, Worlds } from './world.ts'

interface Node {
  readonly slot: number
  readonly state: Frozen
}

/** What is wrong; undefined if nothing is. `broken` comes back if the precondition no longer holds. */
export function flawOf(worlds: Worlds, world: World, crashed: boolean): { flaw: string | undefined; broken: boolean } {
  const nodes = up(worlds, world)
  const flaw = overlap(nodes, world) ?? (crashed || world.broken ? undefined : hole(nodes, world.slots.length))
  if (flaw !== undefined || world.broken) return { flaw, broken: world.broken }
  const members = nodes.filter(({ state }) => isMember(state))
  const best = new Map<number, number>()
  for (const { slot, state } of members) {
    const first = state.sole ? slot : bestOf(worlds, world, members, state)
    if (first === undefined) return { flaw: undefined, broken: true }
    best.set(slot, first)
  }
  return { flaw: permanent(best), broken: false }
}

function isMember(state: Frozen): boolean {
  return state.sole || state.successors.length > 0
}

function bestOf(worlds: Worlds, world: World, members: readonly Node[], state: Frozen): number | undefined {
  for (const peer of state.successors) {
    if (worlds.isUp(world, peer) && members.some(({ slot }) => slot === slotOf(peer))) return slotOf(peer)
  }
  return undefined
}

/** Zave's four properties, whose loss plain Chord does not mend. */
function permanent(best: ReadonlyMap<number, number>): string | undefined {
  if (best.size === 0) return undefined
  const reach = new Map<number, Set<number>>()
  for (const start of best.keys()) {
    const seen = new Set<number>()
    for (let at = best.get(start) as number; !seen.has(at); at = best.get(at) as number) seen.add(at)
    reach.set(start, seen)
  }
  const ring = [...best.keys()].filter((slot) => reach.get(slot)?.has(slot))
  if (ring.length === 0) return 'AtLeastOneRing'
  for (const a of ring) {
    for (const b of ring) {
      if (a !== b && !reach.get(a)?.has(b)) return 'AtMostOneRing'
      const next = best.get(a) as number
      if (b !== a && b !== next && next !== a && isBetween(a, b, next)) return 'OrderedRing'
    }
  }
  for (const slot of best.keys()) {
    if (!ring.includes(slot) && !ring.some((other) => reach.get(slot)?.has(other))) return 'ConnectedAppendages'
  }
  return undefined
}

/** No two own a key, but for what has been handed over and not been acknowledged. */
function overlap(nodes: readonly Node[], { slots, used }: World): string | undefined {
  // Who was granted something died after granting a part of it to the next, and before it had acknowledged it.
  if (used.crashes > 0 && used.joins > 0) return undefined
  const size = slots.length
  for (const [index, a] of nodes.entries()) {
    for (const b of nodes.slice(index + 1)) {
      // The acknowledgement of a leaver's heir was lost, and that has left since.
      if (used.losses + used.late > 0 && (a.state.departure ?? b.state.departure) !== undefined) continue
      const shared = owned(a, size) & owned(b, size) & ~told(a, size) & ~told(b, size)
      if (shared !== 0) return `${name(a)} and ${name(b)} own the same keys`
    }
  }
  return undefined
}

/** As long as nobody dies, every key is somebody's. */
function hole(nodes: readonly Node[], size: number): string | undefined {
  const settled = nodes.filter(({ state }) => state.range !== undefined)
  // If everybody leaves there is nobody to take anything.
  if (nodes.every(({ state }) => state.departure !== undefined || !isMember(state))) return undefined
  let all = 0
  for (const node of settled) all |= owned(node, size)
  // Of the ids only: ranges begin and end nowhere else.
  return settled.length === 0 || all === 2 ** size - 1 ? undefined : 'nobody owns some keys'
}

function owned({ state }: Node, size: number): number {
  return maskOf(state.range, size)
}

function told({ state }: Node, size: number): number {
  return state.handover?.phase === 'telling' ? maskOf(state.handover.lost, size) : 0
}

/** A bit for each id. */
function maskOf(range: Range | undefined, size: number): number {
  if (range === undefined) return 0
  let mask = 0
  let at = range.after.w4
  do {
    at = (at + 1) % size
    mask |= 1 << at
  } while (at !== range.upTo.w4)
  return mask
}

/** What is not as on an ideal ring of the living. */
export function notIdeal(worlds: Worlds, world: World, successors: number): string | undefined {
  const nodes = up(worlds, world)
  for (const [index, { slot, state }] of nodes.entries()) {
    const others = [...nodes.slice(index + 1), ...nodes.slice(0, index)].map((node) => node.slot)
    const list = state.successors.map(slotOf).join()
    const before = others.at(-1) ?? slot
    // Whoever it came to join has left.
    if (nodes.length === 1 && state.status === 'joining' && !isMember(state)) return undefined
    // The survivor of a crash, or who came when all others were leaving, cannot know that it is alone and does not claim to.
    const unsure = world.used.crashes > 0 || world.broken
    if (nodes.length === 1 && unsure && state.status === 'isolated') return undefined
    if (state.status !== 'member') return `${name({ slot, state })} is ${state.status}`
    if (state.sole !== (nodes.length === 1))
      return `${name({ slot, state })} ${state.sole ? 'thinks that it is alone' : 'is alone and does not know'}`
    if (list !== others.slice(0, successors).join()) return `${name({ slot, state })} lists ${list}`
    if (nodes.length > 1 && (state.predecessor === undefined || slotOf(state.predecessor) !== before))
      return `${name({ slot, state })} has another predecessor`
    if (state.range?.after.w4 !== before)
      return `${name({ slot, state })} owns ${state.range === undefined ? 'nothing' : `what follows ${state.range.after.w4.toString(16)}`}`
  }
  return undefined
}

function up(worlds: Worlds, world: World): Node[] {
  const out: Node[] = []
  for (const [slot, { state }] of (world.slots as readonly Slot[]).entries()) {
    if (state >= 0) out.push({ slot, state: worlds.steps.frozen(state) })
  }
  return out
}

function isBetween(a: number, b: number, c: number): boolean {
  return a < c ? a < b && b < c : a < b || b < c
}

function name({ slot }: Node): string {
  return slot.toString(16)
}
