/** What ids are held against: BigInt, slow and obviously right; and ids of the kinds that break word arithmetic. */
import fc from 'fast-check'
import { Id } from '../../src/core/id.ts'
import type { RoutingTable } from '../../src/core/routing-table.ts'

export const RING = 1n << 160n

export function numberOf(id: Id): bigint {
  return BigInt(`0x${id}`)
}

export function idOf(value: bigint): Id {
  return Id.parse((((value % RING) + RING) % RING).toString(16).padStart(40, '0'))
}

/** Words that are often equal, zero, all ones or next to the sign bit, so that ties and carries are common. */
const word = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff), fc.nat(0xffffffff))

export const anyId = fc.tuple(word, word, word, word, word).map(([a, b, c, d, e]) => new Id(a, b, c, d, e))

/** At a distance whose bit length is anything from 0 to 160: as keys are seen on their way. */
export const anyDistance = fc
  .tuple(fc.nat(160), fc.bigInt({ min: 0n, max: RING - 1n }))
  .map(([bits, noise]) => noise >> BigInt(160 - bits))

/** A node and what it knows: crowded, at all distances, the powers of two or just beyond them; twice, the node itself, nobody. */
export const anyTable = anyId.chain((self) => {
  const from = (distance: bigint) => idOf(numberOf(self) + distance)
  const powers = Array.from({ length: 160 }, (_, bit) => from(1n << BigInt(bit)))
  const beyond = anyDistance.chain((gap) =>
    fc.constant(Array.from({ length: 160 }, (_, bit) => from((1n << BigInt(bit)) + (gap >> BigInt(160 - bit))))),
  )
  const known = fc.oneof(
    fc.array(anyId, { maxLength: 60 }),
    fc.array(anyDistance.map(from), { maxLength: 60 }),
    fc.constant(powers),
    beyond,
    fc.constant([]),
  )
  return fc.tuple(known, fc.boolean(), fc.nat(3)).map(([ids, withSelf, twice]) => ({
    self,
    ids: [...ids, ...ids.slice(0, twice), ...(withSelf ? [self] : [])],
  }))
})

/** The entries and their neighbours, the node and its neighbours. */
export function bordersOf(self: Id, ids: readonly Id[]): Id[] {
  return [...ids, self].flatMap((id) => [-1n, 0n, 1n].map((step) => idOf(numberOf(id) + step)))
}

/** Of each key the index of the last entry in (self, key), by counting: everything is but self, if the key is self. */
export function indexesBefore(table: RoutingTable, self: Id, keys: readonly Id[]): number[] {
  const origin = numberOf(self) + 1n
  const way = (point: Id) => (numberOf(point) - origin + RING) % RING
  const entries = table.ids.map(way)
  return keys.map(way).map((end) => entries.filter((entry) => entry < end).length - 1)
}
