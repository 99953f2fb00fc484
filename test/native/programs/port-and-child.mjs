/** Listens, has a connection each way, spawns a child that outlives it, and says so. */
import { spawn } from 'node:child_process'
import { makeTransport, sendHello, startEcho } from './common.mjs'

const { transport, port } = await startEcho()
const other = makeTransport({
  frame() {
    const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true })
    console.log(JSON.stringify({ port, child: child.pid }))
  },
})
sendHello(other, other.dial('127.0.0.1', port))
// Ends with the transport; the test kills it before.
transport.ref()
