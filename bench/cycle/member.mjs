/**
 * One of three members of a ring who all send, as fast as they can, what only the next but one can take: `member.mjs [CONTACT]`. Says its
 * address; `flood` says how it went.
 */
import { createNode, raw } from '../../dist/index.js'
import { answerParent } from '../lib/worker.mjs'

const TAKE = { name: 'take', request: raw, reply: raw }
const OUTSTANDING = 1_000
/** Connections are made, code is compiled. */
const WARMUP_MS = 1_000
const [contact] = process.argv.slice(2)

const node = createNode({
  join: contact === undefined ? [] : [contact],
  // So that nobody knows more than who comes next, and queues of next to nothing.
  successors: 1,
  limits: { outputBytes: 1_024, cachedRanges: 0 },
})
node.handle(TAKE, () => new Uint8Array(0))
await node.start()

answerParent(
  { mark: () => 0, range: () => node.members[0].range && bounds(node.members[0]), flood },
  { address: node.address, transport: node.transport },
)

function bounds({ id, range }) {
  return { id: String(id), after: String(range.after), upTo: String(range.upTo) }
}

async function flood({ keys, forMs, bytes }) {
  const counted = { done: 0, failed: {}, gapMs: 0 }
  const startMs = performance.now()
  let lastMs = startMs
  let outstanding = 0
  const done = () => {
    const nowMs = performance.now()
    if (lastMs - startMs > WARMUP_MS) counted.gapMs = Math.max(counted.gapMs, nowMs - lastMs)
    lastMs = nowMs
    counted.done++
  }
  const failed = ({ code }) => {
    counted.failed[code] = (counted.failed[code] ?? 0) + 1
  }
  const body = new Uint8Array(bytes)
  for (let i = 0; performance.now() - startMs < forMs; ) {
    for (let sent = 0; outstanding < OUTSTANDING && sent < 200; sent++) {
      outstanding++
      const call = node.request(keys[i++ % keys.length], TAKE, body, { timeoutMs: 5_000 })
      call.then(done, failed).finally(() => outstanding--)
    }
    await new Promise(setImmediate)
  }
  counted.gapMs = Math.max(counted.gapMs, performance.now() - lastMs)
  const { wire, routed } = node.metrics()
  return { ...counted, passedOn: wire.framesPassedOn, forwarded: routed.forwarded, busy: routed.busy }
}
