/** For the programs that tests run in processes of their own, on the built package. */
import { createNativeTransport } from '../../../dist/transports/native.js'
import * as L from '../../../dist/wire/layout.js'

export { L }

/** A transport whose handler does nothing where it is not told what to do. */
export function makeTransport(handler, options = {}) {
  const nothing = { opened() {}, frame() {}, closed() {}, drained() {}, batchEnd() {} }
  const defaults = { outputBytes: 1 << 20, connections: 1000 }
  return createNativeTransport({ ...defaults, ...options, handler: { ...nothing, ...handler } })
}

/** A frame whose body is one word. */
export function send(transport, link, type, word) {
  const at = transport.reserve(link, 36, 'own')
  if (at < 0) return false
  const { words, halves, bytes } = transport.tx
  words.fill(0, at >>> 2, (at + 40) >>> 2)
  words[at >>> 2] = 36
  halves[(at + L.AT_TYPE) >>> 1] = type
  bytes[at + L.AT_VERSION] = L.PROTOCOL_VERSION
  words[(at + L.HEADER_BYTES) >>> 2] = word
  transport.commit(link, at, 36)
  return true
}

export function sendHello(transport, link) {
  return send(transport, link, L.TYPE_HELLO, L.HELLO_MAGIC)
}

export function typeOf(ring, offset) {
  return ring.halves[(offset + L.AT_TYPE) >>> 1]
}

export function wordOf(ring, offset) {
  return ring.words[(offset + L.HEADER_BYTES) >>> 2]
}

/** Answers every request. */
export async function startEcho(options) {
  const transport = makeTransport(
    {
      opened: (link) => sendHello(transport, link),
      frame(link, ring, offset) {
        if (typeOf(ring, offset) === L.TYPE_REQUEST) send(transport, link, L.TYPE_REPLY, wordOf(ring, offset))
      },
    },
    options,
  )
  const { port } = await transport.listen('127.0.0.1', 0)
  return { transport, port }
}

/** Keeps `outstanding` requests under way on each of `links` connections, for as long as they are answered. */
export function startLoad(port, { links = 8, outstanding = 64, onReply = () => {} } = {}) {
  const transport = makeTransport({
    opened(link) {
      sendHello(transport, link)
      for (let i = 0; i < outstanding; i++) send(transport, link, L.TYPE_REQUEST, i)
    },
    frame(link, ring, offset) {
      if (typeOf(ring, offset) !== L.TYPE_REPLY) return
      onReply()
      send(transport, link, L.TYPE_REQUEST, wordOf(ring, offset))
    },
  })
  for (let i = 0; i < links; i++) transport.dial('127.0.0.1', port)
  return transport
}
