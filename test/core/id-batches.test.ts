import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PackedKeys } from '../../src/api.ts'
import { Id } from '../../src/core/id.ts'
import { nativeBatches } from '../../src/native/batch.ts'
import { type IdBatches, packIds, twinBatches } from '../../src/native/ids.ts'
import { anyId, idOf, numberOf, RING } from './id-reference.ts'

const native = nativeBatches()
if (native === undefined && process.env.CHORDITE_REQUIRE_NATIVE !== '1') {
  console.warn('native batches are not tested: the addon is not loaded')
}

it.runIf(process.env.CHORDITE_REQUIRE_NATIVE === '1')('has native batches where they are demanded', () => {
  expect(native?.kind).toBe('native')
})

const anyIds = fc.array(anyId, { maxLength: 40 })
const anyKeys = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 40 }).map(packKeys)
const anyTable = fc
  .uniqueArray(anyId, { maxLength: 40, selector: String })
  .map((ids) => ids.sort((a, b) => a.compare(b)))

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

    it.each([
      [Uint32Array.of(0, 5)],
      [Uint32Array.of(2, 1)],
      [Uint32Array.of(0, 3, 1, 4)],
      [Uint32Array.of(0, 0xffffffff)],
    ])('refuse offsets that lead out of the buffer or back: %j', (offsets) => {
      const hash = () => tested.hashBatch({ bytes: new Uint8Array(4), offsets })
      expect(hash).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
    })

    it('take no keys', () => {
      expect(tested.hashBatch({ bytes: new Uint8Array(0), offsets: new Uint32Array(0) }).length).toBe(0)
      expect(tested.hashBatch({ bytes: new Uint8Array(0), offsets: Uint32Array.of(0) }).length).toBe(0)
      expect(tested.isBetweenBatch(new Uint8Array(0), idOf(1n), idOf(2n)).length).toBe(0)
      expect(tested.closestPrecedingBatch(new Uint8Array(0), new Uint8Array(20)).length).toBe(0)
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
        fc.property(anyIds, anyTable, fc.boolean(), (some, table, withTable) => {
          const keys = withTable ? [...some, ...table] : some
          const found = tested.closestPrecedingBatch(packIds(keys), packIds(table))
          expect([...found]).toEqual(keys.map((key) => precedingByDistance(key, table)))
        }),
      )
    })

    it('refuse bytes that are not whole ids', () => {
      const bad = expect.objectContaining({ code: 'ERR_BAD_OPTION' })
      expect(() => tested.isBetweenBatch(new Uint8Array(21), idOf(1n), idOf(2n))).toThrow(bad)
      expect(() => tested.closestPrecedingBatch(new Uint8Array(19), new Uint8Array(20))).toThrow(bad)
      expect(() => tested.closestPrecedingBatch(new Uint8Array(20), new Uint8Array(39))).toThrow(bad)
    })
  })
}

/** The entry with the shortest way to the key, none excepted but the key itself, unless there is no other. */
function precedingByDistance(key: Id, table: readonly Id[]): number {
  const way = (from: Id) => (numberOf(key) - numberOf(from) + RING - 1n) % RING
  let best = -1
  for (const [index, id] of table.entries()) {
    if (best === -1 || way(id) < way(table[best] as Id)) best = index
  }
  return best
}

function packKeys(keys: readonly Uint8Array[]): PackedKeys {
  const offsets = new Uint32Array(keys.length + 1)
  for (const [i, key] of keys.entries()) offsets[i + 1] = offsets[i]! + key.length
  const bytes = new Uint8Array(offsets[keys.length]!)
  for (const [i, key] of keys.entries()) bytes.set(key, offsets[i])
  return { bytes, offsets }
}
