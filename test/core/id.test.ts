import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChordError } from '../../src/core/errors.ts'
import { Id } from '../../src/core/id.ts'
import { anyId, idOf, numberOf, RING } from './id-reference.ts'

describe('Id', () => {
  it('is the SHA-1 of a string as UTF-8, or of bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (key) => {
        const expected = createHash('sha1').update(new TextEncoder().encode(key)).digest('hex')
        expect(String(Id.hash(key))).toBe(expected)
        expect(String(Id.hash(new TextEncoder().encode(key)))).toBe(expected)
      }),
    )
    for (const key of ['', 'é'.repeat(1365), 'é'.repeat(1366), 'x'.repeat(100_000), 'ab\ud800c']) {
      expect(String(Id.hash(key))).toBe(createHash('sha1').update(new TextEncoder().encode(key)).digest('hex'))
    }
  })

  it('reads and prints 40 hex digits', () => {
    fc.assert(
      fc.property(anyId, (id) => {
        expect(String(id)).toBe(numberOf(id).toString(16).padStart(40, '0'))
        expect(Id.parse(String(id)).equals(id)).toBe(true)
        expect(Id.parse(String(id).toUpperCase()).equals(id)).toBe(true)
        expect(JSON.stringify({ id })).toBe(`{"id":"${id}"}`)
        expect(inspect(id)).toBe(`Id(${id})`)
      }),
    )
  })

  it.each(['', '12', `${'0'.repeat(39)}g`, '0'.repeat(41), ` ${'0'.repeat(39)}`, `${'0'.repeat(40)}\n`, 7, undefined])(
    'refuses %j as hex digits',
    (hex) => {
      const parse = () => Id.parse(hex as string)
      expect(parse).toThrow(ChordError)
      expect(parse).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
    },
  )

  it('goes to and from bytes and words', () => {
    fc.assert(
      fc.property(anyId, fc.nat(9), (id, offset) => {
        const bytes = new Uint8Array(40)
        id.writeTo(bytes, offset)
        expect(Buffer.from(bytes.subarray(offset, offset + 20)).toString('hex')).toBe(String(id))
        expect(Id.fromBytes(bytes, offset).equals(id)).toBe(true)
        expect(Id.fromBytes(id.bytes).equals(id)).toBe(true)
        const words = Uint32Array.of(1, id.w0, id.w1, id.w2, id.w3, id.w4)
        expect(Id.fromWords(words, 1).equals(id)).toBe(true)
      }),
    )
    expect(() => Id.fromBytes(new Uint8Array(20), 1)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
  })

  it('cannot be changed through its bytes', () => {
    const id = Id.hash('a')
    const before = String(id)
    id.bytes.fill(0)
    expect(String(id)).toBe(before)
  })

  it('compares as BigInt does', () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        const [x, y] = [numberOf(a), numberOf(b)]
        expect(a.compare(b)).toBe(x < y ? -1 : x > y ? 1 : 0)
        expect(a.equals(b)).toBe(x === y)
      }),
    )
  })

  it('knows the open and the right-closed interval on the ring', () => {
    fc.assert(
      fc.property(anyId, anyId, anyId, (id, after, upTo) => {
        // Walk clockwise from `after`: what is met before `upTo` is between; no step at all means the whole way round.
        const way = (point: Id) => (numberOf(point) - numberOf(after) + RING) % RING
        const length = way(upTo) === 0n ? RING : way(upTo)
        expect(id.isBetween(after, upTo)).toBe(way(id) > 0n && way(id) < length)
        expect(id.isBetweenOrEnd(after, upTo)).toBe(length === RING || (way(id) > 0n && way(id) <= length))
      }),
    )
  })

  it('adds powers of two and measures distances round the ring', () => {
    fc.assert(
      fc.property(anyId, anyId, fc.nat(159), (a, b, bit) => {
        expect(numberOf(a.addPowerOfTwo(bit))).toBe((numberOf(a) + (1n << BigInt(bit))) % RING)
        expect(numberOf(a.distanceTo(b))).toBe((numberOf(b) - numberOf(a) + RING) % RING)
      }),
    )
    expect(() => idOf(1n).addPowerOfTwo(160)).toThrow(RangeError)
    expect(() => idOf(1n).addPowerOfTwo(-1)).toThrow(RangeError)
  })

  it('counts its bits', () => {
    fc.assert(
      fc.property(anyId, (id) => {
        expect(id.bitLength()).toBe(numberOf(id) === 0n ? 0 : numberOf(id).toString(2).length)
      }),
    )
  })
})
