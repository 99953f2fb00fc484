import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Id } from '../../src/core/id.ts'
import { RoutingTable } from '../../src/core/routing-table.ts'
import { anyDistance, anyId, anyTable, bordersOf, idOf, indexesBefore, numberOf, RING } from './id-reference.ts'

describe('a routing table', () => {
  it('lists its entries in ring order from the node on, the node last', () => {
    fc.assert(
      fc.property(anyTable, ({ self, ids }) => {
        const table = new RoutingTable(self, ids)
        const ways = table.ids.map((id) => (numberOf(id) - numberOf(self) - 1n + RING) % RING)
        expect(ways).toEqual([...ways].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
        expect(table.ids.map(String).sort()).toEqual(ids.map(String).sort())
      }),
    )
  })

  it('finds the closest preceding entry of a key', () => {
    fc.assert(
      fc.property(anyTable, anyId, anyDistance, ({ self, ids }, anywhere, distance) => {
        const table = new RoutingTable(self, ids)
        const keys = [anywhere, idOf(numberOf(self) + distance), ...bordersOf(self, ids)]
        const indexes = keys.map((key) => table.precedingIndex(key))
        expect(indexes).toEqual(indexesBefore(table, self, keys))
        const outside = indexes.filter((index, i) => index >= 0 && !table.ids[index]?.isBetween(self, keys[i] as Id))
        expect(outside).toEqual([])
      }),
    )
  })

  it('knows nobody, one, itself', () => {
    const self = idOf(100n)
    expect(new RoutingTable(self, []).precedingIndex(idOf(7n))).toBe(-1)
    const one = new RoutingTable(self, [idOf(110n)])
    expect([109n, 110n, 111n, 99n, 100n, 101n].map((key) => one.precedingIndex(idOf(key)))).toEqual([
      -1, -1, 0, 0, 0, -1,
    ])
    const itself = new RoutingTable(self, [self])
    expect([99n, 100n, 101n].map((key) => itself.precedingIndex(idOf(key)))).toEqual([-1, -1, -1])
  })

  it('takes the last of equal ones', () => {
    const table = new RoutingTable(idOf(0n), [idOf(8n), idOf(4n), idOf(8n), idOf(8n)])
    expect(table.precedingIndex(idOf(9n))).toBe(3)
    expect(table.precedingIndex(idOf(8n))).toBe(0)
  })
})
