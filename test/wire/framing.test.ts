import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bodyOffset,
  checkFrame,
  extensionOffset,
  FRAME_FAULTS,
  FrameSplitter,
  isHello,
  makeRing,
  type Ring,
} from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes, helloBytes, writeFrame } from '../transports/frames.ts'

const BOTH = L.EXT_ORIGIN | L.EXT_OWNER

const EXTENSIONS = [
  [L.EXT_TARGET, L.TARGET_BYTES],
  [L.EXT_DEADLINE, L.DEADLINE_BYTES],
  [L.EXT_TRACE, L.TRACE_BYTES],
  [L.EXT_FRAGMENT, L.FRAGMENT_BYTES],
] as const

/** Bytes before the address of ORIGIN, or OWNER; with both there is none. */
const LAST = [0, L.ORIGIN_FIXED_BYTES, L.OWNER_FIXED_BYTES, 0]

/** A frame with all extensions of `set`, an address in ORIGIN or OWNER of `addressBytes`, and a body. */
function extended(set: number, addressBytes: number, bodyBytes: number): { ring: Ring; length: number; body: number } {
  const fixed = EXTENSIONS.reduce((sum, [ext, bytes]) => sum + ((set & ext) !== 0 ? bytes : 0), 0)
  const before = LAST[set >>> 4]!
  const origin = before > 0 ? L.padded(before + addressBytes) : 0
  const ring = makeRing(L.HEADER_BYTES + fixed + origin + bodyBytes)
  const length = writeFrame(ring, 0, L.TYPE_REQUEST, new Uint8Array(fixed + origin + bodyBytes))
  ring.halves[L.AT_EXTENSIONS >>> 1] = set
  if (origin > 0) ring.halves[(L.HEADER_BYTES + fixed) >>> 1] = addressBytes
  return { ring, length, body: L.HEADER_BYTES + fixed + origin }
}

describe('checkFrame', () => {
  test('every set of extensions: offsets follow from the flags', () => {
    for (let set = 0; set <= L.EXTENSIONS_KNOWN; set++) {
      const { ring, length, body } = extended(set, 21, 5)
      if ((set & BOTH) === BOTH) {
        expect(FRAME_FAULTS[-checkFrame(ring, 0, L.padded(length))]).toBe('extensions')
        continue
      }
      expect(checkFrame(ring, 0, L.padded(length))).toBe(L.padded(length))
      expect(bodyOffset(ring, 0)).toBe(body)
      let at = L.HEADER_BYTES
      for (const [ext, bytes] of EXTENSIONS) {
        expect(extensionOffset(ring, 0, ext)).toBe((set & ext) !== 0 ? at : -1)
        if ((set & ext) !== 0) at += bytes
      }
      for (const ext of [L.EXT_ORIGIN, L.EXT_OWNER]) {
        expect(extensionOffset(ring, 0, ext)).toBe((set & ext) !== 0 ? at : -1)
      }
    }
  })

  test('any bytes are safe to give it, and what it takes is whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.boolean(), (bytes, plausible) => {
        const ring = makeRing(bytes.length)
        ring.bytes.set(bytes)
        if (plausible && bytes.length >= L.HEADER_BYTES) {
          ring.words[0] = bytes.length
          ring.halves[L.AT_FLAGS >>> 1]! &= L.FLAGS_KNOWN
          ring.halves[L.AT_EXTENSIONS >>> 1]! &= L.EXTENSIONS_KNOWN
          ring.bytes[L.AT_VERSION] = L.PROTOCOL_VERSION
          ring.bytes[L.AT_RESERVED] = 0
        }
        const available = plausible ? ring.bytes.length : bytes.length
        const size = checkFrame(ring, 0, available)
        if (size <= 0) return -size < FRAME_FAULTS.length
        return size <= available && bodyOffset(ring, 0) <= ring.words[0]!
      }),
      { numRuns: 2000 },
    )
  })

  test.each([L.EXT_ORIGIN, L.EXT_OWNER])('the longest address fits, one byte more than the frame does not', (set) => {
    const { ring, length } = extended(set, 21, 0)
    expect(checkFrame(ring, 0, L.padded(length))).toBe(L.padded(length))
    ring.halves[L.HEADER_BYTES >>> 1] = 25
    expect(FRAME_FAULTS[-checkFrame(ring, 0, L.padded(length))]).toBe('extensions')
  })

  test('a hello is told by type and magic word', () => {
    const ring = makeRing(helloBytes.length)
    ring.bytes.set(helloBytes)
    expect(isHello(ring, 0)).toBe(true)
    ring.words[L.HEADER_BYTES >>> 2]! ^= 1
    expect(isHello(ring, 0)).toBe(false)
  })
})

