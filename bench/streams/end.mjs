/** One process of a pair: receives what the other one sends, and throws it away. Told over IPC what to do. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { finished } from 'node:stream/promises'

const [, , contestant] = process.argv
const BLOCK = Buffer.alloc(65_536, 7)

/** How a pair opens a connection: `listen` gives an address, `open` a Duplex whose other end throws away what it reads, and then ends. */
const contestants = {
  net: {
    async listen() {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, drain).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return String(server.address().port)
    },
    async open(port) {
      const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
      await once(socket, 'connect')
      return socket
    },
  },
  native: chordite('native'),
  tcp: chordite('tcp'),
}

function chordite(transport) {
  let node
  const start = async (join) => {
    const { createNode } = await import('../../dist/index.js')
    node = createNode({ transport, join })
    node.handleStream('drain', drain)
    await node.start()
  }
  return {
    async listen() {
      await start([])
      return node.address
    },
    async open(address) {
      if (node === undefined) await start([address])
      return node.openStreamTo(address, 'drain')
    },
  }
}

function drain(stream) {
  stream.on('data', () => {})
  stream.on('end', () => stream.end())
}

async function send(address, bytes) {
  const before = process.cpuUsage()
  const startMs = performance.now()
  const stream = await contestants[contestant].open(address)
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    if (!stream.write(BLOCK)) await once(stream, 'drain')
  }
  stream.end()
  stream.resume()
  await finished(stream)
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 }
}

process.on('message', async ({ action, address, bytes }) => {
  if (action === 'listen') process.send(await contestants[contestant].listen())
  else if (action === 'send') process.send(await send(address, bytes))
  else if (action === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send((user + system) / 1_000)
  }
})
process.on('disconnect', () => process.exit())
