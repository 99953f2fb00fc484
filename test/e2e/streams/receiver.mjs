/** A node of its own process that reads streams slowly, and tells what it had to keep for them. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNode, raw } from '../../../dist/index.js'

const PAUSE_BYTES = 8 << 20
const PAUSE_MS = 20

const [, , join, network, transport] = process.argv
const node = createNode({ join: [join], network, transport })
let rssMax = 0
setInterval(() => {
  rssMax = Math.max(rssMax, process.memoryUsage.rss())
}, 10).unref()

node.handle({ name: 'echo', request: raw, reply: raw }, ({ body }) => body)

node.handleStream('slow', async (stream) => {
  const hash = createHash('sha256')
  const rssBefore = process.memoryUsage.rss()
  rssMax = rssBefore
  let bytes = 0
  for await (const chunk of stream) {
    if (Math.floor(bytes / PAUSE_BYTES) < Math.floor((bytes + chunk.length) / PAUSE_BYTES)) await sleep(PAUSE_MS)
    bytes += chunk.length
    hash.update(chunk)
  }
  const { windowBytes } = node.metrics().streams
  stream.end(JSON.stringify({ bytes, hash: hash.digest('hex'), grown: rssMax - rssBefore, windowBytes }))
})

node.handleStream('endless', (stream) => void stream.resume())

await node.start()
process.send(node.address)
process.on('disconnect', () => process.exit())
