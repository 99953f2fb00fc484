/**
 * Ids in bulk, in C++: the same interface as `twinBatches` of `ids.ts`, with the same results. Ids are 20 big-endian
 * bytes each. C++ borrows what it is given for the length of the call.
 */
import type { PackedKeys } from '../api.ts'
import type { ArcTable } from '../core/arc-table.ts'
import { ID_BYTES, type Id } from '../core/id.ts'
import type { RoutingTable } from '../core/routing-table.ts'
import {
  checkPacked,
  countIds,
  hashesFor,
  type IdBatches,
  indexesFor,
  indexesOf,
  packed,
  packIds,
  twinBatches,
} from './ids.ts'
import { type Addon, loadNative } from './load.ts'
import type { PlainKey } from './pack.ts'

/** Undefined where the addon does not load. */
export function nativeBatches(): IdBatches | undefined {
  const native = loadNative()
  return native.ok ? new NativeBatches(native.addon) : undefined
}

let chosen: IdBatches | undefined

/** In C++ where the addon loads. */
export function idBatches(): IdBatches {
  chosen ??= nativeBatches() ?? twinBatches
  return chosen
}

class NativeBatches implements IdBatches {
  readonly kind = 'native'
  readonly #addon: Addon

  constructor(addon: Addon) {
    this.#addon = addon
  }

  hashBatch(given: PackedKeys | readonly PlainKey[], out?: Uint8Array): Uint8Array {
    const keys = packed(given)
    const hashes = hashesFor(keys, out)
    try {
      if (keys.offsets.length > 0) this.#addon.sha1Batch(keys.bytes, keys.offsets, hashes)
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

  closestPrecedingBatch(table: RoutingTable, keys: Uint8Array, out?: Int32Array): Int32Array {
    const indexes = indexesFor(keys, out)
    this.#addon.searchBatch(false, table.words, keys, indexes)
    return indexes
  }

  findArcs(table: ArcTable, ids: Uint8Array, out?: Int32Array): Int32Array {
    const numbers = indexesFor(ids, out)
    this.#addon.searchBatch(true, table.words, ids, numbers)
    return numbers
  }

  hashAndFindArcs(
    table: ArcTable,
    given: PackedKeys | readonly PlainKey[],
    out?: Int32Array,
    idsOut?: Uint8Array,
  ): Int32Array {
    const keys = packed(given)
    const numbers = indexesOf(keys, out)
    const ids = idsOut === undefined ? null : hashesFor(keys, idsOut)
    try {
      if (keys.offsets.length > 0) {
        this.#addon.sha1Batch(keys.bytes, keys.offsets, ids, table.words, numbers)
      }
    } catch (error) {
      checkPacked(keys)
      throw error
    }
    return numbers
  }
}
