/** process.exit(7) inside a handler, under load: in the main thread, or with an argument in a worker. */
import { once } from 'node:events'
import { isMainThread, Worker } from 'node:worker_threads'
import { L, makeTransport, sendHello, startLoad, typeOf } from './common.mjs'

if (isMainThread && process.argv[2] === 'worker') {
  const [code] = await once(new Worker(new URL(import.meta.url)), 'exit')
  process.exitCode = code
} else {
  let requests = 0
  const server = makeTransport({
    opened: (link) => sendHello(server, link),
    frame(_link, ring, offset) {
      if (typeOf(ring, offset) === L.TYPE_REQUEST && ++requests === 100) process.exit(7)
    },
  })
  const { port } = await server.listen('127.0.0.1', 0)
  startLoad(port)
}
