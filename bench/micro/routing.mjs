/** Which known node precedes a key most closely, for keys on their way: packed for the batches, as Ids, as BigInts. */
import { RoutingTable } from '../../dist/core/routing-table.js'
import { bigint, keysOnTheirWay, powerTable, ringTable } from './data.mjs'

const KEYS = 8192
const NATIVE = 'native batch'
const TWIN = 'twin of the batch'

export const routingGroups = [
  (batches) => routingGroup('node of a ring of 10,000', ringTable(10_000), batches, true),
  (batches) => routingGroup('node of a ring of 64', ringTable(64), batches, true),
  (batches) => routingGroup('a finger at each power of two', powerTable(), batches, false),
]

function routingGroup(name, known, { native, twin }, gated) {
  const keys = keysOnTheirWay(known, KEYS)
  const table = new RoutingTable(known.self, known.ids)
  const indexes = new Int32Array(KEYS)
  const each = (list, find) => () => {
    for (let i = 0; i < KEYS; i++) indexes[i] = find(list[i])
  }
  const self = BigInt(`0x${known.self}`)
  const searches = Object.entries(bigint.searches).map(([name, make]) => [name, make(self, known.numbers)])
  const tasks = {
    ...(native && { [NATIVE]: () => native.closestPrecedingBatch(table, keys.packed, indexes) }),
    [TWIN]: () => twin.closestPrecedingBatch(table, keys.packed, indexes),
    'RoutingTable.precedingIndex, one by one': each(keys.ids, (id) => table.precedingIndex(id)),
    ...Object.fromEntries(searches.map(([name, find]) => [name, each(keys.numbers, find)])),
  }
  assertSame(tasks, indexes)
  const against = Object.keys(bigint.searches)
  return {
    name: `closestPrecedingNode, ${known.ids.length} entries: ${name}`,
    unit: 'a key',
    count: KEYS,
    tasks,
    gates: gated
      ? [
          { row: NATIVE, against, atLeast: 30 },
          { row: TWIN, against, atLeast: 4 },
        ]
      : [],
  }
}

/** Ways that do not agree are not worth measuring. */
function assertSame(tasks, indexes) {
  let expected
  for (const [name, task] of Object.entries(tasks)) {
    indexes.fill(-2)
    task()
    expected ??= indexes.slice()
    if (!expected.every((index, i) => index === indexes[i])) throw new Error(`${name} finds other entries`)
  }
}
