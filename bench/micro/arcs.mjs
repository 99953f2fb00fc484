/** Which arc of the ring a key lies in, and so whose it is: hashed or not, packed for the batches, and one by one. */
import { ArcTable } from '../../dist/core/arc-table.js'
import { Id } from '../../dist/core/id.js'

const KEYS = 8192

export const arcGroups = [32, 1000].map((arcs) => (batches) => arcGroup(arcs, batches))

function arcGroup(arcs, { native, twin }) {
  const ends = Array.from({ length: arcs }, (_, i) => Id.hash(`10.0.0.1:${i}`)).sort((a, b) => a.compare(b))
  const table = new ArcTable(
    ends,
    Int32Array.from(ends, (_, i) => i),
  )
  const names = Array.from({ length: KEYS }, (_, i) => `user:${1_000_000 + 7919 * i}`)
  const ids = names.map((name) => Id.hash(name))
  const packed = new Uint8Array(20 * KEYS)
  for (const [i, id] of ids.entries()) id.writeTo(packed, 20 * i)
  const keys = packNames(names)
  const out = new Int32Array(KEYS)
  const tasks = {
    ...(native && {
      'hash and find, native batch': () => native.hashAndFindArcs(table, keys, out),
      'hash only, native batch': () => native.hashBatch(keys, packed),
      'find only, native batch': () => native.findArcs(table, packed, out),
    }),
    'hash and find, twin of the batch': () => twin.hashAndFindArcs(table, keys, out),
    'find only, twin of the batch': () => twin.findArcs(table, packed, out),
    'ArcTable.find, one by one': () => {
      for (let i = 0; i < KEYS; i++) out[i] = table.find(ids[i])
    },
  }
  return { name: `the arc of a key among ${arcs}`, unit: 'a key', count: KEYS, tasks, gates: [] }
}

function packNames(names) {
  const offsets = new Uint32Array(names.length + 1)
  for (const [i, name] of names.entries()) offsets[i + 1] = offsets[i] + name.length
  return { bytes: new TextEncoder().encode(names.join('')), offsets }
}
