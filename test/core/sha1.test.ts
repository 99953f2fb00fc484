import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha1, writeSha1 } from '../../src/core/sha1.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const utf8 = (text: string) => new TextEncoder().encode(text)

describe('sha1', () => {
  it.each([
    ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
    [
      'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
      'a49b2446a02c645bf419f995b67091253a04a259',
    ],
    ['a'.repeat(1_000_000), '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  ])('gives the published hash of %.20s…', (message, hash) => {
    expect(hex(sha1(utf8(message)))).toBe(hash)
  })

  it('agrees with node:crypto at every length around the block boundaries', () => {
    const bytes = Uint8Array.from({ length: 260 }, (_, i) => i * 31)
    for (let length = 0; length <= bytes.length; length++) {
      const message = bytes.subarray(0, length)
      expect(hex(sha1(message)), `${length} bytes`).toBe(createHash('sha1').update(message).digest('hex'))
    }
  })

  it('hashes a part of a buffer into a part of another', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.nat(9), (message, before, at) => {
        const bytes = new Uint8Array(before + message.length + 7).fill(0xaa)
        bytes.set(message, before)
        const out = new Uint8Array(32).fill(0xee)
        writeSha1(bytes, before, before + message.length, out, at)
        expect(hex(out.subarray(at, at + 20))).toBe(createHash('sha1').update(message).digest('hex'))
        expect([...out.subarray(0, at), ...out.subarray(at + 20)].every((byte) => byte === 0xee)).toBe(true)
      }),
    )
  })
})
