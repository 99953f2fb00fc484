/**
 * Ids in bulk, in C++: the same interface as `twinBatches` of `ids.ts`, with the same results. Ids are 20 big-endian
 * bytes each. Worth a crossing from about four keys on.
 */
import type { PackedKeys } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { ID_BYTES, type Id } from '../core/id.ts'
import { checkPacked, type IdBatches, packIds } from './ids.ts'
import { type Addon, loadNative } from './load.ts'

/** Undefined where the addon does not load. */
export function nativeBatches(): IdBatches | undefined {
  const native = loadNative()
  return native.ok ? new NativeBatches(native.addon) : undefined
}

class NativeBatches implements IdBatches {
  readonly kind = 'native'
  readonly #addon: Addon

  constructor(addon: Addon) {
    this.#addon = addon
  }

  hashBatch(keys: PackedKeys): Uint8Array {
    const count = Math.max(0, keys.offsets.length - 1)
    const hashes = new Uint8Array(count * ID_BYTES)
    try {
      if (count > 0) this.#addon.sha1Batch(keys.bytes, keys.offsets, hashes)
      else checkPacked(keys)
    } catch (error) {
      // C++ has looked at every offset already; this says which one is wrong.
      checkPacked(keys)
      throw error
    }
    return hashes
  }

  isBetweenBatch(ids: Uint8Array, after: Id, before: Id): Uint8Array {
    const answers = new Uint8Array(countIds(ids))
    const bounds = packIds([after, before])
    this.#addon.isBetweenBatch(ids, bounds.subarray(0, ID_BYTES), bounds.subarray(ID_BYTES), answers)
    return answers
  }

  closestPrecedingBatch(keys: Uint8Array, table: Uint8Array): Int32Array {
    countIds(table)
    const indexes = new Int32Array(countIds(keys))
    this.#addon.closestPrecedingBatch(keys, table, indexes)
    return indexes
  }
}

function countIds(ids: Uint8Array): number {
  if (ids.length % ID_BYTES === 0) return ids.length / ID_BYTES
  throw new ChordError('ERR_BAD_OPTION', `packed ids are ${ID_BYTES} bytes each, got ${ids.length}`)
}
