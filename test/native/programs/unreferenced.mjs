/** An endpoint that listens and has connections, but does not keep the process. */
import { makeTransport, sendHello, startEcho } from './common.mjs'

const { transport, port } = await startEcho()
const client = makeTransport({
  frame() {
    transport.unref()
    client.unref()
    console.log('unreferenced')
  },
})
sendHello(client, client.dial('127.0.0.1', port))
