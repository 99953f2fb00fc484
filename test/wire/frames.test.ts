import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import {
  canCopyShort,
  copyShort,
  frameMemory,
  isIdBetweenOrEnd,
  joinWords,
  methodOf,
  originBytes,
  patchHop,
  readAscii,
  readExtensions,
  readFinalSteps,
  readFlags,
  readHigh,
  readHops,
  readId,
  readIncarnation,
  readLow,
  readType,
  readVnode,
  writeDeadline,
  writeHeader,
  writeKey,
  writeOrigin,
  writeTarget,
} from '../../src/wire/frames.ts'
import { bodyOffset, checkFrame, extensionOffset, ringOver } from '../../src/wire/framing.ts'
import {
  EXT_DEADLINE,
  EXT_ORIGIN,
  EXT_TARGET,
  FLAG_FINAL,
  FLAG_IDEMPOTENT,
  HEADER_BYTES,
  ORIGIN_ADDRESS,
  ORIGIN_ID,
  ORIGIN_INCARNATION,
  padded,
  TARGET_INCARNATION,
  TYPE_REQUEST,
} from '../../src/wire/layout.ts'

const u32 = fc.integer({ min: 0, max: 0xffffffff })
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const address = fc.constantFrom('1.2.3.4:5', '10.0.0.1:4000', '[2001:db8::1]:65535', `${'a'.repeat(240)}.example:1`)

it('reads what it writes, and framing accepts it', () => {
  fc.assert(
    fc.property(u32, u32, u64, u64, address, fc.nat(255), fc.nat(100), (low, high, target, origin, at, vnode, body) => {
      const key = Id.hash(at)
      const length = HEADER_BYTES + 32 + 8 + originBytes(at) + body
      const m = frameMemory(length)
      const extensions = EXT_TARGET | EXT_DEADLINE | EXT_ORIGIN
      writeHeader(m, 0, length, TYPE_REQUEST, FLAG_IDEMPOTENT, extensions, vnode, low, high)
      let p = writeTarget(m, HEADER_BYTES, key, target)
      p = writeDeadline(m, p, 1234.2)
      p = writeOrigin(m, p, at, vnode, 1, origin, key)
      expect(p).toBe(bodyOffset(m, 0))
      expect(length - p).toBe(body)
      expect([readType(m, 0), readFlags(m, 0), readExtensions(m, 0)]).toEqual([
        TYPE_REQUEST,
        FLAG_IDEMPOTENT,
        extensions,
      ])
      expect([readLow(m, 0), readHigh(m, 0), readVnode(m, 0)]).toEqual([low | 0, high | 0, vnode])
      expect(readId(m, HEADER_BYTES)).toEqual(key)
      expect(readIncarnation(m, HEADER_BYTES + TARGET_INCARNATION)).toBe(target)
      expect(m.words[extensionOffset(m, 0, EXT_DEADLINE) >>> 2]).toBe(1235)
      const o = extensionOffset(m, 0, EXT_ORIGIN)
      expect(readIncarnation(m, o + ORIGIN_INCARNATION)).toBe(origin)
      expect(readId(m, o + ORIGIN_ID)).toEqual(key)
      expect(readAscii(m.bytes, o + ORIGIN_ADDRESS, m.halves[o >>> 1]!)).toBe(at)
      expect(checkFrame(ringOver(m.words.buffer as ArrayBuffer, 0, padded(length)), 0, padded(length))).toBe(
        padded(length),
      )
    }),
  )
})

it('patches a hop without touching the rest', () => {
  const m = frameMemory(HEADER_BYTES)
  writeHeader(m, 0, HEADER_BYTES, TYPE_REQUEST, FLAG_IDEMPOTENT, 0, 3, 1, 2)
  patchHop(m, 0, true, 5)
  expect([readHops(m, 0), readFinalSteps(m, 0), readFlags(m, 0)]).toEqual([1, 5, FLAG_IDEMPOTENT | FLAG_FINAL])
  patchHop(m, 0, false, 0)
  expect([readHops(m, 0), readFinalSteps(m, 0), readFlags(m, 0)]).toEqual([2, 0, FLAG_IDEMPOTENT])
  expect([readLow(m, 0), readHigh(m, 0), readVnode(m, 0)]).toEqual([1, 2, 3])
})

it('joins words beyond what a number holds', () => {
  expect(joinWords(0xffffffff, 0xffffffff)).toBe(2n ** 64n - 1n)
  expect(joinWords(5, 1)).toBe(2n ** 32n + 5n)
})

it('names a method by the first 8 bytes of SHA-1', () => {
  const hash = createHash('sha1').update('écho').digest()
  expect(methodOf('écho')).toEqual({ low: hash.readInt32LE(0), high: hash.readInt32LE(4) })
})

it('short copies are the same as long ones, where they may be made', () => {
  // As the memory of a chunk that a socket read, which ends where it ends.
  const from = ringOver(new ArrayBuffer(304), 0, 303)
  from.bytes.forEach((_, i) => {
    from.bytes[i] = i + 1
  })
  fc.assert(
    fc.property(fc.nat(303), fc.nat(303), fc.nat(20), (one, other, at) => {
      const [start, end] = [Math.min(one, other), Math.max(one, other)]
      if (!canCopyShort(from, start, end)) return
      const to = frameMemory(512)
      copyShort(from, start, to, at * 8, end - start)
      const place = at * 8
      expect(to.bytes.subarray(place, place + end - start)).toEqual(from.bytes.subarray(start, end))
    }),
    { numRuns: 1_000, examples: [[300, 303, 0]] },
  )
  expect(canCopyShort(from, 296, 300)).toBe(true)
})

it('ids are in frames as their bytes, and are compared there as elsewhere', () => {
  // Few words, so that first words are often equal.
  const word = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff)
  const id = fc.tuple(word, word, word).map(([a, b, c]) => new Id(a, b, 0x01020304, 0, c))
  fc.assert(
    fc.property(id, id, id, (key, after, upTo) => {
      const m = frameMemory(64)
      m.bytes.fill(255)
      expect(writeKey(m, 8, key)).toBe(writeTarget(m, 8, key, 0n))
      expect([...m.bytes.subarray(8, 40)]).toEqual([...key.bytes, ...new Uint8Array(12)])
      expect(readId(m, 8)).toEqual(key)
      expect(isIdBetweenOrEnd(m, 8, after, upTo)).toBe(key.isBetweenOrEnd(after, upTo))
    }),
    { numRuns: 2_000 },
  )
})
