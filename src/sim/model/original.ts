/**
 * The protocol as published in 2001–2003, in the abstraction of Zave's first models (2010, 2012): two successors, the
 * second maintained by operations of its own, stabilize and its notify in one step. It loses its ring: T1–T6.
 */
import type { Model, Visit } from './model.ts'
import { between, liveMask, type ModelNode, NONE, Nodes, put, type Ring } from './nodes.ts'

export interface OriginalRules {
  readonly nodes: number
  /** Stabilize adopts only the living (T1 shows why); a node joins only before a living successor (T2). */
  readonly stabilizeChecks: boolean
  readonly joinChecks: boolean
  /** Nobody fails whose failure leaves a list without a live entry. */
  readonly keepsAnEntry: boolean
}

export class OriginalChord implements Model {
  readonly nodes: Nodes
  readonly rules: OriginalRules

  constructor(rules: OriginalRules) {
    this.rules = rules
    this.nodes = new Nodes(rules.nodes, 2)
  }

  /** Node 0 alone: its own successor. */
  initial(): Ring {
    return Array.from({ length: this.rules.nodes }, (_, id) =>
      id === 0 ? this.nodes.live(0, [0], NONE) : this.nodes.absent(id, false),
    )
  }

  steps(ring: Ring, visit: Visit): void {
    for (const node of ring) {
      if (!node.live) {
        this.#join(ring, node.id, visit)
        continue
      }
      this.#fail(ring, node, visit)
      this.#stabilize(ring, node, visit)
      this.#flush(ring, node, visit)
      this.#update(ring, node, visit)
      this.#reconcile(ring, node, visit)
    }
  }

  #join(ring: Ring, id: number, visit: Visit): void {
    for (const helper of ring) {
      const successor = helper.list[0]
      if (successor === undefined || !between(helper.id, id, successor)) continue
      if (this.rules.joinChecks && !ring[successor]!.live) continue
      visit(put(ring, this.nodes.live(id, [successor], NONE)), 'join', id, helper.id)
    }
  }

  #fail(ring: Ring, node: ModelNode, visit: Visit): void {
    const bit = 1 << node.id
    const left = liveMask(ring) & ~bit
    if (left === 0) return
    const strands = ring.some((other) => other !== node && (other.entries & bit) !== 0 && (other.entries & left) === 0)
    if (strands && this.rules.keepsAnEntry) return
    visit(put(ring, this.nodes.absent(node.id, false)), 'fail', node.id, NONE)
  }

  #stabilize(ring: Ring, { id, list, pred }: ModelNode, visit: Visit): void {
    const [first, ...rest] = list as [number, ...number[]]
    if (!ring[first]!.live) return
    const nearer = ring[first]!.pred
    const adopts = nearer !== NONE && between(id, nearer, first) && (ring[nearer]!.live || !this.rules.stabilizeChecks)
    const next = put(ring, this.nodes.live(id, adopts ? [nearer, ...rest] : list, pred))
    visit(this.#notified(next, adopts ? nearer : first, id), 'stabilize', id, adopts ? nearer : NONE)
  }

  #notified(ring: Ring, to: number, from: number): Ring {
    const { live, list, pred } = ring[to]!
    const better = pred === NONE || between(pred, from, to)
    return live && better ? put(ring, this.nodes.live(to, list, from)) : ring
  }

  /** Forgets a dead predecessor. */
  #flush(ring: Ring, { id, list, pred }: ModelNode, visit: Visit): void {
    if (pred === NONE || ring[pred]!.live) return
    visit(put(ring, this.nodes.live(id, list, NONE)), 'flush', id, NONE)
  }

  /** Promotes the second successor if the first is dead. */
  #update(ring: Ring, { id, list, pred }: ModelNode, visit: Visit): void {
    if (list.length < 2 || ring[list[0]!]!.live) return
    visit(put(ring, this.nodes.live(id, list.slice(1), pred)), 'update', id, NONE)
  }

  /** Copies the successor's successor. */
  #reconcile(ring: Ring, { id, list, pred }: ModelNode, visit: Visit): void {
    const [first, second] = list as [number, number?]
    if (!ring[first]!.live) return
    const copied = ring[first]!.list[0]!
    if (copied === second || (copied === first && first !== id)) return
    visit(put(ring, this.nodes.live(id, [first, copied], pred)), 'reconcile', id, NONE)
  }
}