describe('FrameSplitter', () => {
  test('however the stream is cut, the same frames come out; only what spans chunks is copied', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 })
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (sent, cuts) => {
        const frames = [helloBytes, ...sent.map((body) => frameBytes(L.TYPE_REQUEST, body))]
        const stream = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0))
        let end = 0
        for (const frame of frames) {
          stream.set(frame, end)
          end += frame.length
        }
        const splitter = new FrameSplitter()
        const received: Uint8Array[] = []
        const sink = {
          frame(ring: Ring, offset: number, length: number) {
            expect((ring.bytes.byteOffset + offset) % L.FRAME_ALIGN).toBe(0)
            received.push(ring.bytes.slice(offset + L.HEADER_BYTES, offset + length))
            return true
          },
        }
        for (let at = 0, i = 0; at < stream.length; i++) {
          const next = Math.min(stream.length, at + cuts[i % cuts.length]!)
          expect(splitter.push(stream.slice(at, next), sink)).toBe(0)
          at = next
        }
        expect(received.slice(1)).toEqual(sent)
        expect(splitter.tailBytes).toBe(0)
        // Once to be completed, its header once more, and once what lies misaligned behind it.
        expect(splitter.bytesCopied).toBeLessThanOrEqual(3 * stream.length)
      }),
      { numRuns: 500 },
    )
  })

  test('frames that come whole are not copied', () => {
    const chunk = new Uint8Array(2 * helloBytes.length)
    chunk.set(helloBytes)
    chunk.set(helloBytes, helloBytes.length)
    const splitter = new FrameSplitter()
    let frames = 0
    const inPlace = (ring: Ring) => {
      expect(ring.bytes.buffer).toBe(chunk.buffer)
      return ++frames > 0
    }
    expect(splitter.push(chunk, { frame: inPlace })).toBe(0)
    expect([frames, splitter.bytesCopied]).toEqual([2, 0])
  })

  test('stops where the sink says so', () => {
    const splitter = new FrameSplitter()
    let frames = 0
    const sink = { frame: () => ++frames < 2 }
    const chunk = new Uint8Array(4 * helloBytes.length)
    for (let i = 0; i < 4; i++) chunk.set(helloBytes, i * helloBytes.length)
    expect(splitter.push(chunk, sink)).toBe(0)
    expect(frames).toBe(2)
  })
})

interface Vector {
  name: string
  frame: string
  fault?: string
  header?: Record<string, unknown>
  extensions?: Record<string, Record<string, unknown>>
  body?: string
}

