/**
 * `node:net` at its best: the server of the echo benchmark, which answers a chunk with one write and makes nothing for a message;
 * and a client with numbered requests, one write for what a turn asks, replies as views into the chunk.
 */
import net from 'node:net'
import {
  AT_LENGTH,
  AT_REQUEST_LOW,
  AT_TYPE,
  AT_VERSION,
  HEADER_BYTES,
  PROTOCOL_VERSION,
  TYPE_REQUEST,
} from '../../../dist/wire/layout.js'
import { answerFrames, concat } from '../../echo/net-answer.mjs'

const LENGTH_WORD = AT_LENGTH >>> 2
const REQUEST_WORD = AT_REQUEST_LOW >>> 2
const PENDING_BYTES = 1 << 20

export function serve() {
  const server = net.createServer({ noDelay: true }, answerFrames)
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port })))
}

export function open({ port }, count) {
  return Promise.all(Array.from({ length: count }, () => openOne(port)))
}

function openOne(port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => resolve(askerOf(socket)))
  })
}

function askerOf(socket) {
  const waiting = []
  const free = []
  let out = new Uint8Array(PENDING_BYTES)
  let used = 0
  let reading = false
  let scheduled = false
  let tail = new Uint8Array(0)
  const flush = () => {
    scheduled = false
    if (used === 0) return
    socket.write(out.subarray(0, used))
    out = new Uint8Array(out.buffer, out.byteOffset + used)
    if (out.length < PENDING_BYTES / 4) out = new Uint8Array(PENDING_BYTES)
    used = 0
  }
  socket.on('data', (chunk) => {
    reading = true
    const received = tail.length === 0 && chunk.byteOffset % 4 === 0 ? chunk : concat(tail, chunk)
    const words = new Uint32Array(received.buffer, received.byteOffset, received.length >>> 2)
    let at = 0
    while (at < words.length) {
      const bytes = words[at + LENGTH_WORD]
      const end = at + (((bytes + 7) >>> 3) << 1)
      if (end > words.length) break
      const slot = words[at + REQUEST_WORD]
      const done = waiting[slot]
      free.push(slot)
      done(received.subarray(4 * at + HEADER_BYTES, 4 * at + bytes))
      at = end
    }
    tail = received.subarray(4 * at)
    reading = false
    flush()
  })
  return (body, done) => {
    const slot = free.length > 0 ? free.pop() : waiting.length
    waiting[slot] = done
    const bytes = HEADER_BYTES + body.length
    if (used + bytes + 8 > out.length) flush()
    const words = new Uint32Array(out.buffer, out.byteOffset + used, HEADER_BYTES >>> 2)
    words.fill(0)
    words[LENGTH_WORD] = bytes
    words[REQUEST_WORD] = slot
    out[used + AT_TYPE] = TYPE_REQUEST
    out[used + AT_VERSION] = PROTOCOL_VERSION
    out.set(body, used + HEADER_BYTES)
    used += (bytes + 7) & ~7
    if (reading || scheduled) return
    scheduled = true
    process.nextTick(flush)
  }
}
