/** The helpers against arithmetic on whole numbers, and the hash against what the original's own addon made of the same texts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as chord from '../../src/compat/chord/index.ts'
import { idOfKey, keyOfId } from '../../src/compat/chord/keys.ts'
import { ChordError } from '../../src/core/errors.ts'
import { Id } from '../../src/core/id.ts'

const word = fc.oneof(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
)
/** Any number of words; often two keys that begin alike. */
const key = fc.array(fc.oneof(fc.constantFrom(1, 2), word), { maxLength: 6 })

function number(words: readonly number[]): bigint {
  return words.reduce((sum, one) => sum * 2n ** 32n + BigInt(one), 0n)
}

/** The order of keys: those with fewer words first. */
function order(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return a.length - b.length
  return number(a) < number(b) ? -1 : number(a) > number(b) ? 1 : 0
}

/** Clockwise from `low`, does one meet `at` before `high`? Those below `low` come in the next round. */
function meets(at: readonly number[], low: readonly number[], high: readonly number[]): boolean {
  if (order(at, low) === 0) return false
  const isNextRound = [at, high].map((one) => order(one, low) < 0)
  return isNextRound[0] === isNextRound[1] ? order(at, high) < 0 : isNextRound[1]!
}

describe('order', () => {
  it('is that of numbers, and of lengths first', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(chord.less_than(a, b)).toBe(order(a, b) < 0)
        expect(chord.less_than_or_equal(a, b)).toBe(order(a, b) <= 0)
        expect(chord.equal_to(a, b)).toBe(order(a, b) === 0)
        expect(chord.key_equals(a, [...a])).toBe(true)
      }),
    )
  })

  it('goes round: ranges', () => {
    fc.assert(
      fc.property(key, key, key, (at, low, high) => {
        const whole = order(low, high) === 0
        const isBetween = whole ? order(at, low) !== 0 : meets(at, low, high)
        expect(chord.in_range(at, low, high)).toBe(isBetween)
        expect(chord.in_half_open_range(at, low, high)).toBe(isBetween || whole || order(at, high) === 0)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('add_exp', () => {
  it('adds a power of two, modulo the size of the ring', () => {
    fc.assert(
      fc.property(key, fc.nat(220), (words, exponent) => {
        const bits = 32 * words.length
        if (exponent % 32 === 31 && exponent < bits) return
        const sum = (number(words) + 2n ** BigInt(exponent)) % 2n ** BigInt(bits)
        const result = chord.add_exp(words, exponent)
        expect(result).toHaveLength(words.length)
        expect(number(result)).toBe(sum)
        expect(result).not.toBe(words)
      }),
    )
  })

  it('takes the last bit of a word off, as the original does', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), fc.nat(4), (words, from) => {
        const at = words.length - 1 - from
        const expected = words.map((one, index) => (index === at ? one - 2 ** 31 : one))
        expect(chord.add_exp(words, 32 * from + 31)).toEqual(at < 0 ? words : expected)
      }),
    )
  })

  it('has next_key for the smallest step', () => {
    expect(chord.next_key([0, 0, 0xffffffff])).toEqual([0, 1, 0])
    expect(chord.next_key([0xffffffff, 0xffffffff])).toEqual([0, 0])
  })
})

describe('hash', () => {
  it.each([
    ['', 0, [0, 0, 0, 0]],
    ['', 7, [222681182, 4219767176, 4219767176, 4219767176]],
    ['a', 0, [2811532092, 1431744539, 1431744539, 1431744539]],
    ['alice', 0, [3701507049, 1687325770, 66714107, 66714107]],
    ['The quick brown fox jumps over the lazy dog', 7, [1176240655, 3958369017, 3268405477, 1485994101]],
    ['0123456789abcde', 0, [1014416493, 1292376256, 2916365274, 2810606586]],
    ['0123456789abcdef', 0, [4219290633, 917426954, 1219304859, 1462451197]],
    ['0123456789abcdefg', 7, [3662832382, 717318084, 2541963154, 2363852307]],
    ['grüß Gott, 你好 🌍', 7, [1227713376, 290870339, 2217207784, 788319063]],
  ])('of %j with seed %i', (text, seed, words) => {
    expect(chord.hash(text, seed)).toEqual(words)
  })
})

describe('keys on the ring', () => {
  it('come first in an id, which is shown as its first four words', () => {
    fc.assert(
      fc.property(word, word, word, word, word, (a, b, c, d, e) => {
        expect(keyOfId(new Id(a, b, c, d, e))).toEqual([a, b, c, d])
        expect(idOfKey([a, b, c, d]).equals(new Id(a, b, c, d, 0))).toBe(true)
      }),
    )
  })

  it('with a word below zero lie before all that begin alike', () => {
    const lowest = idOfKey(chord.add_exp([5, 1, 2, 3], 95))
    expect(lowest.equals(new Id(5, 0, 0, 0, 0))).toBe(true)
  })
})

describe('what is no key', () => {
  const code = (call: () => unknown) => {
    try {
      call()
    } catch (error) {
      return error instanceof ChordError ? error.code : error
    }
    return undefined
  }

  it('is refused', () => {
    for (const bad of [undefined, null, 7, 'abcd', {}] as never[]) {
      expect(code(() => chord.less_than(bad, [1]))).toBe('ERR_BAD_OPTION')
      expect(code(() => chord.in_range([1], [2], bad))).toBe('ERR_BAD_OPTION')
      expect(code(() => chord.in_half_open_range(bad, [2], [2]))).toBe('ERR_BAD_OPTION')
      expect(code(() => chord.add_exp(bad, 1))).toBe('ERR_BAD_OPTION')
      expect(code(() => idOfKey(bad))).toBe('ERR_BAD_OPTION')
    }
    for (const bad of [-1, 0.5, Number.NaN, '3' as never]) {
      expect(code(() => chord.add_exp([1], bad))).toBe('ERR_BAD_OPTION')
    }
    for (const bad of [
      [1, 2, 3],
      [1, 2, 3, 4, 5],
      [1, 2, 3, 2 ** 32],
      [1, 2, 3, 0.5],
      [1, 2, 3, '4'],
    ]) {
      expect(code(() => idOfKey(bad))).toBe('ERR_BAD_OPTION')
    }
    expect(code(() => chord.hash(7 as never))).toBe('ERR_BAD_OPTION')
    expect(code(() => chord.hash('x', -1))).toBe('ERR_BAD_OPTION')
  })
})
