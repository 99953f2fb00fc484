/** What a crowd of clients says to a node, in hex: a hello, and a request to it by its address. */

import { frameMemory, methodOf, writeDeadline, writeHeader, writeMethod } from '../../dist/wire/frames.js'
import { encodeHello } from '../../dist/wire/hello.js'
import {
  CLASS_APPLICATION,
  DEADLINE_BYTES,
  EXT_DEADLINE,
  FLAG_CLASS_SHIFT,
  HEADER_BYTES,
  PROTOCOL_VERSION,
  padded,
  TYPE_REQUEST,
} from '../../dist/wire/layout.js'

const DEADLINE_MS = 60_000

export function helloFrame(network) {
  const frame = encodeHello({
    protocolMin: PROTOCOL_VERSION,
    protocolMax: PROTOCOL_VERSION,
    features: 0,
    role: 'client',
    refusal: 'none',
    nonce: 1n,
    network,
    address: '',
    observedHost: '127.0.0.1',
    incarnations: [],
    clientId: new Uint8Array(20),
  })
  return hex(frame, frame.length)
}

export function requestFrame(name, bodyBytes) {
  const bytes = HEADER_BYTES + DEADLINE_BYTES + bodyBytes
  const memory = frameMemory(bytes)
  const { low, high } = methodOf(name)
  writeHeader(memory, 0, bytes, TYPE_REQUEST, CLASS_APPLICATION << FLAG_CLASS_SHIFT, EXT_DEADLINE, 0, 0, 0)
  writeMethod(memory, 0, low, high)
  const body = writeDeadline(memory, HEADER_BYTES, DEADLINE_MS)
  memory.bytes.fill(120, body)
  return hex(memory.bytes, bytes)
}

/** Frames are padded on the wire. */
function hex(bytes, length) {
  const frame = Buffer.alloc(padded(length))
  frame.set(bytes.subarray(0, length))
  return frame.toString('hex')
}
