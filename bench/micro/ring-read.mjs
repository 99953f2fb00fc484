/** Length, type, flags and request id of 96-byte frames that lie in a ring, by the ways there are to read them. */

import { writeHeader } from '../../dist/wire/frames.js'
import { checkFrame, makeRing } from '../../dist/wire/framing.js'
import { TYPE_REQUEST } from '../../dist/wire/layout.js'
import { COUNT } from './data.mjs'

const FRAME_BYTES = 96
const END = COUNT * FRAME_BYTES

export function ringReadGroup() {
  const ring = makeRing(END)
  for (let i = 0; i < COUNT; i++) writeHeader(ring, i * FRAME_BYTES, FRAME_BYTES, TYPE_REQUEST, 0, 0, 0, i, i ^ 0x5555)
  const { words, bytes } = ring
  const view = new DataView(bytes.buffer)
  const buffer = Buffer.from(bytes.buffer)
  const longs = new BigUint64Array(bytes.buffer)
  // Each loop is written out: one loop given five functions would call them instead of inlining them.
  return {
    name: 'ring read',
    unit: 'a header',
    count: COUNT,
    tasks: {
      'Uint32Array (ours)': () => {
        let seen = 0
        for (let w = 0; w < END >>> 2; w += FRAME_BYTES >>> 2)
          seen ^= words[w] ^ words[w + 1] ^ words[w + 2] ^ words[w + 3]
        return seen
      },
      DataView: () => {
        let seen = 0
        for (let at = 0; at < END; at += FRAME_BYTES) {
          seen ^= view.getUint32(at, true) ^ view.getUint32(at + 4, true)
          seen ^= view.getUint32(at + 8, true) ^ view.getUint32(at + 12, true)
        }
        return seen
      },
      'Buffer.readUInt32LE': () => {
        let seen = 0
        for (let at = 0; at < END; at += FRAME_BYTES) {
          seen ^= buffer.readUInt32LE(at) ^ buffer.readUInt32LE(at + 4)
          seen ^= buffer.readUInt32LE(at + 8) ^ buffer.readUInt32LE(at + 12)
        }
        return seen
      },
      'BigUint64Array (BigInt)': () => {
        let seen = 0n
        for (let at = 0; at < END >>> 3; at += FRAME_BYTES >>> 3) seen ^= longs[at] ^ longs[at + 1]
        return seen
      },
      'checkFrame, all rules (ours)': () => {
        let bytes = 0
        for (let at = 0; at < END; at += FRAME_BYTES) bytes += checkFrame(ring, at, FRAME_BYTES)
        return bytes
      },
    },
  }
}
