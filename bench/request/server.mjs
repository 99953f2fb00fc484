/**
 * 16 nodes in one process, each alone in a ring of its own, so that no maintenance is measured with the requests.
 * They send every body back: from a handler for each message, or from one for all messages of a wake-up.
 */
import { createNode } from '../../dist/index.js'
import { answerParent, cpuMs, systemMs } from '../lib/worker.mjs'
import { ECHO, ENDPOINTS } from './shape.mjs'

const way = process.argv[2]
let handled = 0

const addresses = []
let transport
for (let i = 0; i < ENDPOINTS; i++) {
  const node = createNode()
  if (way === 'handleBatch') node.handleBatch(ECHO.name, echoBatch)
  else node.handle(ECHO, echo)
  await node.start()
  addresses.push(node.address)
  transport = node.transport
}
answerParent(
  { mark: () => ({ atMs: performance.now(), count: handled, cpuMs: cpuMs(), systemMs: systemMs() }) },
  { addresses, transport },
)

function echo({ body }) {
  handled++
  return body
}

/** The body is a view into the receive ring, copied once: into the transmit ring. */
function echoBatch(batch) {
  const { length } = batch
  for (let i = 0; i < length; i++) batch.reply(i, batch.memory(i), batch.start(i), batch.end(i))
  handled += length
}
