/** Maintenance messages to bytes and back, among them the longest of a quiet ring: neighbors with 8 successors. */
import { Id } from '../../dist/core/id.js'
import { decodeMessage, encodeMessage, frameTypeOf } from '../../dist/wire/codec.js'
import * as frames from '../../dist/wire/frames.js'
import { TYPE_LOOKUP } from '../../dist/wire/layout.js'

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
    tasks[`${name}, encode`] = repeat(() => encodeMessage(message, book))
    tasks[`${name}, decode`] = repeat(() => decodeMessage(type, body, 0, body.length, book))
  }
  const memory = frames.frameMemory(256)
  tasks['lookup frame with target, write'] = repeat(() => {
    frames.writeHeader(memory, 0, 64, TYPE_LOOKUP, 0, 1, 0, 7, 9)
    frames.writeTarget(memory, 32, key, 0n)
  })
  return { name: 'codec', unit: 'a message', count: COUNT, tasks }
}

function repeat(fn) {
  return () => {
    for (let i = 0; i < COUNT; i++) fn()
  }
}
