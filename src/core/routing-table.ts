/**
 * Which of a node's known nodes precedes a key most closely (paper, `closest_preceding_node`), in a few nanoseconds. The bit length of
 * the distance from the node to the key names a bucket of entries, then mostly one comparison decides. Nothing is subtracted with a
 * borrow: the first 32-bit word in which key and node differ has the leading bits of the distance.
 *
 * The prepared table is one `Uint32Array`, so that C++ (`native/routing_table.h`) reads the same memory:
 *
 *     0        entries n
 *     1 …      five words of the node's own id
 *     6 …      n + 1 codes: difference in the first differing word, then depth; the last is above all
 *     8 + 2n … n × five words: distance less one, exactly; for ties
 *     8 + 7n … 1,282 halves: bucket b begins at entry [b], of 8 buckets for each of 160 bit lengths, and the end
 */
import { assert } from './errors.ts'
import { ID_BYTES, Id } from './id.ts'

const AT_SELF = 1
const AT_CODES = 6
/** Buckets of one bit length: the next three bits, since successors crowd into few bit lengths. */
const FINE_BITS = 3
const BUCKETS = 160 << FINE_BITS
const BUCKET_WORDS = (BUCKETS + 2) / 2
export const ROUTING_ENTRIES_MAX = 0xffff

/** Depth of what differs from the node in the first word, and so of nearly everything; nearer points have less. */
const FIRST_WORD = 4
/** Shares the first word with the node but lies behind it: further than everything else. */
const BEHIND = 5

/** No index: later words decide. Less an entry that may be the next. */
const UNDECIDED = -2
const ONE = new Id(0, 0, 0, 0, 1)

/** Does not change. Ids in any order, more than once, the node's own among them: none of this matters to the answers. */
export class RoutingTable {
  /** In ring order from the node on. Equal ones stay in the order given; the node's own id comes last. */
  readonly ids: readonly Id[]
  /** What the batches search. Read only, by C++ during a call. */
  readonly words: Uint32Array
  readonly #buckets: Uint16Array
  readonly #atExact: number
  readonly #w0: number

