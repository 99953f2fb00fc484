/** The original's hash: MurmurHash3_x86_128 (Austin Appleby, public domain) of a text's UTF-8. It places keys, and protects nothing. */
import { ChordError } from '../../core/errors.ts'

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93
const BLOCK = 16

/** Where a text lies on the ring: four unsigned 32-bit words, most significant first. Errors: ERR_BAD_OPTION. */
export function hash(key: string, seed = 0): number[] {
  if (typeof key !== 'string') throw new ChordError('ERR_BAD_OPTION', `hash takes a string, got ${typeof key}`)
  if (seed >>> 0 !== seed) throw new ChordError('ERR_BAD_OPTION', 'the seed of a hash is an unsigned 32-bit number')
  const bytes = Buffer.from(key)
  const { length } = bytes
  let h1 = seed | 0
  let h2 = h1
  let h3 = h1
  let h4 = h1
  let at = 0
  for (; at + BLOCK <= length; at += BLOCK) {
    h1 = step(h1 ^ scramble(word(bytes, at), C1, 15, C2), 19, h2, 0x561ccd1b)
    h2 = step(h2 ^ scramble(word(bytes, at + 4), C2, 16, C3), 17, h3, 0x0bcaa747)
    h3 = step(h3 ^ scramble(word(bytes, at + 8), C3, 17, C4), 15, h4, 0x96cd1c35)
    h4 = step(h4 ^ scramble(word(bytes, at + 12), C4, 18, C1), 13, h1, 0x32ac3b17)
  }
  // Of a block that is not full, words that are not there scramble to nothing.
  h4 ^= scramble(word(bytes, at + 12), C4, 18, C1) ^ length
  h3 ^= scramble(word(bytes, at + 8), C3, 17, C4) ^ length
  h2 ^= scramble(word(bytes, at + 4), C2, 16, C3) ^ length
  h1 ^= scramble(word(bytes, at), C1, 15, C2) ^ length
  h1 = (h1 + h2 + h3 + h4) | 0
  const f2 = finish((h2 + h1) | 0)
  const f3 = finish((h3 + h1) | 0)
  const f4 = finish((h4 + h1) | 0)
  const sum = (finish(h1) + f2 + f3 + f4) | 0
  return [sum >>> 0, (f2 + sum) >>> 0, (f3 + sum) >>> 0, (f4 + sum) >>> 0]
}

/** Little-endian; bytes past the end are 0. */
function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function scramble(k: number, first: number, turn: number, second: number): number {
  return Math.imul(rotate(Math.imul(k, first), turn), second)
}

function step(h: number, turn: number, next: number, constant: number): number {
  return (Math.imul((rotate(h, turn) + next) | 0, 5) + constant) | 0
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

function finish(h: number): number {
  const once = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}
