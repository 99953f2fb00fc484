/**
 * An independent, slow model of Chord's routing on an ideal ring (paper, figures 3 to 5), on BigInt: what the real nodes
 * are compared with. Shares no code with `src/core`.
 */
const RING = 1n << 160n

export class IdealRing {
  readonly #ids: bigint[]
  readonly #tables = new Map<bigint, { successors: bigint[]; fingers: bigint[] }>()

  constructor(ids: readonly bigint[], successors: number) {
    this.#ids = [...ids].sort((a, b) => (a < b ? -1 : 1))
    for (const [index, id] of this.#ids.entries()) {
      const list: bigint[] = []
      for (let i = 1; i <= Math.min(successors, this.#ids.length - 1); i++) {
        list.push(this.#ids[(index + i) % this.#ids.length] as bigint)
      }
      const fingers: bigint[] = []
      for (let bit = 0n; bit < 160n; bit++) fingers.push(this.owner((id + (1n << bit)) % RING))
      this.#tables.set(id, { successors: list, fingers })
    }
  }

  owner(key: bigint): bigint {
    return this.#ids.find((id) => id >= key) ?? (this.#ids[0] as bigint)
  }

  /** Hops from `start` to the owner of `key`, of which the last is from the key's predecessor or from one that lists the owner. */
  hops(start: bigint, key: bigint): number {
    const owner = this.owner(key)
    let at = start
    for (let hops = 0; ; hops++) {
      if (at === owner) return hops
      at = this.#next(at, key)
    }
  }

  #next(at: bigint, key: bigint): bigint {
    const { successors, fingers } = this.#tables.get(at) as { successors: bigint[]; fingers: bigint[] }
    const goal = distance(at, key)
    const listed = successors.find((id) => distance(at, id) >= goal)
    if (listed !== undefined) return listed
    let best = successors[0] as bigint
    for (const id of [...successors, ...fingers]) {
      const d = distance(at, id)
      if (d > 0n && d < goal && d > distance(at, best)) best = id
    }
    return best
  }
}

function distance(from: bigint, to: bigint): bigint {
  return (to - from + RING) % RING
}
