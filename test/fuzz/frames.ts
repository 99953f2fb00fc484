/**
 * A connection's bytes, cut as the first bytes of the input say: the same frames and the same fault as from one chunk, nothing
 * copied more often than allowed, and every field of a whole frame within the frame.
 */

import { idOf, Peers } from '../../src/runtime/peers.ts'
import { readOwner } from '../../src/wire/answers.ts'
import {
  canCopyShort,
  copyShort,
  frameCopy,
  isForKey,
  patchHop,
  readAscii,
  readExtensions,
  readHops,
  readId,
  readIncarnation,
} from '../../src/wire/frames.ts'
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
import { must, Script, sameBytes, type Target } from './input.ts'

const target: Target = (bytes) => {
  const script = new Script(bytes)
  const cuts = Array.from({ length: 1 + (script.u8() % 8) }, () => 1 + script.u8())
  // A copy, because the splitter lends views of what it was given.
  const stream = script.rest().slice()
  const whole = read(stream, [stream.length + 1])
  const cut = read(stream, cuts)
  must(whole.fault === cut.fault, `fault ${cut.fault} in pieces, ${whole.fault} in one`)
  must(whole.frames.length === cut.frames.length, 'another number of frames in pieces')
  whole.frames.forEach((frame, index) => {
    must(sameBytes(frame, cut.frames[index]!), 'another frame in pieces')
  })
}
export default target

interface Reading {
  frames: Uint8Array[]
  fault: number
}

function read(stream: Uint8Array, cuts: readonly number[]): Reading {
  const splitter = new FrameSplitter()
  const frames: Uint8Array[] = []
  const sink = {
    frame(ring: Ring, offset: number, length: number) {
      must(frames.length > 0 || isHello(ring, offset), 'the first is no hello')
      must((ring.bytes.byteOffset + offset) % L.FRAME_ALIGN === 0, 'not aligned')
      lookAtFrame(ring, offset, length)
      frames.push(ring.bytes.slice(offset, offset + length))
      return true
    },
  }
  let fault = 0
  for (let at = 0, i = 0; at < stream.length && fault === 0; i++) {
    const next = Math.min(stream.length, at + cuts[i % cuts.length]!)
    fault = splitter.push(stream.subarray(at, next), sink)
    must(splitter.tailBytes <= L.FRAME_BYTES_MAX, 'a tail longer than a frame')
    at = next
  }
  must(-fault >= 0 && -fault < FRAME_FAULTS.length, 'a fault that there is not')
  must(splitter.bytesCopied <= 3 * stream.length + L.HEADER_BYTES, 'copied too often')
  return { frames, fault }
}

function lookAtFrame(ring: Ring, offset: number, length: number): void {
  const body = bodyOffset(ring, offset)
  must(body >= offset + L.HEADER_BYTES && body <= offset + length, 'the body is outside')
  const extensions = readExtensions(ring, offset)
  let last = offset + L.HEADER_BYTES
  for (const ext of [L.EXT_TARGET, L.EXT_DEADLINE, L.EXT_TRACE, L.EXT_FRAGMENT, L.EXT_ORIGIN, L.EXT_OWNER]) {
    const at = extensionOffset(ring, offset, ext)
    must(at >= 0 === ((extensions & ext) !== 0), 'an extension that is not there')
    if (at < 0) continue
    must(at >= last && at <= body && at % L.FRAME_ALIGN === 0, 'an extension out of place')
    last = at
    if (ext === L.EXT_TARGET) readId(ring, at)
    if (ext === L.EXT_ORIGIN) lookAtOrigin(ring, at, body)
    if (ext === L.EXT_OWNER) lookAtOwner(ring, offset, at, body)
  }
  const target = extensionOffset(ring, offset, L.EXT_TARGET)
  const forKey = target >= 0 && readIncarnation(ring, target + L.TARGET_INCARNATION) === 0n
  must(isForKey(ring, offset) === forKey, 'for a key, or not')
  if (canCopyShort(ring, body, offset + length)) {
    const copied = makeRing(length)
    copyShort(ring, body, copied, 0, offset + length - body)
    const wanted = ring.bytes.subarray(body, offset + length)
    must(sameBytes(copied.bytes.subarray(0, wanted.length), wanted), 'a short copy of other bytes')
  }
  // What a hop changes leaves a frame.
  const copy = frameCopy(ring, offset, length)
  const hops = readHops(copy, 0)
  patchHop(copy, 0, true, 3)
  const padded = makeRing(length)
  padded.bytes.set(copy.bytes)
  must(checkFrame(padded, 0, padded.bytes.length) === padded.bytes.length, 'no frame after a hop')
  must(readHops(copy, 0) === Math.min(255, hops + 1), 'hops do not count')
}

function lookAtOrigin(ring: Ring, at: number, body: number): void {
  const length = ring.halves[(at + L.ORIGIN_ADDRESS_BYTES) >>> 1]!
  must(at + L.ORIGIN_ADDRESS + length <= body, 'the address is outside')
  must(readAscii(ring.bytes, at + L.ORIGIN_ADDRESS, length).length === length, 'an address of another length')
  readId(ring, at + L.ORIGIN_ID)
  readIncarnation(ring, at + L.ORIGIN_INCARNATION)
}

function lookAtOwner(ring: Ring, offset: number, at: number, body: number): void {
  const length = ring.halves[(at + L.OWNER_ADDRESS_BYTES) >>> 1]!
  must(at + L.OWNER_ADDRESS + length <= body, 'the address is outside')
  const found = readOwner(ring, offset, book)
  if (found === undefined) return
  must(found.owner.address.length === length, 'an address of another length')
  must(found.range.upTo === found.owner.id, 'a range that does not end at its owner')
}

const book = new Peers(idOf)
