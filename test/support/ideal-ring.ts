/**
 * The ring that the protocol works towards, computed from its ids alone and without the library: who owns what, and
 * how many messages a look-up takes when every table is right.
 */
const RING = 1n << 160n
const ID_BITS = 160

export class IdealRing {
  /** Ascending. */
  readonly #ids: readonly bigint[]
  readonly #indexes: ReadonlyMap<bigint, number>
  readonly #successors: number
  /** Of each node, its successors and fingers as indexes, nearest first. */
  readonly #tables: readonly (readonly number[])[]

  constructor(ids: readonly string[], successors: number) {
    this.#ids = ids.map(numberOf).sort((a, b) => (a < b ? -1 : 1))
    this.#indexes = new Map(this.#ids.map((id, index) => [id, index]))
    this.#successors = Math.min(successors, ids.length - 1)
    this.#tables = this.#ids.map((_, index) => this.#table(index))
  }

  /** Messages from the node with that id to the owner of a point; none if they are the same. */
  hops(from: string, point: string): number {
    const key = numberOf(point)
    const owner = this.#owner(key)
    let at = this.#indexes.get(numberOf(from))!
    let hops = 0
    for (; at !== owner; hops++) at = this.#next(at, owner, key)
    return hops
  }

  /** The owner if it is a successor, else the closest preceding node (paper, figures 4 and 5). */
  #next(at: number, owner: number, key: bigint): number {
    if ((owner - at + this.#ids.length) % this.#ids.length <= this.#successors) return owner
    const left = this.#distance(at, key)
    return this.#tables[at]!.findLast((entry) => this.#distance(at, this.#ids[entry]!) < left)!
  }

  #owner(key: bigint): number {
    return Math.max(
      0,
      this.#ids.findIndex((id) => id >= key),
    )
  }

  #table(index: number): number[] {
    const entries = new Set<number>()
    for (let i = 1; i <= this.#successors; i++) entries.add((index + i) % this.#ids.length)
    for (let bit = 0; bit < ID_BITS; bit++) entries.add(this.#owner((this.#ids[index]! + (1n << BigInt(bit))) % RING))
    entries.delete(index)
    const distances = [...entries].map((entry) => [entry, this.#distance(index, this.#ids[entry]!)] as const)
    return distances.sort((a, b) => (a[1] < b[1] ? -1 : 1)).map(([entry]) => entry)
  }

  #distance(from: number, to: bigint): bigint {
    return (to - this.#ids[from]! + RING) % RING
  }
}

/** How much of the ring lies in a range. */
export function sizeOf(range: { after: string; upTo: string }): bigint {
  return (numberOf(range.upTo) - numberOf(range.after) + RING) % RING || RING
}

export const WHOLE_RING = RING

function numberOf(id: string): bigint {
  return BigInt(`0x${id}`)
}
