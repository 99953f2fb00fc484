/** `lookupMany`: of what is remembered, or by asking; as an object for each key, or packed. */
import type { Key, LookupManyOptions, Owner, PackedKeys, PackedOwners, Result } from '../../api.ts'
import { NO_ARC } from '../../core/arc-table.ts'
import { ChordError } from '../../core/errors.ts'
import { idBatches } from '../../native/batch.ts'
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
  const { table, owners } = port.known.all()
  const indexes = Array.isArray(keys)
    ? idBatches().findArcs(table, packedIds(keys))
    : idBatches().hashAndFindArcs(table, asPacked(keys, 'keys'))
  const refusal = port.refusal()
  if (refusal !== undefined) indexes.fill(NO_ARC)
  const errors = new Map<number, ChordError>()
  if (indexes.includes(NO_ARC)) {
    const error = refusal ?? notCached()
    for (let i = 0; i < indexes.length; i++) if (indexes[i] === NO_ARC) errors.set(i, error)
  }
  return { owners, indexes, errors }
}

/** Keys of one owner share its result. */
function resultsOf({ owners, indexes, errors }: PackedOwners): readonly Result<Owner>[] {
  const found = owners.map((value): Result<Owner> => ({ ok: true, value }))
  const results = new Array<Result<Owner>>(indexes.length)
  for (let i = 0; i < results.length; i++) results[i] = found[indexes[i]!] ?? { ok: false, error: errors.get(i)! }
  return results
}
