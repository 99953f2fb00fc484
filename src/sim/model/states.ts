/** The set of states seen, which is also the queue of those to go on from: three or so words a state, one for its parent. */
import type { Nodes, Ring } from './nodes.ts'

const START = 1 << 12
const WORD_BITS = 32

export class States {
  readonly #nodes: Nodes
  /** A node's bits, how many nodes share a word, and how many words make a state. */
  readonly #bits: number
  readonly #perWord: number
  readonly #words: number
  #packed: Int32Array
  #parents: Int32Array
  /** Open addressing: the index of a state plus one, at the hash of its words or soon after. At most half full. */
  #table: Int32Array
  #count = 0
  readonly #scratch: Int32Array

  constructor(nodes: Nodes) {
    this.#nodes = nodes
    this.#bits = WORD_BITS - Math.clz32(nodes.codes - 1)
    this.#perWord = Math.floor(WORD_BITS / this.#bits)
    this.#words = Math.ceil(nodes.size / this.#perWord)
    this.#packed = new Int32Array(START * this.#words)
    this.#parents = new Int32Array(START)
    this.#table = new Int32Array(START * 2)
    this.#scratch = new Int32Array(this.#words)
  }

  get count(): number {
    return this.#count
  }

  /** The most that states and table take, while they grow: the old and the new arrays. */
  get bytes(): number {
    return this.#packed.byteLength + this.#parents.byteLength + this.#table.byteLength
  }

  /** True if it was not in the set; it then has the index count − 1. */
  add(ring: Ring, parent: number): boolean {
    const slot = this.#find(ring)
    if (this.#table[slot] !== 0) return false
    if (this.#count === this.#parents.length) {
      this.#grow()
      return this.add(ring, parent)
    }
    this.#packed.set(this.#scratch, this.#count * this.#words)
    this.#parents[this.#count] = parent
    this.#table[slot] = ++this.#count
    return true
  }

  /** −1 if it is not in the set. */
  indexOf(ring: Ring): number {
    return this.#table[this.#find(ring)]! - 1
  }

  parentOf(index: number): number {
    return this.#parents[index]!
  }

  at(index: number): Ring {
    const ring = []
    const start = index * this.#words
    for (let id = 0; id < this.#nodes.size; id++) {
      const word = this.#packed[start + Math.floor(id / this.#perWord)]!
      const code = (word >>> ((id % this.#perWord) * this.#bits)) & ((1 << this.#bits) - 1)
      ring.push(this.#nodes.ofCode(id, code))
    }
    return ring
  }

  /** Packs the ring into the scratch words; where it is in the table, or the free slot where it belongs. */
  #find(ring: Ring): number {
    const scratch = this.#scratch.fill(0)
    for (let id = 0, word = 0, shift = 0; id < ring.length; id++) {
      scratch[word]! |= ring[id]!.code << shift
      shift += this.#bits
      if (shift + this.#bits > WORD_BITS) {
        word++
        shift = 0
      }
    }
    const last = this.#table.length - 1
    let slot = hash(scratch, 0, this.#words) & last
    while (this.#table[slot] !== 0 && !this.#same(this.#table[slot]! - 1)) slot = (slot + 1) & last
    return slot
  }

  #same(index: number): boolean {
    const start = index * this.#words
    for (let word = 0; word < this.#words; word++) {
      if (this.#packed[start + word] !== this.#scratch[word]) return false
    }
    return true
  }

  #grow(): void {
    const capacity = this.#parents.length * 2
    this.#packed = copyInto(new Int32Array(capacity * this.#words), this.#packed)
    this.#parents = copyInto(new Int32Array(capacity), this.#parents)
    this.#table = new Int32Array(capacity * 2)
    const last = this.#table.length - 1
    for (let index = 0; index < this.#count; index++) {
      let slot = hash(this.#packed, index * this.#words, this.#words) & last
      while (this.#table[slot] !== 0) slot = (slot + 1) & last
      this.#table[slot] = index + 1
    }
  }
}

/** A few rounds of xorshift-multiply over the words (as in MurmurHash3's finalizer). */
function hash(words: Int32Array, start: number, count: number): number {
  let h = 0
  for (let at = start; at < start + count; at++) {
    h = Math.imul(h ^ words[at]!, 0x85ebca6b)
    h ^= h >>> 15
    h = Math.imul(h, 0xc2b2ae35)
    h ^= h >>> 13
  }
  return h
}

function copyInto(to: Int32Array, from: Int32Array): Int32Array<ArrayBuffer> {
  to.set(from)
  return to as Int32Array<ArrayBuffer>
}
