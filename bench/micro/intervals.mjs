/** x in (a, b) on the ring. */
import { bigint, COUNT, idSet } from './data.mjs'

export function intervalGroup({ native, twin }) {
  const { ids, packed, numbers } = idSet('interval', COUNT)
  const bounds = idSet('bound', 2)
  const [after, before] = bounds.ids
  const [low, high] = bounds.numbers
  return {
    name: 'isBetween',
    unit: 'an id',
    count: COUNT,
    tasks: {
      ...(native && { 'native batch': () => native.isBetweenBatch(packed, after, before) }),
      'twin of the batch': () => twin.isBetweenBatch(packed, after, before),
      'Id.isBetween, one by one': () => {
        let count = 0
        for (let i = 0; i < COUNT; i++) if (ids[i].isBetween(after, before)) count++
        return count
      },
      BigInt: () => {
        let count = 0
        for (let i = 0; i < COUNT; i++) if (bigint.isBetween(numbers[i], low, high)) count++
        return count
      },
    },
  }
}
