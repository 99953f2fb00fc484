import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FRAGMENT_SLICE_BYTES, FragmentCutter, type FragmentResult, Reassembler } from '../../src/wire/fragments.ts'
import { checkFrame, makeRing, type Ring } from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes } from '../transports/frames.ts'

const MAX = 1 << 20

function message(bytes: number, fill = 1): Uint8Array {
  const body = new Uint8Array(bytes - L.HEADER_BYTES).fill(fill)
  return frameBytes(L.TYPE_REQUEST, body).subarray(0, bytes)
}

/** All fragments of a message, each in a ring of its own. */
function cut(bytes: Uint8Array, number: number): Ring[] {
  const cutter = new FragmentCutter(bytes, number)
  const rings: Ring[] = []
  while (!cutter.done) {
    const ring = makeRing(cutter.frameBytes)
    cutter.writeNext(ring, 0)
    expect(checkFrame(ring, 0, ring.bytes.length)).toBe(ring.bytes.length)
    rings.push(ring)
  }
  return rings
}

function take<T>(reassembler: Reassembler<T>, owner: T, ring: Ring): FragmentResult<T> {
  return reassembler.take(owner, ring, 0, ring.words[0]!)
}

describe('fragments', () => {
  test('any message comes out as it went in, whatever comes over other connections meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: L.HEADER_BYTES, max: 200_000 }), { minLength: 1, maxLength: 4 }),
        (sizes) => {
          const reassembler = new Reassembler<string>(MAX, 4 * MAX)
          const streams = sizes.map((size, i) => ({
            owner: `link ${i}`,
            sent: message(size, i),
            rings: cut(message(size, i), 1),
          }))
          while (streams.some((stream) => stream.rings.length > 0)) {
            for (const stream of streams) {
              const ring = stream.rings.shift()
              if (ring === undefined) continue
              const result = take(reassembler, stream.owner, ring)
              expect(result.kind).toBe(stream.rings.length === 0 ? 'message' : 'partial')
              if (result.kind !== 'message') continue
              expect(result.bytes).toBe(stream.sent.length)
              expect(Buffer.compare(result.ring.bytes.subarray(0, result.bytes), stream.sent)).toBe(0)
            }
          }
          expect(reassembler.heldBytes).toBe(0)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('slices are as long as allowed, so that two of them are no long wait', () => {
    const rings = cut(message(100_000), 1)
    expect(rings.length).toBe(Math.ceil(100_000 / FRAGMENT_SLICE_BYTES))
    expect(Math.max(...rings.map((ring) => ring.bytes.length))).toBe(32_768)
  })

  test('the traffic class of the message is that of its fragments', () => {
    const bytes = message(70_000)
    bytes[L.AT_FLAGS] = (L.CLASS_APPLICATION << L.FLAG_CLASS_SHIFT) | L.FLAG_ONE_WAY
    expect(cut(bytes, 1).map((ring) => ring.halves[L.AT_FLAGS >>> 1])).toEqual([32, 32, 32])
  })

  test.each<[string, (rings: Ring[]) => Ring[], string]>([
    ['a slice missing', ([a, , c]) => [a!, c!], 'order'],
    ['a slice twice', ([a, b]) => [a!, b!, b!], 'order'],
    ['not from the beginning', ([, b]) => [b!], 'order'],
    ['another total', ([a, b]) => [a!, patched(b!, 32, 90_000)], 'order'],
    ['another number', ([a, b]) => [a!, patched(b!, 40, 2)], 'order'],
    ['a number that is not next', ([a]) => [patched(a!, 40, 7)], 'order'],
    ['reserved bytes', ([a]) => [patched(a!, 44, 7)], 'order'],
    ['a total below its slice', ([a]) => [patched(a!, 32, 40)], 'order'],
    ['over the cap', ([a]) => [patched(a!, 32, MAX + 1)], 'size'],
    ['less than a header', ([a]) => [patched(a!, 32, 31)], 'size'],
    ['a message of another length', ([a, b, c]) => [patched(a!, 48, 80_000), b!, c!], 'frame'],
    ['a message that is a hello', ([a, b, c]) => [patched(a!, 52, L.TYPE_HELLO), b!, c!], 'frame'],
    ['a message with unknown flags', ([a, b, c]) => [patched(a!, 52, L.TYPE_REQUEST | (64 << 16)), b!, c!], 'frame'],
  ])('%s is a fault', (_, change, fault) => {
    const reassembler = new Reassembler<string>(MAX, 4 * MAX)
    const results = change(cut(message(70_000), 1)).map((ring) => take(reassembler, 'link', ring))
    expect(results.at(-1)).toEqual({ kind: 'fault', fault })
    reassembler.forget('link')
    expect(reassembler.heldBytes).toBe(0)
  })

  test('over the budget, the message that has waited longest makes room', () => {
    const reassembler = new Reassembler<string>(MAX, 2 * MAX)
    const [first, second] = cut(message(MAX), 1)
    expect(take(reassembler, 'a', first!).kind).toBe('partial')
    expect(take(reassembler, 'b', first!).kind).toBe('partial')
    expect(take(reassembler, 'a', second!).kind).toBe('partial')
    expect(take(reassembler, 'c', first!)).toEqual({ kind: 'full', victim: 'b' })
    reassembler.forget('b')
    expect(take(reassembler, 'c', first!).kind).toBe('partial')
    expect(reassembler.heldBytes).toBe(2 * MAX)
  })

  test('any fragment is safe to take', () => {
    const field = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.nat(0xffffffff))
    const fragment = fc.tuple(fc.integer({ min: 0, max: 2 }), field, field, fc.integer({ min: 0, max: 3 }), fc.nat(80))
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 30 }), (fragments) => {
        const reassembler = new Reassembler<number>(4096, 8192)
        for (const [owner, total, offset, number, slice] of fragments) {
          const ring = makeRing(48 + slice)
          ring.words[0] = 48 + slice
          ring.halves[L.AT_EXTENSIONS >>> 1] = L.EXT_FRAGMENT
          ring.words.set([total, offset, number], 8)
          const result = take(reassembler, owner, ring)
          if (result.kind === 'fault') reassembler.forget(owner)
          if (result.kind === 'full') reassembler.forget(result.victim)
          expect(reassembler.heldBytes).toBeLessThanOrEqual(8192)
        }
      }),
      { numRuns: 500 },
    )
  })
})

function patched(ring: Ring, at: number, word: number): Ring {
  ring.words[at >>> 2] = word
  return ring
}
