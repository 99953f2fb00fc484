/**
 * A short hash of structured data: numbers, strings, ids, lists, maps, sets, objects. The order of lists, maps and sets
 * counts; that of an object's fields does not, nor does a field that is undefined. Not against forgers.
 */
import { Id } from './id.ts'

/** 16 hex digits. */
export function hashOf(value: unknown): string {
  const hash = new Hash(0)
  hash.value(value)
  return hash.hex()
}

const TEXT = 1
const NUMBER = 2
const BIG = 3
const WHOLE = 11
const YES = 4
const NO = 5
const NONE = 6
const ID = 7
const LIST = 8
const ENTRIES = 9
const FIELDS = 10

const float = new DataView(new ArrayBuffer(8))

class Hash {
  a: number
  b: number

  constructor(seed: number) {
    this.a = seed ^ 0x2545f491
    this.b = seed ^ 0x6c078965
  }

  value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.text(value)
      case 'number':
        return this.#number(value)
      case 'bigint':
        this.word(BIG)
        return this.text(String(value))
      case 'boolean':
        return this.word(value ? YES : NO)
      case 'object':
        return value === null ? this.word(NONE) : this.#object(value)
      default:
        return this.word(NONE)
    }
  }

  word(word: number): void {
    this.a = rotate(Math.imul(this.a ^ word, 0x9e3779b1), 15)
    this.b = rotate(Math.imul(this.b + word, 0x85ebca6b), 13) ^ this.a
  }

  hex(): string {
    return finished(this.a ^ rotate(this.b, 7)) + finished(this.b)
  }

  #object(value: object): void {
    if (value instanceof Id) {
      this.word(ID)
      for (const word of [value.w0, value.w1, value.w2, value.w3, value.w4]) this.word(word)
    } else if (Array.isArray(value)) {
      this.word(LIST)
      this.word(value.length)
      for (const entry of value) this.value(entry)
    } else if (value instanceof Map || value instanceof Set) {
      this.word(ENTRIES)
      this.word(value.size)
      for (const [key, entry] of value.entries()) {
        this.value(key)
        if (value instanceof Map) this.value(entry)
      }
    } else {
      this.#fields(value as Record<string, unknown>)
    }
  }

  /** Their hashes are added up: whoever made the object may have named its fields in any order. */
  #fields(fields: Record<string, unknown>): void {
    const { a, b } = this
    let sumA = 0
    let sumB = 0
    for (const name in fields) {
      const value = fields[name]
      if (value === undefined) continue
      const start = startOf(name)
      this.a = start.a
      this.b = start.b
      this.value(value)
      sumA = (sumA + this.a) | 0
      sumB = (sumB + this.b) | 0
    }
    this.a = a
    this.b = b
    this.word(sumA)
    this.word(sumB)
  }

  text(text: string): void {
    this.word(TEXT)
    this.word(text.length)
    const end = text.length - 1
    for (let i = 0; i < end; i += 2) this.word((text.charCodeAt(i) << 16) | text.charCodeAt(i + 1))
    if ((end & 1) === 0) this.word(text.charCodeAt(end))
  }

  #number(value: number): void {
    if ((value | 0) === value) {
      this.word(WHOLE)
      return this.word(value)
    }
    float.setFloat64(0, value)
    this.word(NUMBER)
    this.word(float.getInt32(0))
    this.word(float.getInt32(4))
  }
}

const starts = new Map<string, Hash>()
const STARTS_MAX = 1_024

/** The hash of a field, before its value. */
function startOf(name: string): Hash {
  const known = starts.get(name)
  if (known !== undefined) return known
  const start = new Hash(FIELDS)
  start.text(name)
  if (starts.size < STARTS_MAX) starts.set(name, start)
  return start
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

/** Spreads what differs in few bits (the last steps of MurmurHash3). */
function finished(word: number): string {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0')
}
