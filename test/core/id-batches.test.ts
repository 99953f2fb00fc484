import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PackedKeys } from '../../src/api.ts'
import { Id } from '../../src/core/id.ts'
import { RoutingTable } from '../../src/core/routing-table.ts'
import { idBatches, nativeBatches } from '../../src/native/batch.ts'
import { type IdBatches, packIds, twinBatches } from '../../src/native/ids.ts'
import { packKeys as packStrings } from '../../src/native/pack.ts'
import { anyId, anyTable, bordersOf, idOf, indexesBefore } from './id-reference.ts'

const native = nativeBatches()
if (native === undefined && process.env.CHORDITE_REQUIRE_NATIVE !== '1') {
  console.warn('native batches are not tested: the addon is not loaded')
}

it.runIf(process.env.CHORDITE_REQUIRE_NATIVE === '1')('has native batches where they are demanded', () => {
  expect(native?.kind).toBe('native')
})

const anyIds = fc.array(anyId, { maxLength: 40 })
const anyKeys = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 40 }).map(packKeys)
const anyText = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', 'é'.repeat(60), 'ab\ud83d', '\ude00cd', '🙂'),
)

it('chooses the native ones where there are any', () => {
  expect(idBatches().kind).toBe(native === undefined ? 'twin' : 'native')
  expect(idBatches()).toBe(idBatches())
})

const kinds: [string, IdBatches | undefined][] = [
  ['twin', twinBatches],
  ['native', native],
]

