/**
 * Chord as Zave corrected it (TSE 2017): who asks sees the other's present state, and the only message that waits is a
 * notify, in a mailbox of one slot that the next one overwrites. With other rules, ours (docs/checking.md).
 */
import type { Bounds, Model, Visit } from './model.ts'
import { best, between, countOf, liveMask, type ModelNode, NONE, Nodes, principals, put, type Ring } from './nodes.ts'
import { OURS, type Rules } from './rules.ts'

export class CorrectedChord implements Model {
  readonly nodes: Nodes
  readonly rules: Rules
  readonly bounds: Bounds

  constructor(bounds: Bounds, rules: Rules = OURS) {
    this.bounds = bounds
    this.rules = rules
    this.nodes = new Nodes(bounds.nodes, bounds.successors)
  }

  initial(): Ring {
    return this.ideal(this.bounds.initial)
  }

  /** The state in which these are all the members, and everything is as it should be. */
  ideal(ids: readonly number[], otherwise?: Ring): Ring {
    const { successors, nodes } = this.bounds
    const ring = Array.from({ length: nodes }, (_, id) => otherwise?.[id] ?? this.nodes.absent(id, false))
    for (const [at, id] of ids.entries()) {
      const after = Array.from({ length: successors }, (_, k) => ids[(at + 1 + k) % ids.length]!)
      ring[id] = this.nodes.live(id, this.#list(id, after), ids.at(at - 1)!)
    }
    return ring
  }

  steps(ring: Ring, visit: Visit): void {
    for (const node of ring) if (node.live) this.#fail(ring, node, visit)
    for (const node of ring) if (!node.live && !(this.rules.fresh && node.gone)) this.#join(ring, node.id, visit)
    for (const node of ring) if (node.live) this.due(ring, node, visit)
  }

  /** The step that a live node takes next, of its own accord. */
  due(ring: Ring, node: ModelNode, visit: Visit): void {
    if (node.due === 'rectify') this.#rectify(ring, node, visit)
    else if (node.due === 'adopt') this.#adoptNext(ring, node, visit)
    else if (node.list.length > 0) this.#stabilize(ring, node, visit)
  }

  /** Nobody fails whose failure leaves a list without a live entry, or too few principals. */
  #fail(ring: Ring, node: ModelNode, visit: Visit): void {
    const bit = 1 << node.id
    const left = liveMask(ring) & ~bit
    if (left === 0) return
    for (const other of ring) {
      if (other !== node && other.live && (other.entries & left) === 0) return
    }
    const kept = this.bounds.principals === 0 ? 0 : principals(ring)
    if ((kept & bit) !== 0 && countOf(kept) <= this.bounds.principals) return
    visit(put(ring, this.nodes.absent(node.id, this.rules.history)), 'fail', node.id, NONE)
  }

  #join(ring: Ring, id: number, visit: Visit): void {
    for (const helper of ring) {
      if (!helper.live) continue
      const first = helper.list[0]
      if (first === undefined || !between(helper.id, id, first)) continue
      if (this.rules.askAtJoin && !ring[first]!.live) continue
      const taken = this.rules.wholeList ? helper.list : [first]
      const pred = this.rules.noneAtJoin ? NONE : helper.id
      visit(put(ring, this.nodes.live(id, this.#list(id, taken), pred)), 'join', id, helper.id)
    }
  }

  #stabilize(ring: Ring, node: ModelNode, visit: Visit): void {
    const { id, list, pred } = node
    const first = ring[list[0]!]!
    if (!first.live) {
      const rest = this.rules.padding ? [...list.slice(1), (list.at(-1)! + 1) % this.nodes.size] : list.slice(1)
      const next = put(ring, this.nodes.live(id, rest, pred))
      return visit(this.#notified(next, rest[0] ?? NONE, id), 'stabilize', id, NONE)
    }
    const updated = this.nodes.live(id, this.#list(id, [first.id, ...first.list]), pred)
    const next = put(ring, updated)
    const nearer = first.pred
    if (nearer === NONE || !between(id, nearer, first.id)) {
      visit(this.#notified(next, updated.list[0] ?? NONE, id), 'stabilize', id, NONE)
    } else if (this.rules.merged) {
      visit(this.#adopted(next, updated, nearer), 'stabilize', id, nearer)
    } else {
      visit(put(ring, this.nodes.live(id, updated.list, pred, 'adopt', nearer)), 'stabilize', id, nearer)
    }
  }

  /** The second step of a stabilize, if it is one of its own. */
  #adoptNext(ring: Ring, node: ModelNode, visit: Visit): void {
    const { id, list, pred, from } = node
    if (!between(id, from, list[0]!)) return
    const updated = this.nodes.live(id, list, pred)
    visit(this.#adopted(put(ring, updated), updated, from), 'adopt', id, from)
  }

  /** A stabilize ends: the nearer successor is asked, and adopted if it is live; one notify in either case. */
  #adopted(ring: Ring, node: ModelNode, nearer: number): Ring {
    const { id, list, pred } = node
    if (this.rules.ask && !ring[nearer]!.live) return this.#notified(ring, list[0] ?? NONE, id)
    // Unasked it takes the place of the first successor, as in the original protocol.
    const after = this.rules.ask ? ring[nearer]!.list : list.slice(1)
    const next = put(ring, this.nodes.live(id, this.#list(id, [nearer, ...after]), pred))
    return this.#notified(next, nearer, id)
  }

  #rectify(ring: Ring, node: ModelNode, visit: Visit): void {
    const { id, list, pred, from } = node
    const better = pred === NONE || between(pred, from, id) || !ring[pred]!.live
    const known = better || !this.rules.rectifyChecks ? from : pred
    visit(put(ring, this.nodes.live(id, list, known)), 'rectify', id, from)
  }

  /** A mailbox has one slot: what was in it is lost. */
  #notified(ring: Ring, to: number, from: number): Ring {
    if (to === NONE || !ring[to]!.live) return ring
    const { list, pred } = ring[to]!
    return put(ring, this.nodes.live(to, list, pred, 'rectify', from))
  }

  #list(id: number, entries: readonly number[]): readonly number[] {
    const list: number[] = []
    for (const entry of entries) {
      if (list.length === this.bounds.successors) break
      const taken = entry === id || list.includes(entry)
      if (taken && this.rules.lists === 'cut') break
      if (!taken || this.rules.lists === 'as they come') list.push(entry)
    }
    return list
  }
}

/** Whether every node knows exactly what it should, and no notify waits. */
export function isIdeal(model: CorrectedChord, ring: Ring): boolean {
  const ids = ring.filter((node) => node.live).map((node) => node.id)
  const ideal = model.ideal(ids, ring)
  return ring.every((node, id) => node === ideal[id]) && ids.every((id) => best(ring, ring[id]!) !== NONE)
}
