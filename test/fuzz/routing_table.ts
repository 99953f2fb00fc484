/** Tables of ids that crowd together, searched for keys that lie beside them: as counting in big integers says. */
import { ID_BYTES, Id } from '../../src/core/id.ts'
import { RoutingTable } from '../../src/core/routing-table.ts'
import { must, Script, type Target } from './input.ts'

const RING = 1n << 160n

const target: Target = (bytes) => {
  const script = new Script(bytes)
  const self = Uint8Array.from({ length: ID_BYTES }, () => (script.u8() % 3 === 0 ? 0 : 255))
  const entries = Array.from({ length: script.u8() % 24 }, () => near(self, script))
  const keys = Array.from({ length: 1 + (script.u8() % 8) }, () => {
    const choice = script.u8()
    const other = choice < 64 ? undefined : entries[choice % 24]
    if (other !== undefined && choice % 8 === 0) return other
    return near(other ?? self, script)
  })

  const own = numberOf(self)
  // How far behind the node, which itself comes last.
  const distance = (id: Uint8Array) => (numberOf(id) - own - 1n + RING) % RING
  const table = new RoutingTable(
    Id.fromBytes(self),
    entries.map((id) => Id.fromBytes(id)),
  )
  const distances = entries.map(distance)
  const indexes = new Int32Array(keys.length)
  table.precedingIndexes(Buffer.concat(keys), indexes)
  for (const [i, key] of keys.entries()) {
    const wanted = distance(key)
    const expected = distances.filter((other) => other < wanted).length - 1
    must(indexes[i] === expected, `in a batch ${indexes[i]}, not ${expected}`)
    must(table.precedingIndex(Id.fromBytes(key)) === expected, 'alone another answer than in a batch')
  }
}
export default target

/** The same as another id but for a few bytes. */
function near(other: Uint8Array, script: Script): Uint8Array {
  const id = other.slice()
  const from = script.u8() % (ID_BYTES + 1)
  const count = 1 + (script.u8() % 3)
  for (let i = from; i < ID_BYTES && i < from + count; i++) id[i] = script.u8()
  return id
}

function numberOf(id: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(id).toString('hex')}`)
}
