import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ARCS_MAX, ArcTable, NO_ARC } from '../../src/core/arc-table.ts'
import { Id } from '../../src/core/id.ts'
import { packIds } from '../../src/native/ids.ts'
import { anyArcs, arcOf, keysAround } from './arcs.ts'
import { anyId, idOf } from './id-reference.ts'

describe('a table of arcs', () => {
  it('finds the arc of each key, and of many', () => {
    fc.assert(
      fc.property(anyArcs, fc.array(anyId, { maxLength: 20 }), ({ ends, values }, anywhere) => {
        const table = new ArcTable(ends, values)
        const keys = [...anywhere, ...keysAround(ends)]
        const expected = keys.map((key) => values[arcOf(ends, key)] ?? NO_ARC)
        expect(keys.map((key) => table.find(key))).toEqual(expected)
        const many = new Int32Array(keys.length)
        table.findMany(packIds(keys), many)
        expect([...many]).toEqual(expected)
      }),
    )
  })

  it('knows nothing, or one thing of the whole ring', () => {
    expect(new ArcTable([], []).find(idOf(5n))).toBe(NO_ARC)
    const one = new ArcTable([idOf(5n)], [7])
    expect([4n, 5n, 6n, 1n << 159n].map((key) => one.find(idOf(key)))).toEqual([7, 7, 7, 7])
  })

  it('takes as many arcs as there may be, also all in one place', () => {
    const ends = Array.from({ length: ARCS_MAX }, (_, i) => new Id(0x12345678, 0, 0, 0, i * 2))
    const table = new ArcTable(
      ends,
      Int32Array.from(ends, (_, i) => i),
    )
    expect(
      [0, 1, 2, 2 * ARCS_MAX - 3, 2 * ARCS_MAX - 1].map((low) => table.find(new Id(0x12345678, 0, 0, 0, low))),
    ).toEqual([0, 1, 1, ARCS_MAX - 1, 0])
  })

  it('raises its numbers, but for those of nothing', () => {
    const ends = [1n, 5n, 9n].map(idOf)
    expect(new ArcTable(ends, [0, -1, 7]).shifted(3)).toEqual(new ArcTable(ends, [3, -1, 10]).words)
  })

  it('refuses what is no table', () => {
    expect(() => new ArcTable([idOf(2n), idOf(1n)], [0, 0])).toThrow(/ascend/)
    expect(() => new ArcTable([idOf(1n), idOf(1n)], [0, 0])).toThrow(/ascend/)
    expect(() => new ArcTable([idOf(1n)], [])).toThrow(/as many/)
    expect(() => new ArcTable([idOf(1n)], [-2])).toThrow(/number/)
  })
})
