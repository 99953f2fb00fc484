/** A node alone in its ring that sends every body back, and says what memory it has. */
import { createHistogram } from 'node:perf_hooks'
import v8 from 'node:v8'
import { createNode, raw } from '../../dist/index.js'
import { answerParent } from '../lib/worker.mjs'
import { NAME, NETWORK } from './names.mjs'

/** Nanoseconds from the first message of a wake-up to the end of its last reply; writing them out comes after that. */
const turns = createHistogram()
let beganMs = 0

const node = createNode({ network: NETWORK })
node.handle({ name: NAME, request: raw, reply: raw }, ({ body }) => {
  if (beganMs === 0) {
    beganMs = performance.now()
    queueMicrotask(endTurn)
  }
  return body
})
await node.start()

answerParent(
  {
    /** Of the wake-ups since the last time. */
    turns() {
      const told = { turnP99Us: turns.percentile(99) / 1000, turnMaxUs: turns.max / 1000 }
      turns.reset()
      return told
    },
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

/** Microtasks run when all messages of a wake-up have been handled. */
function endTurn() {
  turns.record(Math.max(1, Math.round((performance.now() - beganMs) * 1e6)))
  beganMs = 0
}
