import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArcTable, NO_ARC } from '../../src/core/arc-table.ts'
import { Id } from '../../src/core/id.ts'
import { nativeBatches } from '../../src/native/batch.ts'
import { type IdBatches, packIds, twinBatches } from '../../src/native/ids.ts'
import { anyArcs, arcOf, keysAround } from './arcs.ts'
import { anyId, idOf } from './id-reference.ts'

const native = nativeBatches()
const kinds: [string, IdBatches | undefined][] = [
  ['twin', twinBatches],
  ['native', native],
]
const bad = expect.objectContaining({ code: 'ERR_BAD_OPTION' })

for (const [kind, batches] of kinds) {
  describe.skipIf(batches === undefined)(`${kind} batches`, () => {
    const tested = batches ?? twinBatches

    it('find the arcs of ids', () => {
      fc.assert(
        fc.property(anyArcs, fc.array(anyId, { maxLength: 20 }), ({ ends, values }, anywhere) => {
          const keys = [...anywhere, ...keysAround(ends)]
          const found = tested.findArcs(new ArcTable(ends, values), packIds(keys))
          expect([...found]).toEqual(keys.map((key) => values[arcOf(ends, key)] ?? NO_ARC))
        }),
      )
    })

    it('hash keys and find their arcs, as many as there are', () => {
      const ends = Array.from({ length: 1000 }, (_, i) => Id.hash(`node ${i}`)).sort((a, b) => a.compare(b))
      const table = new ArcTable(
        ends,
        Int32Array.from(ends, (_, i) => i),
      )
      for (const count of [0, 1, 511, 512, 513, 3000]) {
        const keys = Array.from({ length: count }, (_, i) => `key ${i}`)
        const out = new Int32Array(count)
        const ids = new Uint8Array(20 * count)
        expect(tested.hashAndFindArcs(table, keys, out, ids)).toBe(out)
        expect(Buffer.compare(ids, packIds(keys.map((key) => Id.hash(key))))).toBe(0)
        expect([...out]).toEqual(keys.map((key) => table.find(Id.hash(key))))
        expect(tested.hashAndFindArcs(table, keys)).toEqual(out)
      }
      expect(tested.hashAndFindArcs(table, { bytes: new Uint8Array(0), offsets: new Uint32Array(0) }).length).toBe(0)
    })

    it('refuse what does not fit', () => {
      const table = new ArcTable([idOf(1n)], [0])
      expect(() => tested.findArcs(table, new Uint8Array(21))).toThrow(bad)
      expect(() => tested.findArcs(table, new Uint8Array(20), new Int32Array(2))).toThrow(bad)
      expect(() => tested.hashAndFindArcs(table, ['a'], new Int32Array(2))).toThrow(bad)
      expect(() => tested.hashAndFindArcs(table, ['a'], new Int32Array(1), new Uint8Array(21))).toThrow(bad)
      const astray = { bytes: new Uint8Array(4), offsets: Uint32Array.of(0, 5) }
      expect(() => tested.hashAndFindArcs(table, astray)).toThrow(bad)
    })
  })
}

it.runIf(native !== undefined)(
  'native batches refuse a table of arcs that was not prepared, and read no further',
  () => {
    const ends = Array.from({ length: 40 }, (_, i) => Id.hash(`node ${i}`)).sort((a, b) => a.compare(b))
    const table = new ArcTable(ends, new Int32Array(40))
    const keys = packIds(keysAround(ends))
    const find = (words: Uint32Array) => native?.findArcs({ words } as ArcTable, keys)
    for (const words of [
      new Uint32Array(0),
      new Uint32Array(300),
      table.words.subarray(1),
      table.words.subarray(0, 6),
    ]) {
      expect(() => find(words)).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_BAD_OPTION' }))
    }
    fc.assert(
      fc.property(fc.nat(table.words.length - 1), fc.nat(0xffffffff), (at, word) => {
        const words = table.words.slice()
        words[at] = word
        try {
          expect(find(words)?.length).toBe(120)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_BAD_OPTION' })
        }
      }),
    )
  },
)
