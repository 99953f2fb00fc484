/**
 * What must hold after every single step of a simulated ring, not only when it has come to rest. Attach one to a ring
 * before its first node; it throws inside the step that breaks a rule.
 */
import type { ChordNode } from '../../src/core/chord-node.ts'
import type { Id } from '../../src/core/id.ts'
import type { Range } from '../../src/core/messages.ts'
import type { SimRing } from './sim-ring.ts'

export interface InvariantOptions {
  /** No two nodes own a key, except while a hand-over has been told and not yet been acknowledged. */
  readonly disjoint: boolean
  /** Once there is a ring, somebody owns every key. */
  readonly covered: boolean
}

export class Invariants {
  readonly #ring: SimRing
  readonly #options: InvariantOptions
  readonly #epochs = new Map<ChordNode, bigint>()
  #seenEvents = 0
  #started = false

  constructor(ring: SimRing, options: InvariantOptions) {
    this.#ring = ring
    this.#options = options
    ring.onStep = (node) => this.#check(node)
  }

  #check(node: ChordNode): void {
    const changed = this.#checkEvents(node)
    checkList(node)
    if (changed && this.#options.disjoint) this.#checkDisjoint()
    if (changed && this.#options.covered) this.#checkCovered()
  }

  /** Returns whether the node's range has changed. */
  #checkEvents(node: ChordNode): boolean {
    const { events } = this.#ring
    let changed = false
    for (; this.#seenEvents < events.length; this.#seenEvents++) {
      const { event } = events[this.#seenEvents] as (typeof events)[number]
      if (event.type !== 'range') continue
      const last = this.#epochs.get(node) ?? 0n
      if (event.epoch <= last) fail(node, `epoch ${event.epoch} after ${last}`)
      this.#epochs.set(node, event.epoch)
      if (event.gained.length + event.lost.length === 0) fail(node, 'a range event without a gain or a loss')
      if (event.range !== undefined && !event.range.upTo.equals(node.self.id)) fail(node, 'a range that ends elsewhere')
      changed = true
    }
    return changed
  }

  #checkDisjoint(): void {
    const owners = [...this.#ring.live.values()].filter((node) => node.range !== undefined)
    for (const [index, a] of owners.entries()) {
      for (const b of owners.slice(index + 1)) {
        const shared = intersection(a.range as Range, b.range as Range)
        if (shared === undefined || isBeingTold(a, shared) || isBeingTold(b, shared)) continue
        fail(a, `owns ${show(shared)} together with ${b.self.id}: ${show(a.range)} and ${show(b.range)}`)
      }
    }
  }

  #checkCovered(): void {
    const owners = [...this.#ring.live.values()].filter((node) => node.range !== undefined)
    if (!this.#started) {
      this.#started = owners.length > 0
      return
    }
    for (const node of owners) {
      // The key right before a range must be somebody's too.
      const { after } = node.range as Range
      if (!owners.some((other) => other.owns(after))) {
        fail(node, `nobody owns what lies before ${show(node.range)}`)
      }
    }
    if (owners.length === 0 && this.#ring.live.size > 0) throw new Error('nobody owns anything')
  }
}

function checkList(node: ChordNode): void {
  let previous = node.self.id
  for (const peer of node.successors) {
    if (!peer.id.isBetween(previous, node.self.id)) fail(node, `list out of order at ${peer.id}`)
    previous = peer.id
  }
  if (node.predecessor?.id.equals(node.self.id)) fail(node, 'its own predecessor')
}

function isBeingTold(node: ChordNode, shared: Range): boolean {
  const { handover } = node.core
  return handover?.phase === 'telling' && covers(handover.lost, shared)
}

function covers(outer: Range, inner: Range): boolean {
  if (outer.after.equals(outer.upTo)) return true
  return (
    inner.upTo.isBetweenOrEnd(outer.after, outer.upTo) &&
    (inner.after.equals(outer.after) || inner.after.isBetween(outer.after, inner.upTo))
  )
}

/** Of two right-closed arcs; if they meet twice, one of the two pieces. */
export function intersection(a: Range, b: Range): Range | undefined {
  if (a.upTo.isBetweenOrEnd(b.after, b.upTo)) return { after: later(a.after, b.after, a.upTo), upTo: a.upTo }
  if (b.upTo.isBetweenOrEnd(a.after, a.upTo)) return { after: later(a.after, b.after, b.upTo), upTo: b.upTo }
  return undefined
}

/** Which of the two comes last before `end`. */
function later(a: Id, b: Id, end: Id): Id {
  if (a.equals(end)) return b
  if (b.equals(end)) return a
  return a.isBetween(b, end) ? a : b
}

function show(range: Range | undefined): string {
  return range === undefined ? 'nothing' : `(${short(range.after)}, ${short(range.upTo)}]`
}

function short(id: Id): string {
  return String(id).replace(/^0+(?=.)/, '')
}

function fail(node: ChordNode, what: string): never {
  throw new Error(`${short(node.self.id)} (${node.status}): ${what}`)
}
