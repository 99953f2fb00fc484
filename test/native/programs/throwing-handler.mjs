/** The third of ten frames of a batch throws. With an argument: nobody handles that, and the process ends of it. */
import { L, makeTransport, send, sendHello, typeOf, wordOf } from './common.mjs'

const seen = []
const uncaught = []
let batches = 0
if (process.argv[2] === undefined) {
  process.on('uncaughtException', (error) => {
    uncaught.push(error.message)
  })
}
process.on('exit', () => console.log(JSON.stringify({ seen, uncaught, batches })))

const server = makeTransport({
  opened: (link) => sendHello(server, link),
  frame(link, ring, offset) {
    if (typeOf(ring, offset) !== L.TYPE_REQUEST) return
    const word = wordOf(ring, offset)
    seen.push(word)
    if (word === 3) throw new Error('three')
    send(server, link, L.TYPE_REPLY, word)
  },
  batchEnd() {
    batches++
    throw new Error('end')
  },
})
const { port } = await server.listen('127.0.0.1', 0)
const replies = []
const client = makeTransport({
  opened(link) {
    sendHello(client, link)
    for (let i = 1; i <= 10; i++) send(client, link, L.TYPE_REQUEST, i)
  },
  frame(_link, ring, offset) {
    if (typeOf(ring, offset) === L.TYPE_REPLY) replies.push(wordOf(ring, offset))
    if (replies.length < 9) return
    server.destroy()
    client.destroy()
  },
})
client.dial('127.0.0.1', port)
