/**
 * The best case of a server on node:net: the requests of a chunk are split, each reply is made apart from its request,
 * and all replies of a chunk leave in one write. No call, object or buffer for a single request.
 */
import { AT_LENGTH, AT_TYPE, TYPE_REPLY } from '../../dist/wire/layout.js'
import { copyFrame } from './copy.mjs'

const TYPE_WORD = AT_TYPE >>> 2
const LENGTH_WORD = AT_LENGTH >>> 2

export function answerFrames(socket) {
  let tail = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    const received = tail.length === 0 && chunk.byteOffset % 4 === 0 ? chunk : concat(tail, chunk)
    const from = new Uint32Array(received.buffer, received.byteOffset, received.length >>> 2)
    const replies = Buffer.allocUnsafe(received.length)
    const to = new Uint32Array(replies.buffer, replies.byteOffset, from.length)
    let at = 0
    while (at < from.length) {
      const bytes = from[at + LENGTH_WORD]
      const end = at + (((bytes + 7) >>> 3) << 1)
      if (end > from.length) break
      copyFrame(from, at, to, at, bytes)
      to[at + TYPE_WORD] = TYPE_REPLY
      at = end
    }
    tail = received.subarray(4 * at)
    if (at > 0) socket.write(replies.subarray(0, 4 * at))
  })
}

/** At the start of memory of its own, so that it can be read by words. */
export function concat(a, b) {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
