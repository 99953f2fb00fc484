/** What our transports do for an echo: each frame is copied from the receive ring to the transmit ring, as a reply. */
import { AT_TYPE, TYPE_HELLO, TYPE_REPLY } from '../../dist/wire/layout.js'
import { copyFrame } from './copy.mjs'
import { transportOf } from './transports.mjs'

const TYPE_WORD = AT_TYPE >>> 2

export const counts = { frames: 0, batches: 0 }

/** A transport of that kind, listening; and its port. */
export async function startEcho(kind) {
  const transport = await transportOf(kind, {
    opened() {},
    frame(link, ring, offset, length) {
      counts.frames++
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
    batchEnd() {
      counts.batches++
    },
  })
  const { port } = await transport.listen('127.0.0.1', 0)
  return { transport, port }
}