describe('test vectors', () => {
  const file = new URL('../vectors/frames.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }

  test.each(vectors.vectors)('$name', (vector) => {
    const bytes = Buffer.from(vector.frame, 'hex')
    const ring = makeRing(bytes.length)
    ring.bytes.set(bytes)
    const size = checkFrame(ring, 0, bytes.length)
    if (vector.fault !== undefined) {
      expect(FRAME_FAULTS[-size]).toBe(vector.fault)
      return
    }
    expect(size).toBe(bytes.length)
    expect(hex(ring, bodyOffset(ring, 0), ring.words[0]!)).toBe(vector.body)
    if (vector.header !== undefined) expect(headerOf(ring)).toEqual(vector.header)
    if (vector.extensions !== undefined) expect(extensionsOf(ring)).toEqual(vector.extensions)
  })
})

function headerOf(ring: Ring): Record<string, unknown> {
  const view = new DataView(ring.bytes.buffer)
  const flags = view.getUint16(L.AT_FLAGS, true)
  const names = {
    final: L.FLAG_FINAL,
    oneWay: L.FLAG_ONE_WAY,
    idempotent: L.FLAG_IDEMPOTENT,
    uncached: L.FLAG_UNCACHED,
  }
  return {
    length: view.getUint32(L.AT_LENGTH, true),
    type: view.getUint16(L.AT_TYPE, true),
    flags: Object.entries(names).flatMap(([name, bit]) => ((flags & bit) !== 0 ? [name] : [])),
    class: (flags & L.FLAG_CLASS_MASK) >>> L.FLAG_CLASS_SHIFT,
    requestId: String(view.getBigUint64(L.AT_REQUEST_LOW, true)),
    hops: view.getUint8(L.AT_HOPS),
    version: view.getUint8(L.AT_VERSION),
    finalSteps: view.getUint8(L.AT_FINAL_STEPS),
    fromVirtualNode: view.getUint16(L.AT_FROM_VNODE, true),
    method: hex(ring, L.AT_METHOD_LOW, L.HEADER_BYTES),
  }
}

function extensionsOf(ring: Ring): Record<string, Record<string, unknown>> {
  const view = new DataView(ring.bytes.buffer)
  const found: Record<string, Record<string, unknown>> = {}
  const at = (ext: number) => extensionOffset(ring, 0, ext)
  const target = at(L.EXT_TARGET)
  if (target >= 0) {
    const incarnation = String(view.getBigUint64(target + L.TARGET_INCARNATION, true))
    found.target = { at: target, id: hex(ring, target, target + 20), incarnation }
  }
  const deadline = at(L.EXT_DEADLINE)
  if (deadline >= 0) found.deadline = { at: deadline, remainingMs: view.getUint32(deadline, true) }
  const trace = at(L.EXT_TRACE)
  if (trace >= 0) found.trace = { at: trace }
  const fragment = at(L.EXT_FRAGMENT)
  if (fragment >= 0) {
    const [total, offset, number] = [0, 4, 8].map((field) => view.getUint32(fragment + field, true))
    found.fragment = { at: fragment, total, offset, number }
  }
  const origin = at(L.EXT_ORIGIN)
  if (origin >= 0) {
    const address = origin + L.ORIGIN_ADDRESS
    const end = address + view.getUint16(origin + L.ORIGIN_ADDRESS_BYTES, true)
    found.origin = {
      at: origin,
      address: new TextDecoder().decode(ring.bytes.subarray(address, end)),
      virtualNode: view.getUint16(origin + L.ORIGIN_VNODE, true),
      role: view.getUint32(origin + L.ORIGIN_ROLE, true),
      incarnation: String(view.getBigUint64(origin + L.ORIGIN_INCARNATION, true)),
      id: hex(ring, origin + L.ORIGIN_ID, origin + L.ORIGIN_ID + 20),
    }
  }
  const owner = at(L.EXT_OWNER)
  if (owner >= 0) {
    const address = owner + L.OWNER_ADDRESS
    const end = address + view.getUint16(owner + L.OWNER_ADDRESS_BYTES, true)
    found.owner = {
      at: owner,
      address: new TextDecoder().decode(ring.bytes.subarray(address, end)),
      virtualNode: view.getUint16(owner + L.OWNER_VNODE, true),
      incarnation: String(view.getBigUint64(owner + L.OWNER_INCARNATION, true)),
      after: hex(ring, owner + L.OWNER_AFTER, owner + L.OWNER_AFTER + 20),
      epoch: String(view.getBigUint64(owner + L.OWNER_EPOCH, true)),
    }
  }
  return found
}

function hex(ring: Ring, from: number, to: number): string {
  return Buffer.from(ring.bytes.subarray(from, to)).toString('hex')
}
