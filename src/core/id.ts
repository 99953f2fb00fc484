/** Points on the ring of 2^160 identifiers, and the interval arithmetic that all of Chord rests on. */
import { ChordError } from './errors.ts'
import { sha1Words } from './sha1.ts'

export const ID_BITS = 160
export const ID_BYTES = 20

const inspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/**
 * An immutable 160-bit point on the ring. `String(id)` is 40 lower-case hex digits.
 *
 * Five signed 32-bit words, most significant first: signed, because V8 then keeps each in the object itself instead of
 * boxing those above 2^31. Comparisons make them unsigned again.
 */
export class Id {
  /** The words, for the core and for batches. Always `| 0`. */
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number
  readonly w4: number
  /** Made at the first need: ids of peers are keys of maps, and are asked for it again and again. */
  #text: string | undefined = undefined

  /** For the core: any five numbers, most significant word first, of which the low 32 bits count. */
  constructor(w0: number, w1: number, w2: number, w3: number, w4: number) {
    this.w0 = w0 | 0
    this.w1 = w1 | 0
    this.w2 = w2 | 0
    this.w3 = w3 | 0
    this.w4 = w4 | 0
  }

  /** SHA-1 of the key; a string is taken as UTF-8. */
  static hash(key: string | Uint8Array): Id {
    if (typeof key !== 'string') return Id.fromWords(sha1Words(key, 0, key.length), 0)
    if (3 * key.length > UTF8_SCRATCH_BYTES) return Id.hash(encoder.encode(key))
    return Id.fromWords(sha1Words(utf8, 0, writeUtf8(key)), 0)
  }

  /** From 40 hex digits of either case. Errors: ERR_BAD_OPTION. */
  static parse(hex: string): Id {
    if (typeof hex !== 'string' || !/^[0-9a-f]{40}$/i.test(hex)) {
      throw new ChordError('ERR_BAD_OPTION', `an id is 40 hex digits, got ${JSON.stringify(hex)}`)
    }
    const word = (index: number) => Number.parseInt(hex.slice(8 * index, 8 * index + 8), 16)
    return new Id(word(0), word(1), word(2), word(3), word(4))
  }

  /** From the 20 bytes at `offset`, big-endian. Errors: ERR_BAD_OPTION if there are fewer. */
  static fromBytes(bytes: Uint8Array, offset = 0): Id {
    if (offset < 0 || offset + ID_BYTES > bytes.length) {
      throw new ChordError('ERR_BAD_OPTION', `an id is ${ID_BYTES} bytes, got ${bytes.length - offset}`)
    }
    return new Id(
      readWord(bytes, offset),
      readWord(bytes, offset + 4),
      readWord(bytes, offset + 8),
      readWord(bytes, offset + 12),
      readWord(bytes, offset + 16),
    )
  }

  /** From `words[at .. at + 5)`, most significant first, each a number (not swapped bytes of a big-endian buffer). */
  static fromWords(words: Uint32Array | Int32Array, at: number): Id {
    return new Id(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!, words[at + 4]!)
  }

  /** Big-endian; a fresh copy each time, so that nobody can change the id. */
  get bytes(): Uint8Array {
    const bytes = new Uint8Array(ID_BYTES)
    this.writeTo(bytes, 0)
    return bytes
  }

  /** Writes the 20 big-endian bytes at `offset`. */
  writeTo(bytes: Uint8Array, offset: number): void {
    writeWord(bytes, offset, this.w0)
    writeWord(bytes, offset + 4, this.w1)
    writeWord(bytes, offset + 8, this.w2)
    writeWord(bytes, offset + 12, this.w3)
    writeWord(bytes, offset + 16, this.w4)
  }

  /** As numbers, not around the ring. */
  compare(other: Id): -1 | 0 | 1 {
    if (this.equals(other)) return 0
    return isBelow(this, other) ? -1 : 1
  }

  equals(other: Id): boolean {
    return (
      this.w0 === other.w0 &&
      this.w1 === other.w1 &&
      this.w2 === other.w2 &&
      this.w3 === other.w3 &&
      this.w4 === other.w4
    )
  }

  /** In the open interval clockwise from `after` to `before`; if both are one point, everywhere but there. */
  isBetween(after: Id, before: Id): boolean {
    if (isBelow(after, before)) return isBelow(after, this) && isBelow(this, before)
    return isBelow(after, this) || isBelow(this, before)
  }

