/**
 * `node bench/idle-connections.mjs`: what 9,000 connections that do nothing cost a node: its CPU time for a request of 1,000 others, and
 * memory for each.
 *
 *   --rounds N   instead of 9
 *   --quick      one short round with a tenth of the connections: shows that it runs; the figures are no evidence
 *   --json       the figures as JSON on standard output
 *   --no-build   dist/ is fresh
 */
import { parseArgs } from 'node:util'
import { crowd, gather, LIMIT, OURS, startLimit, startNode } from './crowd/crowd.mjs'
import { decide } from './gates.mjs'
import { build } from './lib/build.mjs'
import { machine, versions } from './lib/machine.mjs'
import { ratioOf, rowOf } from './lib/rows.mjs'
import { summary } from './lib/stats.mjs'
import { figure, spread, table } from './lib/table.mjs'
import { watchMachine, whyBusy } from './lib/watch.mjs'
import { printGates } from './report/print.mjs'

const FIGURES = ['requestsPerSecond', 'cpuUs', 'p50Us', 'p99Us']
/** Native is what is resident besides V8's heap; the kernel's part is in none. */
const MEMORY = ['native', 'heap', 'rss']
const MEMORY_ROUNDS_MAX = 5

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!flags['no-build']) build()
const active = flags.quick ? 100 : 1_000
const connections = 10 * active
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 9))
const time = flags.quick ? { warmupMs: 50, windowMs: 150 } : { warmupMs: 300, windowMs: 1_000 }

const servers = [await startNode(), await startLimit()]
// Compiles what it runs.
await crowd(servers[0], { connections: active, active, warmupMs: 0, windowMs: 3 * time.windowMs })
const report = { machine: machine(), versions: versions(), quick: flags.quick, rounds, connections, active }
report.memory = await measureMemory()
Object.assign(report, await measure())
report.gates = gatesOf(report)
for (const server of servers) server.kill()
console.log(flags.json ? JSON.stringify(report, null, 2) : print(report))
process.exit()

/** Both servers, with the busy ones alone and with all; another first each time. */
async function measure() {
  const cases = servers.flatMap((server) => [active, connections].map((count) => ({ server, count, samples: [] })))
  const watches = []
  for (let round = 0; round < rounds; round++) {
    const watched = watchMachine()
    let usedMs = 0
    for (let i = 0; i < cases.length; i++) {
      const one = cases[(i + round) % cases.length]
      const sample = await crowd(one.server, { connections: one.count, active, ...time })
      usedMs += sample.totalCpuMs
      one.samples.push(sample)
    }
    watches.push(watched(usedMs))
  }
  const rows = cases.map(({ server, count, samples }) => ({
    name: server.name,
    connections: count,
    ...rowOf(FIGURES, samples),
  }))
  return { rows, machine: watches }
}

/** In processes of their own: what one crowd has made a process allocate, the next one finds. */
async function measureMemory() {
  const samples = []
  while (samples.length < Math.min(rounds, MEMORY_ROUNDS_MAX)) {
    const node = await startNode()
    try {
      await crowd(node, { connections: 16, active: 16, ...time })
      const before = await node.memory()
      const idle = await gather(node, { connections, active: 0, ...time })
      const after = await node.memory()
      await idle.leave()
      samples.push(Object.fromEntries(MEMORY.map((name) => [name, (after[name] - before[name]) / connections])))
    } finally {
      node.kill()
    }
  }
  return Object.fromEntries(MEMORY.map((name) => [name, summary(samples.map((sample) => sample[name]))]))
}

function gatesOf({ rows, memory, machine: watches }) {
  const row = (name, count) => rows.find((one) => one.name === name && one.connections === count)
  const busy = whyBusy(watches)
  const cost = (name) => ratioOf(row(name, connections), row(name, active), 'cpuUs')
  const name = `${active.toLocaleString('en-US')} busy among ${connections.toLocaleString('en-US')} ÷ those alone, server CPU`
  return [
    decide({ part: 'idle connections', name: `${OURS}: ${name}`, atMost: 1.15 }, cost(OURS), busy),
    decide({ part: 'idle connections', name: `${LIMIT}: ${name}` }, cost(LIMIT), busy),
    decide({ part: 'idle connections', name: 'native memory for a connection, bytes', atMost: 1024 }, memory.native),
  ]
}

function print({ rows, memory, gates }) {
  const cells = rows.map((row) => [
    `${row.name}, ${row.connections.toLocaleString('en-US')} connections`,
    spread(row.requestsPerSecond, 1000),
    spread(row.cpuUs),
    figure(row.p50Us.median),
    figure(row.p99Us.median),
  ])
  const header = [`${active.toLocaleString('en-US')} busy`, 'k requests/s', 'server CPU µs', 'p50 µs', 'p99 µs']
  const { native, heap, rss } = memory
  const bytes = `A connection: ${spread(native)} bytes of native memory, ${spread(heap)} of V8's heap, ${spread(rss)} resident in all.`
  return [table(header, cells), bytes, printGates(gates)].join('\n\n')
}
