/** The same arithmetic on BigInt: what ids cost without words of 32 bits. Each form as fast as we could make it. */

const RING_BITS = 160

export function isBetween(id: bigint, after: bigint, before: bigint): boolean {
  return after < before ? after < id && id < before : after < id || id < before
}

/** Of 20 big-endian bytes. */
export function numberOf(bytes: Uint8Array, at: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 20)
  return (view.getBigUint64(0) << 96n) | (view.getBigUint64(8) << 32n) | BigInt(view.getUint32(16))
}

/** Finds for a key the index of the last of the node's entries, in ring order from the node on, in (node, key); or -1. */
export type Search = (key: bigint) => number

/** All forms, since which is best depends on the table. Entries are none of them the node, in ring order from it on. */
export const searches: Record<string, (self: bigint, ids: readonly bigint[]) => Search> = {
  'BigInt, halving': halving,
  'BigInt, bit length of the distance': byBitLength,
  'BigInt, from the furthest (paper)': fromFurthest,
}

/**
 * Without any arithmetic on the key, which would make a new BigInt: ids in numerical order, with the node among them. Five comparisons
 * for a table of 20.
 */
function halving(self: bigint, ids: readonly bigint[]): Search {
  const points = [...ids.map((id, index) => ({ id, index })), { id: self, index: -1 }]
  points.sort((a, b) => (a.id < b.id ? -1 : 1))
  const sorted = points.map(({ id }) => id)
  const indexes = Int32Array.from(points, ({ index }) => index)
  return (key) => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sorted[middle]! < key) low = middle + 1
      else high = middle
    }
    return indexes[low === 0 ? sorted.length - 1 : low - 1]!
  }
}

/**
 * The idea of our own search. The exponent of a distance as floating-point number is its bit length, the quickest way to it; the numbers
 * also compare faster than BigInts where they differ.
 */
function byBitLength(self: bigint, ids: readonly bigint[]): Search {
  const float = new Float64Array(1)
  const halves = new Uint32Array(float.buffer)
  const exponent = (value: number) => {
    float[0] = value
    return halves[1]! >>> 20
  }
  const distances = ids.map((id) => BigInt.asUintN(RING_BITS, id - self))
  const numbers = Float64Array.from([...distances.map(Number), Number.POSITIVE_INFINITY])
  const firsts = Int32Array.from({ length: 2048 }, (_, wanted) => {
    const first = distances.findIndex((distance) => exponent(Number(distance)) >= wanted)
    return first === -1 ? distances.length : first
  })
  return (key) => {
    const distance = BigInt.asUintN(RING_BITS, key - self)
    const number = Number(distance)
    let i = firsts[exponent(number)]!
    while (numbers[i]! < number) i++
    while (numbers[i] === number && distances[i]! < distance) i++
    return i - 1
  }
}

/** Chord's `closest_preceding_node` as the paper writes it. */
function fromFurthest(self: bigint, ids: readonly bigint[]): Search {
  return (key) => {
    for (let i = ids.length - 1; i >= 0; i--) if (isBetween(ids[i]!, self, key)) return i
    return -1
  }
}
