/** A node alone in its ring that sends every body back, and says what memory it has. */
import v8 from 'node:v8'
import { createNode, raw } from '../../dist/index.js'
import { answerParent } from '../lib/worker.mjs'
import { NAME, NETWORK } from './names.mjs'

const node = createNode({ network: NETWORK })
node.handle({ name: NAME, request: raw, reply: raw }, ({ body }) => body)
await node.start()

answerParent(
  {
    /** After a collection, so that only what is held counts. Native is what is resident besides V8's heap. */
    memory() {
      for (let i = 0; i < 3; i++) global.gc()
      const { used_heap_size: heap, total_physical_size: resident } = v8.getHeapStatistics()
      const rss = process.memoryUsage.rss()
      return { rss, heap, native: rss - resident }
    },
  },
  { port: Number(node.address.split(':').at(-1)), transport: node.transport },
)
