/**
 * `node bench/cycle.mjs`: three nodes that pass on to each other in a circle, each as much as it can, with queues of next to nothing. The exit
 * code is 1 if any of them got nothing done for more than a second.
 *
 *   --seconds N    instead of 60
 *   --json         the figures as JSON on standard output
 *   --no-build     dist/ is fresh
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './lib/build.mjs'
import { startWorker } from './lib/worker.mjs'

const STALL_MS = 1_000
/** So large that the kernel's buffers do not hold what is under way. */
const BODY_BYTES = 4_000

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!flags['no-build']) build()
const { Id } = await import('../dist/core/id.js')

const script = fileURLToPath(new URL('cycle/member.mjs', import.meta.url))
const members = [await startWorker(script, [])]
const contact = members[0].ready.address
for (let i = 1; i < 3; i++) members.push(await startWorker(script, [contact]))
try {
  const ring = await settled()
  const flooded = members.map((member, i) => {
    // Of a ring of three the next but one is whoever comes before us.
    const { after, upTo } = ring.find(({ upTo }) => upTo === ring[i].after)
    return member.ask('flood', { keys: keysIn(after, upTo), forMs: 1000 * Number(flags.seconds), bytes: BODY_BYTES })
  })
  report(await Promise.all(flooded))
} finally {
  for (const member of members) member.kill()
}

/** The ranges, once they follow each other around. */
async function settled() {
  for (;;) {
    const ring = await Promise.all(members.map((member) => member.ask('range')))
    if (ring.every((one) => ring.some((other) => other?.upTo === one?.after && other !== one))) return ring
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function keysIn(after, upTo) {
  const [from, to] = [Id.parse(after), Id.parse(upTo)]
  const keys = []
  for (let i = 0; keys.length < 100; i++) {
    const key = `key ${i}`
    if (Id.hash(key).isBetweenOrEnd(from, to)) keys.push(key)
  }
  return keys
}

function report(results) {
  const longest = Math.max(...results.map(({ gapMs }) => gapMs))
  if (flags.json) console.log(JSON.stringify({ results, longestStallMs: longest }))
  else for (const result of results) console.log(result)
  console.log(`longest stall: ${longest.toFixed(0)} ms, allowed: ${STALL_MS} ms`)
  if (longest > STALL_MS) process.exitCode = 1
}
