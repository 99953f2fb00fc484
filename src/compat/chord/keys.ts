/**
 * Keys as the original has them: arrays of 32-bit words, most significant first. Those of messages and ids have four words;
 * the helpers take any number of them, and call the key with fewer words the smaller one.
 */
import { ChordError } from '../../core/errors.ts'
import { Id } from '../../core/id.ts'

export type Key = number[]

export const KEY_WORDS = 4
const WORD_MAX = 0xffffffff
const WORD_BITS = 32

/** In the open interval from `low` to `high`, clockwise; if both are one point, everywhere but there. */
export function in_range(key: ArrayLike<number>, low: ArrayLike<number>, high: ArrayLike<number>): boolean {
  const order = compare(low, high)
  if (order === 0) return !equal_to(key, low)
  const isAfter = compare(low, key) < 0
  const isBefore = compare(key, high) < 0
  return order < 0 ? isAfter && isBefore : isAfter || isBefore
}

/** As {@link in_range}, and `high` itself too; if both are one point, everywhere. */
export function in_half_open_range(key: ArrayLike<number>, low: ArrayLike<number>, high: ArrayLike<number>): boolean {
  const order = compare(low, high)
  const isAfter = compare(low, key) < 0
  const isUpTo = compare(key, high) <= 0
  if (order === 0) return true
  return order < 0 ? isAfter && isUpTo : isAfter || isUpTo
}

export function less_than(low: ArrayLike<number>, high: ArrayLike<number>): boolean {
  return compare(low, high) < 0
}

export function less_than_or_equal(low: ArrayLike<number>, high: ArrayLike<number>): boolean {
  return compare(low, high) <= 0
}

export function equal_to(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return compare(a, b) === 0
}

/**
 * A new key, 2^exponent further on. Two habits of the original are kept: an exponent beyond the words changes nothing, and the last bit of a
 * word (31, 63, …) is taken off instead of added, so that the word may become negative. Errors: ERR_BAD_OPTION.
 */
export function add_exp(key: ArrayLike<number>, exponent: number): Key {
  checkWords(key)
  if (!Number.isInteger(exponent) || exponent < 0) {
    throw new ChordError('ERR_BAD_OPTION', `an exponent is a whole number from 0, got ${String(exponent)}`)
  }
  const result = Array.from(key)
  let carried = 1 << (exponent % WORD_BITS)
  for (let i = result.length - 1 - Math.floor(exponent / WORD_BITS); i >= 0 && carried !== 0; i--) {
    const sum = result[i]! + carried
    carried = sum > WORD_MAX ? 1 : 0
    result[i] = carried === 0 ? sum : sum - (WORD_MAX + 1)
  }
  return result
}

/** The next point of the ring. */
export function next_key(key: ArrayLike<number>): Key {
  return add_exp(key, 0)
}

/** The point of the ring that a key of four words means: its words come first. Errors: ERR_BAD_OPTION. */
export function idOfKey(key: unknown): Id {
  if (!Array.isArray(key) || key.length !== KEY_WORDS) throw badKey()
  const words = [0, 0, 0, 0]
  for (let i = 0; i < KEY_WORDS; i++) {
    const word: unknown = key[i]
    if (!Number.isInteger(word) || (word as number) > WORD_MAX) throw badKey()
    // As `add_exp` may make it; it lies before all others.
    if ((word as number) < 0) break
    words[i] = word as number
  }
  return new Id(words[0]!, words[1]!, words[2]!, words[3]!, 0)
}

/** How an id is shown: so it is a key, too, and of that key the node with this id is the owner. */
export function keyOfId(id: Id): Key {
  return [id.w0 >>> 0, id.w1 >>> 0, id.w2 >>> 0, id.w3 >>> 0]
}

function compare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkWords(a)
  checkWords(b)
  if (a.length !== b.length) return a.length - b.length
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return -1
    if (a[i]! > b[i]!) return 1
  }
  return 0
}

function checkWords(key: ArrayLike<number>): void {
  if (typeof key === 'object' && typeof key?.length === 'number') return
  throw new ChordError('ERR_BAD_OPTION', 'a key is an array of 32-bit words')
}

function badKey(): ChordError {
  return new ChordError('ERR_BAD_OPTION', `the key of a message is an array of ${KEY_WORDS} unsigned 32-bit words`)
}