for (const [kind, batches] of kinds) {
  describe.skipIf(batches === undefined)(`${kind} batches`, () => {
    const tested = batches ?? twinBatches

    it('hash each key as Id.hash does', () => {
      fc.assert(
        fc.property(anyKeys, (keys) => {
          const hashes = tested.hashBatch(keys)
          expect(hashes.length).toBe(20 * (keys.offsets.length - 1))
          for (let i = 0; i + 1 < keys.offsets.length; i++) {
            const key = keys.bytes.subarray(keys.offsets[i], keys.offsets[i + 1])
            expect(String(Id.fromBytes(hashes, 20 * i))).toBe(String(Id.hash(key)))
          }
        }),
      )
    })

    it('hash keys of every length around the block boundaries, in one batch', () => {
      const keys = packKeys(Array.from({ length: 200 }, (_, length) => new Uint8Array(length).fill(length)))
      const expected = Array.from({ length: 200 }, (_, length) => String(Id.hash(new Uint8Array(length).fill(length))))
      const hashes = tested.hashBatch(keys)
      expect(expected.map((_, i) => String(Id.fromBytes(hashes, 20 * i)))).toEqual(expected)
    })

    it('hash strings as UTF-8, and bytes among them', () => {
      const anyKey = fc.oneof({ weight: 9, arbitrary: anyText }, { weight: 1, arbitrary: fc.uint8Array() })
      fc.assert(
        fc.property(fc.array(anyKey, { maxLength: 300 }), (keys) => {
          const hashes = tested.hashBatch(keys)
          expect(hashes.length).toBe(20 * keys.length)
          for (const [i, key] of keys.entries()) {
            expect(String(Id.fromBytes(hashes, 20 * i))).toBe(String(Id.hash(key)))
          }
        }),
      )
    })

    it('hash strings of a batch that is longer than any before, and the next one', () => {
      const long = Array.from({ length: 1000 }, (_, i) => `${i}`.repeat(i))
      for (const keys of [long, ['a', 'é'], [...long, 'é'.repeat(1 << 20)], ['b'], []]) {
        const hashes = tested.hashBatch(keys)
        expect(keys.map((_, i) => String(Id.fromBytes(hashes, 20 * i)))).toEqual(
          keys.map((key) => String(Id.hash(key))),
        )
      }
    })

    it('refuse keys that are none', () => {
      for (const keys of [[7], ['a', undefined], [null], [{}]] as unknown as string[][]) {
        expect(() => tested.hashBatch(keys)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
      }
    })

    it('write where they are told', () => {
      const table = new RoutingTable(idOf(0n), [idOf(5n)])
      const hashes = new Uint8Array(20)
      const indexes = new Int32Array(2)
      expect(tested.hashBatch(['a'], hashes)).toBe(hashes)
      expect(String(Id.fromBytes(hashes))).toBe(String(Id.hash('a')))
      expect(tested.closestPrecedingBatch(table, packIds([idOf(5n), idOf(6n)]), indexes)).toBe(indexes)
      expect([...indexes]).toEqual([-1, 0])
      const bad = expect.objectContaining({ code: 'ERR_BAD_OPTION' })
      expect(() => tested.hashBatch(['a', 'b'], hashes)).toThrow(bad)
      expect(() => tested.closestPrecedingBatch(table, packIds([idOf(5n)]), indexes)).toThrow(bad)
    })

    it.each([
      [Uint32Array.of(0, 5)],
      [Uint32Array.of(2, 1)],
      [Uint32Array.of(0, 3, 1, 4)],
      [Uint32Array.of(0, 0xffffffff)],
      [Uint32Array.of(9)],
      [Uint32Array.of(9, 9)],
    ])('refuse offsets that lead out of the buffer or back: %j', (offsets) => {
      const hash = () => tested.hashBatch({ bytes: new Uint8Array(4), offsets })
      expect(hash).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
    })

    it('take no keys', () => {
      expect(tested.hashBatch({ bytes: new Uint8Array(0), offsets: new Uint32Array(0) }).length).toBe(0)
      expect(tested.hashBatch({ bytes: new Uint8Array(0), offsets: Uint32Array.of(0) }).length).toBe(0)
      expect(tested.isBetweenBatch(new Uint8Array(0), idOf(1n), idOf(2n)).length).toBe(0)
      expect(tested.hashBatch([]).length).toBe(0)
      expect(tested.closestPrecedingBatch(new RoutingTable(idOf(1n), []), new Uint8Array(0)).length).toBe(0)
    })

    it('know the open interval as Id.isBetween does', () => {
      fc.assert(
        fc.property(anyIds, anyId, anyId, (ids, after, before) => {
          const expected = ids.map((id) => (id.isBetween(after, before) ? 1 : 0))
          expect([...tested.isBetweenBatch(packIds(ids), after, before)]).toEqual(expected)
        }),
      )
    })

    it('find the last table entry before each key, round the ring', () => {
      fc.assert(
        fc.property(anyTable, anyIds, ({ self, ids }, some) => {
          const table = new RoutingTable(self, ids)
          const keys = [...some, ...bordersOf(self, ids)]
          const found = tested.closestPrecedingBatch(table, packIds(keys))
          expect([...found]).toEqual(indexesBefore(table, self, keys))
        }),
      )
    })

    it('refuse bytes that are not whole ids', () => {
      const bad = expect.objectContaining({ code: 'ERR_BAD_OPTION' })
      expect(() => tested.isBetweenBatch(new Uint8Array(21), idOf(1n), idOf(2n))).toThrow(bad)
      expect(() => tested.closestPrecedingBatch(new RoutingTable(idOf(1n), []), new Uint8Array(19))).toThrow(bad)
    })
  })
}

it.runIf(native !== undefined)('native batches refuse a table that was not prepared', () => {
  const table = new RoutingTable(idOf(1n), [idOf(2n), idOf(3n)])
  const find = (words: Uint32Array) => native?.closestPrecedingBatch({ words } as RoutingTable, packIds([idOf(9n)]))
  expect([...(find(table.words) ?? [])]).toEqual([1])
  for (const words of [new Uint32Array(0), new Uint32Array(700), table.words.subarray(1), table.words.subarray(0, 6)]) {
    expect(() => find(words)).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_BAD_OPTION' }))
  }
  fc.assert(
    fc.property(fc.nat(table.words.length - 1), fc.nat(0xffffffff), (at, word) => {
      const words = table.words.slice()
      words[at] = word
      try {
        for (const index of find(words) ?? []) expect(index >= -1 && index < 2).toBe(true)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_BAD_OPTION' })
      }
    }),
  )
})

it('packs strings into memory that the next batch takes again', () => {
  const first = packStrings(['a', 'b', ''])
  expect([...first.offsets]).toEqual([0, 1, 2, 2])
  const second = packStrings([new Uint8Array([1, 2]), 'é'])
  expect([...second.offsets]).toEqual([0, 2, 4])
  expect([...second.bytes.subarray(0, 4)]).toEqual([1, 2, 0xc3, 0xa9])
  expect(second.bytes.buffer).toBe(first.bytes.buffer)
})

function packKeys(keys: readonly Uint8Array[]): PackedKeys {
  const offsets = new Uint32Array(keys.length + 1)
  for (const [i, key] of keys.entries()) offsets[i + 1] = offsets[i]! + key.length
  const bytes = new Uint8Array(offsets[keys.length]!)
  for (const [i, key] of keys.entries()) bytes.set(key, offsets[i])
  return { bytes, offsets }
}
