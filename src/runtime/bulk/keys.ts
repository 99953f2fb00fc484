/** Keys as callers give them into packed ids, 20 big-endian bytes each. */
import type { Key, PackedKeys } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import { ID_BYTES, Id } from '../../core/id.ts'
import { idBatches } from '../../native/batch.ts'
import type { PlainKey } from '../../native/pack.ts'

/** Errors: ERR_BAD_OPTION. */
export function packedIds(keys: readonly Key[] | PackedKeys): Uint8Array {
  if (!Array.isArray(keys)) return idBatches().hashBatch(asPacked(keys, 'keys'))
  return keys.some(isId) ? mixedIds(keys as readonly Key[]) : idBatches().hashBatch(keys as readonly PlainKey[])
}

function isId(key: unknown): key is Id {
  return key instanceof Id
}

function mixedIds(keys: readonly Key[]): Uint8Array {
  const ids = new Uint8Array(keys.length * ID_BYTES)
  const plain: PlainKey[] = []
  const places: number[] = []
  for (const [i, key] of keys.entries()) {
    if (isId(key)) {
      key.writeTo(ids, i * ID_BYTES)
    } else {
      plain.push(key)
      places.push(i)
    }
  }
  const hashes = idBatches().hashBatch(plain)
  for (const [from, to] of places.entries()) {
    ids.set(hashes.subarray(from * ID_BYTES, (from + 1) * ID_BYTES), to * ID_BYTES)
  }
  return ids
}

/** Only the form; that offsets ascend within the bytes is for who reads them. Errors: ERR_BAD_OPTION. */
export function asPacked(packed: unknown, what: string): PackedKeys {
  const { bytes, offsets } = (packed ?? {}) as PackedKeys
  if (!(bytes instanceof Uint8Array) || !(offsets instanceof Uint32Array)) {
    throw new ChordError('ERR_BAD_OPTION', `packed ${what} are { bytes: Uint8Array, offsets: Uint32Array }`)
  }
  return { bytes, offsets }
}
