/**
 * Packed ids in the order of the ring, so that whatever is the same for all keys of a range is found for a run of them. Ids are
 * uniform as a rule: their first words decide nearly always, and those are sorted digit by digit.
 */
import { ID_BYTES, type Id } from '../../core/id.ts'

const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS
/** Sorted in place; more of the same first word are somebody's choice. */
const FEW = 16

export class IdOrder {
  readonly size: number
  /** At each position the index of an id; equal ones keep their order. */
  readonly order: Uint32Array
  readonly #ids: Uint8Array
  readonly #view: DataView
  /** By position. */
  readonly #firsts: Uint32Array

  constructor(ids: Uint8Array) {
    this.#ids = ids
    this.#view = new DataView(ids.buffer, ids.byteOffset, ids.length)
    this.size = ids.length / ID_BYTES
    let firsts = new Uint32Array(this.size)
    for (let i = 0; i < this.size; i++) firsts[i] = this.#view.getUint32(i * ID_BYTES)
    let order = new Uint32Array(this.size)
    for (let i = 0; i < this.size; i++) order[i] = i
    let otherFirsts = new Uint32Array(this.size)
    let otherOrder = new Uint32Array(this.size)
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      sortByDigit(shift, firsts, order, otherFirsts, otherOrder)
      ;[firsts, otherFirsts] = [otherFirsts, firsts]
      ;[order, otherOrder] = [otherOrder, order]
    }
    this.#firsts = firsts
    this.order = order
    this.#sortTies()
  }

  /** How many positions hold ids that are not behind `id`, as numbers. */
  countUpTo(id: Id): number {
    const first = id.w0 >>> 0
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      const word = this.#firsts[middle]!
      if (word === first ? this.#isAbove(this.order[middle]!, id) : word > first) high = middle
      else low = middle + 1
    }
    return low
  }

  #sortTies(): void {
    for (let from = 0, to = 1; from < this.size; from = to, to++) {
      while (to < this.size && this.#firsts[to] === this.#firsts[from]) to++
      if (to - from > FEW) this.order.subarray(from, to).sort((a, b) => this.#compare(a, b))
      else if (to - from > 1) this.#insertInto(from, to)
    }
  }

  #insertInto(from: number, to: number): void {
    const { order } = this
    for (let i = from + 1; i < to; i++) {
      const id = order[i]!
      let at = i
      for (; at > from && this.#compare(order[at - 1]!, id) > 0; at--) order[at] = order[at - 1]!
      order[at] = id
    }
  }

  /** Of the ids with these indexes; equal ones by their indexes. */
  #compare(a: number, b: number): number {
    for (let byte = 0; byte < ID_BYTES; byte += 4) {
      const difference = this.#view.getUint32(a * ID_BYTES + byte) - this.#view.getUint32(b * ID_BYTES + byte)
      if (difference !== 0) return difference
    }
    return a - b
  }

  #isAbove(index: number, id: Id): boolean {
    const at = index * ID_BYTES
    for (const [word, limit] of [id.w0, id.w1, id.w2, id.w3, id.w4].entries()) {
      const own = this.#view.getInt32(at + 4 * word)
      if (own !== limit) return own >>> 0 > limit >>> 0
    }
    return false
  }

  get ids(): Uint8Array {
    return this.#ids
  }
}

function sortByDigit(
  shift: number,
  firsts: Uint32Array,
  order: Uint32Array,
  toFirsts: Uint32Array,
  toOrder: Uint32Array,
): void {
  const places = new Uint32Array(DIGITS)
  for (let i = 0; i < firsts.length; i++) places[(firsts[i]! >>> shift) & (DIGITS - 1)]!++
  let place = 0
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = places[digit]!
    places[digit] = place
    place += count
  }
  for (let i = 0; i < firsts.length; i++) {
    const first = firsts[i]!
    const to = places[(first >>> shift) & (DIGITS - 1)]!++
    toFirsts[to] = first
    toOrder[to] = order[i]!
  }
}
