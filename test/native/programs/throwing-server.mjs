/** Answers requests and throws at the third; nobody catches that. */
import { L, makeTransport, send, sendHello, typeOf, wordOf } from './common.mjs'

const server = makeTransport({
  opened: (link) => sendHello(server, link),
  frame(link, ring, offset) {
    if (typeOf(ring, offset) !== L.TYPE_REQUEST) return
    const word = wordOf(ring, offset)
    if (word === 3) throw new Error('three')
    send(server, link, L.TYPE_REPLY, word)
  },
})
console.log(JSON.stringify(await server.listen('127.0.0.1', 0)))
