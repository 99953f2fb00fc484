/**
 * dht-rpc: `dht.request` with a command of ours. It has no connections: a client is an instance with sockets of its own. Its
 * window, 80 requests for each 0.75 s that are not answered, is opened wide; its receive
 * buffer is larger than usual.
 */
import { createRequire } from 'node:module'

const DHT = createRequire(import.meta.url)('dht-rpc')
const HOST = '127.0.0.1'
const ECHO = 1
const RECEIVE_BYTES = 4 << 20
const SETTINGS = { host: HOST, port: 0, bootstrap: [], firewalled: false, maxWindow: 1 << 20, anyPort: true }

export async function serve() {
  const dht = new DHT({ ...SETTINGS, ephemeral: false })
  dht.on('request', (request) => request.reply(request.value, { token: false, closerNodes: false }))
  await ready(dht)
  return { port: dht.io.serverSocket.address().port }
}

export function open({ port }, count) {
  const to = { host: HOST, port }
  const opening = Array.from({ length: count }, async () => {
    const dht = new DHT({ ...SETTINGS, ephemeral: true })
    await ready(dht)
    return async (body) => {
      const { error, value } = await dht.request({ command: ECHO, value: body }, to)
      if (error !== 0) throw new Error(`error ${error}`)
      return value
    }
  })
  return Promise.all(opening)
}

async function ready(dht) {
  await dht.fullyBootstrapped()
  dht.io.serverSocket.setRecvBufferSize(RECEIVE_BYTES)
}
