/** Which known node precedes a key most closely: the table of one node of a large ring, and keys from everywhere. */
import { Id } from '../../dist/core/id.js'
import { closestPreceding } from '../../dist/core/table.js'
import * as bigint from '../limit/bigint.mjs'
import { COUNT, fingerSet, idSet } from './data.mjs'

export function routingGroup({ native, twin }) {
  const self = Id.hash('self')
  const table = fingerSet(self)
  const keys = idSet('key', COUNT)
  const peers = table.ids.map((id, i) => ({ id, address: `10.0.0.${i}:4000`, incarnation: 1n }))
  // As much of a core as routing reads.
  const core = {
    self: { id: self, address: '10.0.1.0:4000', incarnation: 1n },
    tableVersion: 0,
    successors: [],
    fingers: { distinct: () => peers },
    detector: { isSuspect: () => false },
  }
  return {
    name: `closestPrecedingNode of ${table.ids.length}`,
    unit: 'a key',
    count: COUNT,
    tasks: {
      ...(native && { 'native batch': () => native.closestPrecedingBatch(keys.packed, table.packed) }),
      'twin of the batch': () => twin.closestPrecedingBatch(keys.packed, table.packed),
      'core, one by one': () => sum(keys.ids, (key) => closestPreceding(core, key, 1).length),
      BigInt: () => sum(keys.numbers, (key) => bigint.closestPreceding(table.numbers, key)),
    },
  }
}

function sum(list, measureOf) {
  let total = 0
  for (let i = 0; i < list.length; i++) total += measureOf(list[i])
  return total
}
