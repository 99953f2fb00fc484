/** Inputs, the same in each run. */
import { Id } from '../../dist/core/id.js'
import { packIds } from '../../dist/native/ids.js'
import { numberOf } from '../limit/bigint.mjs'

export const COUNT = 1024
/** Distinct nodes that one of a ring of about 10,000 routes by: 8 successors and its fingers. */
export const TABLE = 20

export function idSet(name, count, ascending = false) {
  const ids = Array.from({ length: count }, (_, i) => Id.hash(`${name} ${i}`))
  if (ascending) ids.sort((a, b) => a.compare(b))
  const packed = packIds(ids)
  return { ids, packed, numbers: ids.map((_, i) => numberOf(packed, 20 * i)) }
}

/** Where a node at `self` meets others: as many in each halving of the distance, so they crowd behind it. */
export function fingerSet(self) {
  const ids = Array.from({ length: TABLE }, (_, i) => self.addPowerOfTwo(159 - i)).sort((a, b) => a.compare(b))
  const packed = packIds(ids)
  return { ids, packed, numbers: ids.map((_, i) => numberOf(packed, 20 * i)) }
}
