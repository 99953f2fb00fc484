/**
 * The ring cut into arcs, each with a number: whatever is the same for all keys between two points is looked up here, one key at a time
 * or many, in a few nanoseconds. Ids are uniform, so that the leading bits of a key name a bucket that holds half an arc on average.
 *
 * The prepared table is one `Uint32Array`, so that C++ (`native/arc_table.h`) reads the same memory:
 *
 *     0          arcs n
 *     1          bits that name a bucket, 1 to 17
 *     2 …        n first words of the ends of arcs
 *     2 + n …    n numbers, signed
 *     2 + 2n …   n × four more words of the ends
 *     2 + 6n …   2^bits + 1 halves: the first arc that ends in bucket b, or behind it
 */
import { assert } from './errors.ts'
import { ID_BYTES, type Id } from './id.ts'

/** The number of nothing: an empty table's answer, and for arcs of which nothing is known. */
export const NO_ARC = -1
export const ARCS_MAX = 0xffff

const AT_FIRST = 2
/** More in one bucket are halved, not walked: somebody may choose ids to lie close together. */
const CROWD = 8

/** Does not change. */
export class ArcTable {
  /** What the batches search. Read only, by C++ during a call. */
  readonly words: Uint32Array
  readonly #size: number
  readonly #shift: number
  readonly #numbers: Int32Array
  readonly #starts: Uint16Array

  /**
   * `ends` ascend and are distinct, 65,535 at most; arc i is (ends[i - 1], ends[i]], and what lies behind the last end is in arc 0, so
   * that one end makes one arc of the whole ring. `values[i]` is at least -1.
   */
  constructor(ends: readonly Id[], values: ArrayLike<number>) {
    const n = ends.length
    assert(n <= ARCS_MAX && values.length === n, 'as many numbers as arcs, and not too many')
    const bits = Math.max(1, 33 - Math.clz32(n))
    const atStarts = AT_FIRST + 6 * n
    this.words = new Uint32Array(atStarts + (1 << (bits - 1)) + 1)
    this.words[0] = n
    this.words[1] = bits
    this.#size = n
    this.#shift = 32 - bits
    this.#numbers = new Int32Array(this.words.buffer, 4 * (AT_FIRST + n), n)
    this.#starts = new Uint16Array(this.words.buffer, 4 * atStarts, (1 << bits) + 1)
    for (let i = 0; i < n; i++) this.#put(i, ends, values[i]!)
    this.#fillStarts()
  }

  get size(): number {
    return this.#size
  }

  /** The number of the key's arc; NO_ARC in an empty table. */
  find(key: Id): number {
    return this.#size === 0 ? NO_ARC : this.#numbers[this.#arc(key.w0, key.w1, key.w2, key.w3, key.w4)]!
  }

  /** The same for each of the packed ids, 20 big-endian bytes each. */
  findMany(ids: Uint8Array, values: Int32Array): void {
    if (this.#size === 0) return void values.fill(NO_ARC)
    const view = new DataView(ids.buffer, ids.byteOffset, ids.length)
    for (let i = 0, at = 0; i < values.length; i++, at += ID_BYTES) {
      const k0 = view.getInt32(at)
      let arc = this.#near(k0 >>> 0)
      if (arc < 0) {
        const k1 = view.getInt32(at + 4)
        arc = this.#deep(~arc, k0, k1, view.getInt32(at + 8), view.getInt32(at + 12), view.getInt32(at + 16))
      }
      values[i] = this.#numbers[arc]!
    }
  }

  /** The words of the same table with all its numbers but NO_ARC raised. */
  shifted(by: number): Uint32Array {
    const words = this.words.slice()
    for (let i = AT_FIRST + this.#size; i < AT_FIRST + 2 * this.#size; i++) {
      if (words[i] !== NO_ARC >>> 0) words[i]! += by
    }
    return words
  }

  #arc(k0: number, k1: number, k2: number, k3: number, k4: number): number {
    const arc = this.#near(k0 >>> 0)
    return arc >= 0 ? arc : this.#deep(~arc, k0, k1, k2, k3, k4)
  }

  /** The arc of a key by its first word; its complement if the arc's end has the same, so that later words decide. */
  #near(k0: number): number {
    const { words } = this
    const bucket = k0 >>> this.#shift
    let arc = this.#starts[bucket]!
    let end = this.#starts[bucket + 1]!
    while (end - arc > CROWD) {
      const middle = (arc + end) >>> 1
      if (words[AT_FIRST + middle]! < k0) arc = middle + 1
      else end = middle
    }
    while (arc < end && words[AT_FIRST + arc]! < k0) arc++
    if (arc === this.#size) return 0
    return words[AT_FIRST + arc] === k0 ? ~arc : arc
  }

  /** From the first arc whose end has the first word of the key. */
  #deep(arc: number, k0: number, k1: number, k2: number, k3: number, k4: number): number {
    const { words } = this
    let at = arc
    while (at < this.#size && words[AT_FIRST + at] === k0 >>> 0 && this.#endsBefore(at, k1, k2, k3, k4)) at++
    return at === this.#size ? 0 : at
  }

  #endsBefore(arc: number, k1: number, k2: number, k3: number, k4: number): boolean {
    const { words } = this
    const at = AT_FIRST + 2 * this.#size + 4 * arc
    if (words[at] !== k1 >>> 0) return words[at]! < k1 >>> 0
    if (words[at + 1] !== k2 >>> 0) return words[at + 1]! < k2 >>> 0
    if (words[at + 2] !== k3 >>> 0) return words[at + 2]! < k3 >>> 0
    return words[at + 3]! < k4 >>> 0
  }

  #put(arc: number, ends: readonly Id[], value: number): void {
    const end = ends[arc]!
    assert(arc === 0 || ends[arc - 1]!.compare(end) < 0, 'ends of arcs ascend')
    assert(value >= NO_ARC && value <= 0x7fffffff, 'the number of an arc')
    this.words[AT_FIRST + arc] = end.w0
    this.words.set([end.w1, end.w2, end.w3, end.w4], AT_FIRST + 2 * this.#size + 4 * arc)
    this.#numbers[arc] = value
  }

  #fillStarts(): void {
    let arc = 0
    for (let bucket = 0; bucket < this.#starts.length; bucket++) {
      while (arc < this.#size && this.words[AT_FIRST + arc]! >>> this.#shift < bucket) arc++
      this.#starts[bucket] = arc
    }
  }
}
