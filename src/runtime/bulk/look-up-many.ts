/** `lookupMany`: of what is remembered, or by asking; as an object for each key, or packed. */
import type { Key, LookupManyOptions, Owner, PackedKeys, PackedOwners, Result } from '../../api.ts'
import { NO_ARC } from '../../core/arc-table.ts'
import { ChordError } from '../../core/errors.ts'
import { ID_BYTES, Id } from '../../core/id.ts'
import { idBatches } from '../../native/batch.ts'
import type { KnownRanges } from '../known.ts'
import { timeoutOf, WAIT_NAMES } from '../values.ts'
import { asPacked, packedIds } from './keys.ts'
import { LookUpRun } from './look-up-run.ts'
import type { BulkPort } from './port.ts'

const NAMES = [...WAIT_NAMES, 'cached', 'packed']

/** Errors: ERR_BAD_OPTION, ERR_ABORTED if the signal has fired already. */
export async function lookUpMany(
  port: BulkPort,
  keys: readonly Key[] | PackedKeys,
  o: LookupManyOptions | undefined,
): Promise<readonly Result<Owner>[] | PackedOwners> {
  const timeoutMs = timeoutOf(o, NAMES)
  const found =
    o?.cached === true ? remembered(port, keys) : await new LookUpRun(port, packedIds(keys), timeoutMs, o).done
  return o?.packed === true ? found : resultsOf(found)
}

export function notCached(): ChordError {
  return new ChordError('ERR_NOT_CACHED', 'the owner of the key is not known here; look it up without `cached`')
}

function remembered(port: BulkPort, keys: readonly Key[] | PackedKeys): PackedOwners {
  const found = findAll(port.known, keys)
  const { indexes } = found
  const refusal = port.refusal()
  if (refusal !== undefined) indexes.fill(NO_ARC)
  const errors = new Map<number, ChordError>()
  if (indexes.includes(NO_ARC)) {
    const error = refusal ?? notCached()
    for (let i = 0; i < indexes.length; i++) if (indexes[i] === NO_ARC) errors.set(i, error)
  }
  return { ...found, errors }
}

function findAll(known: KnownRanges, keys: readonly Key[] | PackedKeys): Omit<PackedOwners, 'errors'> {
  const packed = Array.isArray(keys) ? undefined : asPacked(keys, 'keys')
  const prepared = known.prepared(packed === undefined ? (keys as readonly Key[]).length : packed.offsets.length)
  if (prepared === undefined) return findEach(known, packedIds(keys))
  const { table, owners } = prepared
  const batches = idBatches()
  const indexes =
    packed === undefined ? batches.findArcs(table, packedIds(keys)) : batches.hashAndFindArcs(table, packed)
  return { owners, indexes }
}

function findEach(known: KnownRanges, ids: Uint8Array): Omit<PackedOwners, 'errors'> {
  const owners: Owner[] = []
  const indexes = new Int32Array(ids.length / ID_BYTES)
  for (let i = 0; i < indexes.length; i++) {
    const owner = known.find(Id.fromBytes(ids, i * ID_BYTES))
    if (owner !== undefined && !owners.includes(owner)) owners.push(owner)
    indexes[i] = owner === undefined ? NO_ARC : owners.indexOf(owner)
  }
  return { owners, indexes }
}

/** Keys of one owner share its result. */
function resultsOf({ owners, indexes, errors }: PackedOwners): readonly Result<Owner>[] {
  const found = owners.map((value): Result<Owner> => ({ ok: true, value }))
  const results = new Array<Result<Owner>>(indexes.length)
  for (let i = 0; i < results.length; i++) results[i] = found[indexes[i]!] ?? { ok: false, error: errors.get(i)! }
  return results
}