  constructor(self: Id, ids: readonly Id[]) {
    assert(ids.length <= ROUTING_ENTRIES_MAX, 'a routing table of more than 65,535 entries')
    const n = ids.length
    const exact = new Map(ids.map((id) => [id, lessOne(self.distanceTo(id))]))
    this.ids = [...ids].sort((a, b) => (exact.get(a) as Id).compare(exact.get(b) as Id))
    this.#atExact = AT_CODES + 2 * (n + 1)
    const atBuckets = this.#atExact + 5 * n
    this.words = new Uint32Array(atBuckets + BUCKET_WORDS)
    this.#buckets = new Uint16Array(this.words.buffer, 4 * atBuckets, 2 * BUCKET_WORDS)
    this.#w0 = self.w0
    this.words[0] = n
    this.words.set([self.w0, self.w1, self.w2, self.w3, self.w4], AT_SELF)
    // Above all codes, and still so when C++ takes the sign of a difference.
    this.words.set([0xffffffff, 0x7fffffff], this.#atExact - 2)
    for (let i = 0; i < n; i++) {
      const id = this.ids[i] as Id
      const d = exact.get(id) as Id
      this.words.set([d.w0, d.w1, d.w2, d.w3, d.w4], this.#atExact + 5 * i)
      this.words.set(codeOf(self, id), AT_CODES + 2 * i)
    }
    this.#fillBuckets(n)
  }

  /** Index into `ids` of the last entry in (node, key), the whole ring if the key is the node's id; -1 if there is none. */
  precedingIndex(key: Id): number {
    const difference = (key.w0 - this.#w0) | 0
    const index = difference === 0 ? UNDECIDED : this.#search(FIRST_WORD, difference)
    return index >= -1 ? index : this.#precedingDeep(index, key.w0, key.w1, key.w2, key.w3, key.w4)
  }

  /**
   * The same for each of the packed `keys`, 20 big-endian bytes each. The search for the first word stands here once more: whether a
   * compiler inlines it is a matter of luck, and costs half as much again.
   */
  precedingIndexes(keys: Uint8Array, indexes: Int32Array): void {
    const view = new DataView(keys.buffer, keys.byteOffset, keys.length)
    const { words } = this
    const buckets = this.#buckets
    const w0 = this.#w0
    for (let i = 0, at = 0; i < indexes.length; i++, at += ID_BYTES) {
      const difference = (view.getInt32(at) - w0) | 0
      const code = difference >>> 0
      const bucket = bucketOf(FIRST_WORD, difference)
      let entry = buckets[bucket]!
      const end = buckets[bucket + 1]!
      while (entry < end && words[AT_CODES + 2 * entry]! < code) entry++
      if (difference === 0) indexes[i] = this.#precedingOf(UNDECIDED, view, at)
      else if (entry < end && words[AT_CODES + 2 * entry] === code)
        indexes[i] = this.#precedingOf(UNDECIDED - entry, view, at)
      else indexes[i] = entry - 1
    }
  }

  #precedingOf(index: number, view: DataView, at: number): number {
    const w0 = view.getInt32(at)
    const w1 = view.getInt32(at + 4)
    return this.#precedingDeep(index, w0, w1, view.getInt32(at + 8), view.getInt32(at + 12), view.getInt32(at + 16))
  }

  /**
   * Of a point that differs from the node first by `difference`, not 0, in the word of this depth. If an entry differs by as much, so that
   * later words decide: UNDECIDED less that entry.
   */
  #search(depth: number, difference: number): number {
    const { words } = this
    const bucket = bucketOf(depth, difference)
    let i = this.#buckets[bucket]!
    const end = this.#buckets[bucket + 1]!
    const code = difference >>> 0
    while (i < end && words[AT_CODES + 2 * i]! < code) i++
    return i < end && words[AT_CODES + 2 * i] === code ? UNDECIDED - i : i - 1
  }

  /** Of a key that shares its first word with the node, or words with an entry. */
  #precedingDeep(undecided: number, k0: number, k1: number, k2: number, k3: number, k4: number): number {
    if (k0 !== this.#w0) return this.#precedingFrom(UNDECIDED - undecided, k0, k1, k2, k3, k4)
    const { words } = this
    const depth = k1 >>> 0 !== words[2] ? 3 : k2 >>> 0 !== words[3] ? 2 : k3 >>> 0 !== words[4] ? 1 : 0
    const word = (depth === 3 ? k1 : depth === 2 ? k2 : depth === 1 ? k3 : k4) >>> 0
    const own = words[AT_SELF + FIRST_WORD - depth]!
    // The node itself, or behind it: nothing else comes later.
    if (word <= own) return this.#precedingFrom(this.#buckets[BUCKETS]!, k0, k1, k2, k3, k4)
    const index = this.#search(depth, (word - own) | 0)
    return index >= -1 ? index : this.#precedingFrom(UNDECIDED - index, k0, k1, k2, k3, k4)
  }

  /** By all 160 bits, where the entries below `entry` are known to precede the key. */
  #precedingFrom(entry: number, k0: number, k1: number, k2: number, k3: number, k4: number): number {
    const { words } = this
    const d4 = (k4 >>> 0) - words[5]! - 1
    const d3 = (k3 >>> 0) - words[4]! - (d4 < 0 ? 1 : 0)
    const d2 = (k2 >>> 0) - words[3]! - (d3 < 0 ? 1 : 0)
    const d1 = (k1 >>> 0) - words[2]! - (d2 < 0 ? 1 : 0)
    const d0 = (k0 >>> 0) - words[1]! - (d1 < 0 ? 1 : 0)
    const n = words[0]!
    let i = entry
    while (i < n && this.#isBelow(i, d0 >>> 0, d1 >>> 0, d2 >>> 0, d3 >>> 0, d4 >>> 0)) i++
    return i - 1
  }

  #isBelow(entry: number, d0: number, d1: number, d2: number, d3: number, d4: number): boolean {
    const { words } = this
    const at = this.#atExact + 5 * entry
    if (words[at] !== d0) return words[at]! < d0
    if (words[at + 1] !== d1) return words[at + 1]! < d1
    if (words[at + 2] !== d2) return words[at + 2]! < d2
    if (words[at + 3] !== d3) return words[at + 3]! < d3
    return words[at + 4]! < d4
  }

  /** Each begins with the first entry that is not below it. What lies behind the node is in none. */
  #fillBuckets(n: number): void {
    const { words } = this
    let filled = 0
    let i = 0
    for (; i < n; i++) {
      const depth = words[AT_CODES + 2 * i + 1]!
      if (depth === BEHIND) break
      const bucket = bucketOf(depth, words[AT_CODES + 2 * i]!)
      if (bucket < filled) continue
      this.#buckets.fill(i, filled, bucket + 1)
      filled = bucket + 1
    }
    this.#buckets.fill(i, filled)
  }
}

function bucketOf(depth: number, difference: number): number {
  const zeros = Math.clz32(difference)
  return (((depth << 5) | (31 - zeros)) << FINE_BITS) | (((difference << zeros) >>> 28) & 7)
}

function codeOf(self: Id, id: Id): [difference: number, depth: number] {
  const own = [self.w0, self.w1, self.w2, self.w3, self.w4]
  const words = [id.w0, id.w1, id.w2, id.w3, id.w4]
  const at = words.findIndex((word, i) => word !== own[i])
  if (at === -1) return [0, BEHIND]
  const difference = (words[at] as number) - (own[at] as number)
  if (at > 0 && (words[at] as number) >>> 0 < (own[at] as number) >>> 0) return [difference, BEHIND]
  return [difference, FIRST_WORD - at]
}

/** So that the node itself, at distance 0, comes after everybody. */
function lessOne(distance: Id): Id {
  return ONE.distanceTo(distance)
}
