/**
 * What one node of a model knows: immutable values, one object for each, so that a node packs into a small number.
 *
 * ids are 0 … size − 1 and stand for whole processes: a model has no addresses, incarnations or messages but the one
 * that waits in a node's mailbox.
 */

/** No predecessor known; nobody in the mailbox. */
export const NONE = -1

/**
 * What a node does next: stabilize; handle the notify that waits in its mailbox; or go on with a stabilize that has
 * learned of a nearer successor and not asked it yet.
 */
export type Due = 'stabilize' | 'rectify' | 'adopt'

const DUES: readonly Due[] = ['stabilize', 'rectify', 'adopt']

export interface ModelNode {
  readonly id: number
  readonly live: boolean
  /** Dead, and it has been a member; models that do not care take the dead for those that never were. */
  readonly gone: boolean
  readonly list: readonly number[]
  readonly pred: number
  readonly due: Due
  /** Who notified, or whom to adopt. */
  readonly from: number
  /** A small number, different from those of this id's other values. */
  readonly code: number
  /** Bit masks over ids: those in the list; those that lie strictly between two neighbors of [id, ...list]. */
  readonly entries: number
  readonly skipped: number
}

/** The state of a whole model: its nodes by id. */
export type Ring = readonly ModelNode[]

/** Strictly between on the circle; between(x, y, x) holds for every y but x. */
export function between(a: number, b: number, c: number): boolean {
  return a < c ? a < b && b < c : a < b || b < c
}

/** All values that nodes of ids below `size` with lists of at most `length` can have. */
export class Nodes {
  readonly size: number
  readonly length: number
  /** Codes are below this. */
  readonly codes: number
  readonly #interned: (ModelNode | undefined)[][]
  readonly #absent: readonly (readonly [never: ModelNode, gone: ModelNode])[]

  constructor(size: number, length: number) {
    this.size = size
    this.length = length
    this.codes = 2 + (size + 1) ** (length + 2) * DUES.length
    this.#interned = Array.from({ length: size }, () => [])
    this.#absent = Array.from({ length: size }, (_, id) => [absent(id, false), absent(id, true)] as const)
    for (const [id, [never, gone]] of this.#absent.entries()) this.#interned[id]!.push(never, gone)
  }

  live(id: number, list: readonly number[], pred: number, due: Due = 'stabilize', from: number = NONE): ModelNode {
    const code = this.#code(list, pred, due, from)
    const known = this.#interned[id]![code]
    if (known) return known
    const node: ModelNode = {
      ...{ id, live: true, gone: false, list: [...list], pred, due, from, code },
      entries: maskOf(list),
      skipped: this.#skipped([id, ...list]),
    }
    this.#interned[id]![code] = node
    return node
  }

  absent(id: number, gone: boolean): ModelNode {
    return this.#absent[id]![gone ? 1 : 0]
  }

  ofCode(id: number, code: number): ModelNode {
    return this.#interned[id]![code]!
  }

  #code(list: readonly number[], pred: number, due: Due, from: number): number {
    const base = this.size + 1
    let code = 0
    for (let at = 0; at < this.length; at++) code = code * base + (at < list.length ? list[at]! + 1 : 0)
    return 2 + ((code * base + pred + 1) * base + from + 1) * DUES.length + DUES.indexOf(due)
  }

  #skipped(path: readonly number[]): number {
    let mask = 0
    for (let at = 1; at < path.length; at++) {
      for (let id = 0; id < this.size; id++) if (between(path[at - 1]!, id, path[at]!)) mask |= 1 << id
    }
    return mask
  }
}

export function liveMask(ring: Ring): number {
  let mask = 0
  for (const node of ring) if (node.live) mask |= 1 << node.id
  return mask
}

/** How many bits are set. */
export function countOf(mask: number): number {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++
  return count
}

/** A copy of the ring in which this node stands for its earlier value. */
export function put(ring: Ring, node: ModelNode): Ring {
  const next = ring.slice()
  next[node.id] = node
  return next
}

/** The first live entry of a node's list; `NONE` if there is none. */
export function best(ring: Ring, node: ModelNode): number {
  for (const entry of node.list) if (ring[entry]!.live) return entry
  return NONE
}

/** Live ids that no live node's list skips (Zave 2017, section 4). */
export function principals(ring: Ring): number {
  let mask = liveMask(ring)
  for (const node of ring) mask &= ~node.skipped
  return mask
}

function maskOf(ids: readonly number[]): number {
  return ids.reduce((mask, id) => mask | (1 << id), 0)
}

function absent(id: number, gone: boolean): ModelNode {
  const nothing = { list: [], pred: NONE, due: 'stabilize', from: NONE, entries: 0, skipped: 0 } as const
  return { ...nothing, id, live: false, gone, code: gone ? 1 : 0 }
}
