/** Strings into one buffer, for the batches: one call of the encoder for many of them, since a call costs more than a key. */
import type { PackedKeys } from '../api.ts'
import { ChordError } from '../core/errors.ts'

export type PlainKey = string | Uint8Array

/** Long enough to spread the cost of a call, short enough that one key beyond ASCII delays few. */
const AT_ONCE = 128
/** Kept for the next batch; what larger ones needed is given back. */
const KEPT_BYTES = 1 << 20

const encoder = new TextEncoder()
let kept: Buffer = Buffer.allocUnsafeSlow(1 << 14)

/** Strings as UTF-8, bytes as they are. `bytes` is borrowed: the next call writes over it. Errors: ERR_BAD_OPTION. */
export function packKeys(keys: readonly PlainKey[]): PackedKeys {
  const packing = new Packing(kept, keys.length)
  for (let from = 0; from < keys.length; from += AT_ONCE) packing.add(keys, from, Math.min(from + AT_ONCE, keys.length))
  if (packing.bytes.length <= KEPT_BYTES) kept = packing.bytes
  return packing
}

class Packing implements PackedKeys {
  bytes: Buffer
  readonly offsets: Uint32Array
  #end = 0

  constructor(bytes: Buffer, count: number) {
    this.bytes = bytes
    this.offsets = new Uint32Array(count + 1)
  }

  add(keys: readonly PlainKey[], from: number, to: number): void {
    let all = ''
    for (let i = from; i < to; i++) {
      const key = keys[i]
      if (typeof key !== 'string') return this.#addEach(keys, from, to)
      all += key
    }
    this.#reserve(3 * all.length)
    const { written } = encoder.encodeInto(all, this.bytes.subarray(this.#end))
    // As many bytes as UTF-16 units: each is ASCII, and the lengths of the strings are those of their bytes.
    if (written !== all.length) return this.#addEach(keys, from, to)
    for (let i = from; i < to; i++) {
      this.#end += (keys[i] as string).length
      this.offsets[i + 1] = this.#end
    }
  }

  #addEach(keys: readonly PlainKey[], from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const key = keys[i]
      if (typeof key === 'string') {
        this.#reserve(3 * key.length)
        this.#end += this.bytes.write(key, this.#end)
      } else if (key instanceof Uint8Array) {
        this.#reserve(key.length)
        this.bytes.set(key, this.#end)
        this.#end += key.length
      } else {
        throw new ChordError('ERR_BAD_OPTION', `key ${i} is neither a string nor a Uint8Array`)
      }
      this.offsets[i + 1] = this.#end
    }
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.bytes.length) return
    if (needed > 0xffffffff) throw new ChordError('ERR_BAD_OPTION', 'the keys of one batch are more than 4 GiB')
    const larger = Buffer.allocUnsafeSlow(Math.min(0xffffffff, Math.max(needed, 2 * this.bytes.length)))
    larger.set(this.bytes.subarray(0, this.#end))
    this.bytes = larger
  }
}
