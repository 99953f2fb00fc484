/** Hellos and maintenance messages to bytes and back, among them the longest of a quiet ring: neighbors with 8 successors. */
import { Id } from '../../dist/core/id.js'
import { decodeMessage, encodeMessage, frameTypeOf } from '../../dist/wire/codec.js'
import * as frames from '../../dist/wire/frames.js'
import { ringOver } from '../../dist/wire/framing.js'
import { decodeHello, encodeHello } from '../../dist/wire/hello.js'
import { AT_LENGTH, TYPE_LOOKUP } from '../../dist/wire/layout.js'

const COUNT = 64

export function codecGroup() {
  const peers = Array.from({ length: 9 }, (_, i) => ({
    id: Id.hash(`10.0.0.${i}:4000/0`),
    address: `10.0.0.${i}:4000`,
    incarnation: 1_700_000_000_000n + BigInt(i),
  }))
  // The runtime remembers the peers it has seen in the same way, so no id is derived twice.
  const known = new Map(peers.map((peer) => [peer.address, peer]))
  const book = { indexOf: () => 0, peer: (address) => known.get(address) }
  const [predecessor, ...successors] = peers
  const key = Id.hash('key')
  const messages = {
    neighbors: { type: 'neighbors', leaving: false, predecessor, successors },
    closest: { type: 'closest', joiner: false, key },
    ping: { type: 'ping' },
  }
  const tasks = {}
  for (const [name, message] of Object.entries(messages)) {
    const type = frameTypeOf(message)
    const body = Uint8Array.from(encodeMessage(message, book))
    if (!decodeMessage(type, body, 0, body.length, book).ok) throw new Error(`${name} cannot be read back`)
    tasks[`${name}, encode`] = repeat(() => encodeMessage(message, book))
    tasks[`${name}, decode`] = repeat(() => decodeMessage(type, body, 0, body.length, book))
  }
  const hello = helloFrame()
  const ring = ringOver(hello.buffer, 0, hello.length)
  const helloBytes = ring.words[AT_LENGTH >>> 2]
  if (!decodeHello(ring, 0, helloBytes).ok) throw new Error('the hello is none')
  tasks['hello, encode'] = repeat(helloFrame)
  tasks['hello, decode'] = repeat(() => decodeHello(ring, 0, helloBytes))
  const memory = frames.frameMemory(256)
  tasks['lookup frame with target, write'] = repeat(() => {
    frames.writeHeader(memory, 0, 64, TYPE_LOOKUP, 0, 1, 0, 7, 9)
    frames.writeTarget(memory, 32, key, 0n)
  })
  return { name: 'codec', unit: 'a message', count: COUNT, tasks }
}

function helloFrame() {
  return encodeHello({
    protocolMin: 1,
    protocolMax: 1,
    features: 0,
    role: 'member',
    refusal: 'none',
    nonce: 7n,
    network: 'chordite',
    address: '10.0.0.1:4000',
    observedHost: '',
    incarnations: [1_700_000_000_000n],
    clientId: undefined,
  })
}

function repeat(fn) {
  return () => {
    for (let i = 0; i < COUNT; i++) fn()
  }
}