  /** In `(after, upTo]` clockwise; if both are one point, the whole ring. */
  isBetweenOrEnd(after: Id, upTo: Id): boolean {
    if (isBelow(after, upTo)) return isBelow(after, this) && !isBelow(upTo, this)
    return isBelow(after, this) || !isBelow(upTo, this)
  }

  /** `this + 2^bit` on the ring: where finger `bit` starts. `bit` is 0 to 159. */
  addPowerOfTwo(bit: number): Id {
    const power = 1 << (bit & 31)
    switch (bit >>> 5) {
      case 0:
        return add(this, 0, 0, 0, 0, power)
      case 1:
        return add(this, 0, 0, 0, power, 0)
      case 2:
        return add(this, 0, 0, power, 0, 0)
      case 3:
        return add(this, 0, power, 0, 0, 0)
      case 4:
        return add(this, power, 0, 0, 0, 0)
      default:
        throw new RangeError(`bit ${bit} of an id of ${ID_BITS} bits`)
    }
  }

  /** How far clockwise to `other`: `other - this` modulo 2^160. */
  distanceTo(other: Id): Id {
    const d4 = (other.w4 >>> 0) - (this.w4 >>> 0)
    const d3 = (other.w3 >>> 0) - (this.w3 >>> 0) - (d4 < 0 ? 1 : 0)
    const d2 = (other.w2 >>> 0) - (this.w2 >>> 0) - (d3 < 0 ? 1 : 0)
    const d1 = (other.w1 >>> 0) - (this.w1 >>> 0) - (d2 < 0 ? 1 : 0)
    const d0 = (other.w0 >>> 0) - (this.w0 >>> 0) - (d1 < 0 ? 1 : 0)
    return new Id(d0, d1, d2, d3, d4)
  }

  /** Position of the highest bit set plus one; 0 for zero. Of a distance d: finger `bitLength - 1` starts at or before it. */
  bitLength(): number {
    if (this.w0 !== 0) return 160 - Math.clz32(this.w0)
    if (this.w1 !== 0) return 128 - Math.clz32(this.w1)
    if (this.w2 !== 0) return 96 - Math.clz32(this.w2)
    if (this.w3 !== 0) return 64 - Math.clz32(this.w3)
    return 32 - Math.clz32(this.w4)
  }

  toString(): string {
    this.#text ??= hex(this.w0) + hex(this.w1) + hex(this.w2) + hex(this.w3) + hex(this.w4)
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect](): string {
    return `Id(${this.toString()})`
  }
}

/** Random ids nearly always differ in the first word. */
function isBelow(a: Id, b: Id): boolean {
  if (a.w0 !== b.w0) return a.w0 >>> 0 < b.w0 >>> 0
  if (a.w1 !== b.w1) return a.w1 >>> 0 < b.w1 >>> 0
  if (a.w2 !== b.w2) return a.w2 >>> 0 < b.w2 >>> 0
  if (a.w3 !== b.w3) return a.w3 >>> 0 < b.w3 >>> 0
  return a.w4 >>> 0 < b.w4 >>> 0
}

function add(id: Id, p0: number, p1: number, p2: number, p3: number, p4: number): Id {
  const s4 = (id.w4 >>> 0) + (p4 >>> 0)
  const s3 = (id.w3 >>> 0) + (p3 >>> 0) + (s4 > 0xffffffff ? 1 : 0)
  const s2 = (id.w2 >>> 0) + (p2 >>> 0) + (s3 > 0xffffffff ? 1 : 0)
  const s1 = (id.w1 >>> 0) + (p1 >>> 0) + (s2 > 0xffffffff ? 1 : 0)
  const s0 = (id.w0 >>> 0) + (p0 >>> 0) + (s1 > 0xffffffff ? 1 : 0)
  return new Id(s0, s1, s2, s3, s4)
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hex(word: number): string {
  return HEX[word >>> 24]! + HEX[(word >>> 16) & 255]! + HEX[(word >>> 8) & 255]! + HEX[word & 255]!
}

/** Keys of ordinary length are encoded here: hashing one allocates nothing but the id. */
const UTF8_SCRATCH_BYTES = 4096
const utf8 = new Uint8Array(UTF8_SCRATCH_BYTES)
const encoder = new TextEncoder()

function writeUtf8(key: string): number {
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    // The encoder's fixed cost is more than a short ASCII key takes.
    if (unit > 0x7f) return encoder.encodeInto(key, utf8).written
    utf8[i] = unit
  }
  return key.length
}
