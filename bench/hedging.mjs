/**
 * `node bench/hedging.mjs`: how long look-ups wait in a ring where one node stops for a moment again and again, with a second attempt at
 * the 95th percentile and without. Eight processes; one of them is stopped (SIGSTOP) for 50 ms every 150 ms. Two nodes of this process
 * ask at the same time, at a fixed rate, for keys of the node behind it, to which the usual way leads through it.
 *
 *   --seconds N   instead of 20
 *   --rate N      look-ups per second of each of the two; default 500
 *   --quick       two seconds: shows that it runs; the figures are no evidence
 *   --json        the figures as JSON on standard output
 *   --no-build    dist/ is fresh
 */
import { parseArgs } from 'node:util'
import { createNode } from '../dist/index.js'
import { NETWORK, someKeys, spawnMembers, startRing, untilCorrect } from '../test/support/members.mjs'
import { build } from './lib/build.mjs'
import { machine, versions } from './lib/machine.mjs'
import { table } from './lib/table.mjs'

const SIZE = 8
const PAUSE_MS = 50
const EVERY_MS = 150
const WARM_MS = 1_000
/** Nothing is remembered and few neighbors are known, so that most look-ups take several steps. */
const OPTIONS = { network: NETWORK, successors: 4, timing: { stabilizeMinMs: 50, fingersMinMs: 50 } }

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rate: { type: 'string', default: '500' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!flags['no-build']) build()
const seconds = Number(flags.seconds ?? (flags.quick ? 2 : 20))
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const members = await spawnMembers(SIZE)
await startRing(members, { ...OPTIONS, limits: { cachedRanges: 0 } })
const askers = await Promise.all([0, 5].map((hedgePercent) => startAsker(hedgePercent)))
await untilCorrect(members, 30_000).catch(() => {}) // the askers are in between
const { slow, owner } = inTheWay()
const keys = await keysOf(owner)
const report = { machine: machine(), versions: versions(), quick: flags.quick, seconds, rate: Number(flags.rate) }
const ended = pauses()
await askAll(WARM_MS)
const before = askers.map((node) => node.metrics().calls)
const times = await askAll(1_000 * seconds)
report.rows = askers.map((node, i) => rowOf(node.metrics().calls, before[i], times[i]))
ended.stop()
console.log(flags.json ? JSON.stringify(report, null, 2) : print(report))
for (const member of members) member.kill()
process.exit()

async function startAsker(hedgePercent) {
  const limits = { cachedRanges: 0, hedgePercent }
  const node = createNode({ ...OPTIONS, join: [members[0].address], limits })
  return node.start({ timeoutMs: 30_000 })
}

/** A node, and the next one on the ring, whose keys are asked for: others come by the former, unless they are right before it. */
function inTheWay() {
  const ring = [...members, ...askers].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  const isMember = (i) => members.includes(ring[(i + ring.length) % ring.length])
  const at = ring.findIndex((_, i) => [0, 1, -1].every((step) => isMember(i + step)))
  return { slow: ring[at], owner: ring[(at + 1) % ring.length] }
}

function idOf(node) {
  return node.ids?.[0] ?? String(node.members[0].id)
}

async function keysOf({ address }) {
  const all = someKeys('hedging', 4_000)
  const owners = await askers[0].lookupMany(all)
  return all.filter((_, i) => owners[i].ok && owners[i].value.owner.address === address)
}

function pauses() {
  let isOver = false
  const run = async () => {
    while (!isOver) {
      slow.signal('SIGSTOP')
      await sleep(PAUSE_MS)
      slow.signal('SIGCONT')
      await sleep(EVERY_MS - PAUSE_MS)
    }
  }
  void run()
  return {
    stop() {
      isOver = true
    },
  }
}

/** Both at the same instants, so that what slows the one down slows the other down. */
async function askAll(forMs) {
  const times = askers.map(() => [])
  const waiting = new Set()
  const startMs = performance.now()
  for (let asked = 0; performance.now() - startMs < forMs; ) {
    const due = Math.floor(((performance.now() - startMs) * report.rate) / 1_000)
    for (; asked < due; asked++) {
      const key = keys[asked % keys.length]
      const order = asked % 2 === 0 ? [0, 1] : [1, 0]
      for (const i of order) ask(i, key, times, waiting)
    }
    await sleep(1)
  }
  await Promise.all(waiting)
  return times
}

function ask(i, key, times, waiting) {
  const startMs = performance.now()
  const asked = askers[i].lookup(key).then(
    () => times[i].push(performance.now() - startMs),
    () => times[i].push(Number.POSITIVE_INFINITY),
  )
  const ended = asked.finally(() => waiting.delete(ended))
  waiting.add(ended)
}

function rowOf(after, was, times) {
  const sorted = Float64Array.from(times).sort()
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  const calls = after.sent - was.sent
  return {
    calls,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    hedged: (after.hedged - was.hedged) / calls,
    won: (after.hedgesWon - was.hedgesWon) / calls,
    retried: (after.retried - was.retried) / calls,
  }
}

function print({ rows }) {
  const percent = (share) => `${(100 * share).toFixed(1)} %`
  const ms = (value) => value.toFixed(1)
  const cells = rows.map((row, i) => [
    i === 0 ? 'once' : 'twice when late',
    ...[row.p50Ms, row.p95Ms, row.p99Ms, row.p999Ms].map(ms),
    ...[row.hedged, row.won, row.retried].map(percent),
  ])
  return table(['look-ups', 'p50 ms', 'p95 ms', 'p99 ms', 'p99.9 ms', 'sent twice', 'of which won', 'timed out'], cells)
}
