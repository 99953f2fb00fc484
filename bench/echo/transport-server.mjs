/** Our transports: every frame is copied from the receive ring to the transmit ring, in JavaScript, as a reply. */
import { AT_TYPE, TYPE_HELLO, TYPE_REPLY } from '../../dist/wire/layout.js'
import { copyFrame } from './copy.mjs'
import { transportOf } from './transports.mjs'

const TYPE_WORD = AT_TYPE >>> 2

const transport = await transportOf(process.argv[2], {
  opened() {},
  frame(link, ring, offset, length) {
    const at = transport.reserve(link, length, 'own')
    // More outstanding than a link may queue would be a mistake of the harness, and the load would say so.
    if (at < 0) return transport.close(link, true)
    const to = transport.tx.words
    const typeAt = (at >>> 2) + TYPE_WORD
    copyFrame(ring.words, offset >>> 2, to, at >>> 2, length)
    if (to[typeAt] !== TYPE_HELLO) to[typeAt] = TYPE_REPLY
    transport.commit(link, at, length)
  },
  closed() {},
  drained() {},
  batchEnd() {},
})
const { port } = await transport.listen('127.0.0.1', 0)
console.log(JSON.stringify({ port }))
