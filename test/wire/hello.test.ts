import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkFrame, isHello, makeRing, type Ring } from '../../src/wire/framing.ts'
import {
  decodeGoodbye,
  decodeHello,
  encodeGoodbye,
  encodeHello,
  type Goodbye,
  type Hello,
  REFUSALS,
} from '../../src/wire/hello.ts'
import * as L from '../../src/wire/layout.ts'

function ringOf(frame: Uint8Array): Ring {
  const ring = makeRing(frame.length)
  ring.bytes.set(frame)
  return ring
}

const text = fc.string({ maxLength: 40, unit: 'grapheme' })
const bigint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const common = {
  protocolMin: fc.nat(65535),
  protocolMax: fc.nat(65535),
  features: fc.nat(0xffffffff),
  refusal: fc.constantFrom(...REFUSALS),
  nonce: bigint64,
  network: text,
  observedHost: fc.ipV6(),
}
const anyMember: fc.Arbitrary<Hello> = fc.record({
  ...common,
  role: fc.constant('member' as const),
  address: fc.string({ minLength: 1, maxLength: 100 }),
  incarnations: fc.array(bigint64, { minLength: 1, maxLength: 256 }),
  clientId: fc.constant(undefined),
})
const anyClient: fc.Arbitrary<Hello> = fc.record({
  ...common,
  role: fc.constant('client' as const),
  address: fc.constant(''),
  incarnations: fc.constant([]),
  clientId: fc.uint8Array({ minLength: 20, maxLength: 20 }),
})

describe('hello', () => {
  test('comes out as it went in', () => {
    fc.assert(
      fc.property(fc.oneof(anyMember, anyClient), (hello) => {
        const frame = encodeHello(hello)
        const ring = ringOf(frame)
        expect(checkFrame(ring, 0, ring.bytes.length)).toBe(L.padded(frame.length))
        expect(isHello(ring, 0)).toBe(true)
        expect(decodeHello(ring, 0, frame.length)).toEqual({ ok: true, value: hello })
      }),
    )
  })

  test('any bytes are a result, never an exception', () => {
    fc.assert(
      fc.property(anyMember, fc.array(fc.tuple(fc.nat(200), fc.nat(255))), fc.nat(400), (hello, changes, cut) => {
        const frame = encodeHello(hello)
        const ring = ringOf(frame)
        for (const [at, byte] of changes) if (32 + at < frame.length) ring.bytes[32 + at] = byte
        const length = Math.max(L.HEADER_BYTES + 4, frame.length - cut)
        const result = decodeHello(ring, 0, length)
        return result.ok || result.fault.length > 0
      }),
      { numRuns: 1000 },
    )
  })

  test('what a later version appends is ignored', () => {
    const [hello] = fc.sample(anyMember, { numRuns: 1, seed: 1 })
    const frame = encodeHello(hello!)
    const longer = new Uint8Array(frame.length + 24).fill(7)
    longer.set(frame)
    expect(decodeHello(ringOf(longer), 0, longer.length)).toEqual({ ok: true, value: hello })
  })
})

test('goodbyes', () => {
  for (const reason of ['idle', 'leaving', 'closing'] as const) {
    const frame = encodeGoodbye(reason)
    expect(decodeGoodbye(ringOf(frame), 0, frame.length)).toBe(reason)
  }
  const unknown = ringOf(encodeGoodbye('idle'))
  unknown.words[8] = 77
  expect(decodeGoodbye(unknown, 0, 40)).toBe('closing')
  expect(decodeGoodbye(unknown, 0, 36)).toBeUndefined()
})

interface Vector {
  name: string
  frame: string
  hello?: Omit<Hello, 'nonce' | 'incarnations' | 'clientId'> & {
    nonce: string
    incarnations: string[]
    clientId?: string
  }
  goodbye?: Goodbye
}

describe('test vectors', () => {
  const file = new URL('../vectors/hello.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }

  test.each(vectors.vectors)('$name', (vector) => {
    const frame = Uint8Array.from(Buffer.from(vector.frame, 'hex'))
    const ring = ringOf(frame)
    const length = ring.words[0]!
    expect(checkFrame(ring, 0, frame.length)).toBe(frame.length)
    if (vector.goodbye !== undefined) {
      expect(decodeGoodbye(ring, 0, length)).toBe(vector.goodbye)
      expect(encodeGoodbye(vector.goodbye)).toEqual(frame)
    }
    if (vector.hello === undefined) return
    const hello: Hello = {
      ...vector.hello,
      nonce: BigInt(vector.hello.nonce),
      incarnations: vector.hello.incarnations.map(BigInt),
      clientId:
        vector.hello.clientId === undefined ? undefined : Uint8Array.from(Buffer.from(vector.hello.clientId, 'hex')),
    }
    expect(decodeHello(ring, 0, length)).toEqual({ ok: true, value: hello })
    expect(encodeHello(hello)).toEqual(frame.subarray(0, length))
  })
})
