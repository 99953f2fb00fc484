/**
 * Ids in bulk, and the TypeScript twins of the batches in `batch.ts`: the same results where the addon cannot be loaded.
 * For a single id use {@link Id}: a crossing into C++ costs more than a comparison.
 *
 * Ids are packed here as 20 big-endian bytes each, as they travel.
 */
import type { PackedKeys } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { ID_BYTES, type Id } from '../core/id.ts'
import { writeSha1 } from '../core/sha1.ts'

export interface IdBatches {
  readonly kind: 'native' | 'twin'
  /** The ids of all keys, 20 bytes each, in their order. Errors: ERR_BAD_OPTION for offsets that do not ascend within `bytes`. */
  hashBatch(keys: PackedKeys): Uint8Array
  /** For each id 1 if it lies in the open interval (after, before), else 0; see {@link Id.isBetween}. */
  isBetweenBatch(ids: Uint8Array, after: Id, before: Id): Uint8Array
  /**
   * For each key the index of the last entry of the ascending `table` that lies before it, or of the last entry of all
   * when none does: the ring wraps. -1 from an empty table.
   */
  closestPrecedingBatch(keys: Uint8Array, table: Uint8Array): Int32Array
}

export const twinBatches: IdBatches = { kind: 'twin', hashBatch, isBetweenBatch, closestPrecedingBatch }

function hashBatch(keys: PackedKeys): Uint8Array {
  checkPacked(keys)
  const { bytes, offsets } = keys
  const count = Math.max(0, offsets.length - 1)
  const hashes = new Uint8Array(count * ID_BYTES)
  for (let i = 0; i < count; i++) writeSha1(bytes, offsets[i]!, offsets[i + 1]!, hashes, i * ID_BYTES)
  return hashes
}

function isBetweenBatch(ids: Uint8Array, after: Id, before: Id): Uint8Array {
  const all = viewOf(ids)
  const bounds = viewOf(packIds([after, before]))
  const wraps = !isBelow(bounds, 0, bounds, ID_BYTES)
  const answers = new Uint8Array(ids.length / ID_BYTES)
  for (let i = 0, at = 0; i < answers.length; i++, at += ID_BYTES) {
    const isAfter = isBelow(bounds, 0, all, at)
    const isBefore = isBelow(all, at, bounds, ID_BYTES)
    answers[i] = (wraps ? isAfter || isBefore : isAfter && isBefore) ? 1 : 0
  }
  return answers
}

function closestPrecedingBatch(keys: Uint8Array, table: Uint8Array): Int32Array {
  const all = viewOf(keys)
  const sorted = viewOf(table)
  const entries = table.length / ID_BYTES
  const indexes = new Int32Array(keys.length / ID_BYTES)
  for (let i = 0; i < indexes.length; i++) {
    let low = 0
    let high = entries
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBelow(sorted, middle * ID_BYTES, all, i * ID_BYTES)) low = middle + 1
      else high = middle
    }
    indexes[i] = low === 0 ? entries - 1 : low - 1
  }
  return indexes
}

/** The ids one after the other, as the batches take them. */
export function packIds(ids: readonly Id[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * ID_BYTES)
  for (const [index, id] of ids.entries()) id.writeTo(bytes, index * ID_BYTES)
  return bytes
}

/** Refuses packed keys that C++ would read out of bounds. */
export function checkPacked({ bytes, offsets }: PackedKeys): void {
  let last = 0
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!
    if (offset < last || offset > bytes.length) {
      throw new ChordError('ERR_BAD_OPTION', `packed keys: offset ${i} is ${offset}, not ${last} to ${bytes.length}`)
    }
    last = offset
  }
}

function viewOf(ids: Uint8Array): DataView {
  if (ids.length % ID_BYTES !== 0) {
    throw new ChordError('ERR_BAD_OPTION', `packed ids are ${ID_BYTES} bytes each, got ${ids.length}`)
  }
  return new DataView(ids.buffer, ids.byteOffset, ids.length)
}

/** Random ids nearly always differ in the first word, so the others are seldom read. */
function isBelow(a: DataView, at: number, b: DataView, bt: number): boolean {
  for (let i = 0; i < ID_BYTES; i += 4) {
    const x = a.getUint32(at + i)
    const y = b.getUint32(bt + i)
    if (x !== y) return x < y
  }
  return false
}
