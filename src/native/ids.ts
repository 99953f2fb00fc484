/**
 * Ids in bulk, and the TypeScript twins of the batches in `batch.ts`: the same results where the addon cannot be loaded.
 * For a single id use {@link Id}: a crossing into C++ costs more than a comparison.
 *
 * Ids are packed here as 20 big-endian bytes each, as they travel.
 */
import type { PackedKeys } from '../api.ts'
import type { ArcTable } from '../core/arc-table.ts'
import { ChordError } from '../core/errors.ts'
import { ID_BYTES, type Id } from '../core/id.ts'
import type { RoutingTable } from '../core/routing-table.ts'
import { writeSha1 } from '../core/sha1.ts'
import { type PlainKey, packKeys } from './pack.ts'

/** `out` takes the results, if it is given; its length must fit. Errors of all: ERR_BAD_OPTION. */
export interface IdBatches {
  readonly kind: 'native' | 'twin'
  /** The ids of all keys, 20 bytes each, in their order. Offsets of packed keys must ascend within their bytes. */
  hashBatch(keys: PackedKeys | readonly PlainKey[], out?: Uint8Array): Uint8Array
  /** For each id 1 if it lies in the open interval (after, before), else 0; see {@link Id.isBetween}. */
  isBetweenBatch(ids: Uint8Array, after: Id, before: Id): Uint8Array
  /** For each key what {@link RoutingTable.precedingIndex} says. */
  closestPrecedingBatch(table: RoutingTable, keys: Uint8Array, out?: Int32Array): Int32Array
  /** For each packed id what {@link ArcTable.find} says. */
  findArcs(table: ArcTable, ids: Uint8Array, out?: Int32Array): Int32Array
  /** The same for the ids of keys, in one go; they are kept in `idsOut`, if it is given. */
  hashAndFindArcs(
    table: ArcTable,
    keys: PackedKeys | readonly PlainKey[],
    out?: Int32Array,
    idsOut?: Uint8Array,
  ): Int32Array
}

export const twinBatches: IdBatches = {
  kind: 'twin',
  hashBatch,
  isBetweenBatch,
  closestPrecedingBatch,
  findArcs,
  hashAndFindArcs,
}

function hashBatch(given: PackedKeys | readonly PlainKey[], out?: Uint8Array): Uint8Array {
  const keys = packed(given)
  checkPacked(keys)
  const { bytes, offsets } = keys
  const hashes = hashesFor(keys, out)
  for (let i = 0; i + 1 < offsets.length; i++) writeSha1(bytes, offsets[i]!, offsets[i + 1]!, hashes, i * ID_BYTES)
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

function closestPrecedingBatch(table: RoutingTable, keys: Uint8Array, out?: Int32Array): Int32Array {
  const indexes = indexesFor(keys, out)
  table.precedingIndexes(keys, indexes)
  return indexes
}

function findArcs(table: ArcTable, ids: Uint8Array, out?: Int32Array): Int32Array {
  const numbers = indexesFor(ids, out)
  table.findMany(ids, numbers)
  return numbers
}

function hashAndFindArcs(
  table: ArcTable,
  given: PackedKeys | readonly PlainKey[],
  out?: Int32Array,
  idsOut?: Uint8Array,
): Int32Array {
  const keys = packed(given)
  return findArcs(table, hashBatch(keys, idsOut), indexesOf(keys, out))
}

/** The ids one after the other, as the batches take them. */
export function packIds(ids: readonly Id[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * ID_BYTES)
  for (const [index, id] of ids.entries()) id.writeTo(bytes, index * ID_BYTES)
  return bytes
}

/** Refuses packed keys that C++ would read out of bounds. */
export function checkPacked({ bytes, offsets }: PackedKeys, what = 'keys'): void {
  let last = 0
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!
    if (offset < last || offset > bytes.length) {
      throw new ChordError('ERR_BAD_OPTION', `packed ${what}: offset ${i} is ${offset}, not ${last} to ${bytes.length}`)
    }
    last = offset
  }
}

export function packed(keys: PackedKeys | readonly PlainKey[]): PackedKeys {
  return Array.isArray(keys) ? packKeys(keys as readonly PlainKey[]) : (keys as PackedKeys)
}

export function countIds(ids: Uint8Array): number {
  if (ids.length % ID_BYTES === 0) return ids.length / ID_BYTES
  throw new ChordError('ERR_BAD_OPTION', `packed ids are ${ID_BYTES} bytes each, got ${ids.length}`)
}

export function hashesFor({ offsets }: PackedKeys, out: Uint8Array | undefined): Uint8Array {
  return fitting(out, ID_BYTES * Math.max(0, offsets.length - 1), Uint8Array)
}

export function indexesFor(keys: Uint8Array, out: Int32Array | undefined): Int32Array {
  return fitting(out, countIds(keys), Int32Array)
}

export function indexesOf({ offsets }: PackedKeys, out: Int32Array | undefined): Int32Array {
  return fitting(out, Math.max(0, offsets.length - 1), Int32Array)
}

function fitting<T extends Uint8Array | Int32Array>(
  out: T | undefined,
  length: number,
  make: new (length: number) => T,
): T {
  if (out === undefined) return new make(length)
  if (out.length === length) return out
  throw new ChordError('ERR_BAD_OPTION', `room for ${out.length} results, not for ${length}`)
}

function viewOf(ids: Uint8Array): DataView {
  countIds(ids)
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
