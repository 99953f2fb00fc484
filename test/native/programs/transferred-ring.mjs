/**
 * A handler gives a ring away. Says what came of it; whatever does, C++ must not use foreign memory.
 * With an argument, `receive` or `transmit`: by force, as only V8 itself can.
 */
import { setFlagsFromString } from 'node:v8'
import { makeTransport, sendHello } from './common.mjs'

process.on('uncaughtException', (error) => {
  console.log(error.message)
  process.exit(0)
})
const forced = process.argv[2]
// It would be the first to notice, in JavaScript.
delete process.env.CHORDITE_POISON
setFlagsFromString('--allow-natives-syntax')
const detach = new Function('buffer', '%ArrayBufferDetach(buffer)')

const server = makeTransport({
  opened: (link) => sendHello(server, link),
  frame(link, ring) {
    sendHello(server, link)
    if (forced !== undefined) return detach((forced === 'receive' ? ring : server.tx).bytes.buffer)
    const { buffer } = ring.bytes
    if (typeof buffer.transfer === 'function') return void buffer.transfer()
    structuredClone(buffer, { transfer: [buffer] })
    console.log(buffer.byteLength > 0 ? 'kept' : 'transferred')
    process.exit(buffer.byteLength > 0 ? 0 : 1)
  },
})
const { port } = await server.listen('127.0.0.1', 0)
const client = makeTransport({})
const link = client.dial('127.0.0.1', port)
sendHello(client, link)
setInterval(() => sendHello(client, link), 10)
