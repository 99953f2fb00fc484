/**
 * `node bench/tail.mjs`: how long the slowest hundredth waits. One-at-a-time requests to a node, alone and while others load it to 70 % of
 * what it can take; and when all it can take is under way, beside a C program that does nothing else.
 *
 *   --rounds N   instead of 9
 *   --quick      one short round: shows that it runs; the figures are no evidence
 *   --json       the figures as JSON on standard output
 *   --no-build   dist/ is fresh
 */
import { parseArgs } from 'node:util'
import { crowd, gather, LIMIT, OURS, startLimit, startNode } from './crowd/crowd.mjs'
import { decide } from './gates.mjs'
import { build } from './lib/build.mjs'
import { machine, versions } from './lib/machine.mjs'
import { ratioOf, rowOf } from './lib/rows.mjs'
import { figure, spread, table } from './lib/table.mjs'
import { watchMachine, whyBusy } from './lib/watch.mjs'
import { printGates } from './report/print.mjs'

const LOAD_SHARE = 0.7
const ONE = { connections: 1, active: 1, outstanding: 1 }
const MANY = { connections: 16, active: 16, outstanding: 64 }
const SATURATED = [
  { name: '1×128', connections: 1, active: 1, outstanding: 128 },
  { name: '16×64', ...MANY },
  { name: '64×1', connections: 64, active: 64, outstanding: 1 },
  { name: '256×4', connections: 256, active: 256, outstanding: 4 },
]
const FIGURES = ['requestsPerSecond', 'cpuUs', 'p50Us', 'p99Us']
const TURNS = ['turnP99Us', 'turnMaxUs']

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!flags['no-build']) build()
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 9))
const time = flags.quick ? { warmupMs: 50, windowMs: 150 } : { warmupMs: 200, windowMs: 600 }

const servers = [await startNode(), await startLimit()]
const [node] = servers
// Compiles what it runs.
await crowd(node, { ...MANY, warmupMs: 0, windowMs: 5 * time.windowMs })
const report = {
  machine: machine(),
  versions: versions(),
  quick: flags.quick,
  rounds,
  loaded: await measureLoaded(),
  saturated: [],
}
for (const pattern of SATURATED) report.saturated.push(await measureSaturated(pattern))
report.gates = gatesOf(report)
for (const server of servers) server.kill()
console.log(flags.json ? JSON.stringify(report, null, 2) : print(report))
process.exit()

/** Alone, then beside a load whose rate is a share of the peak that was measured just before. */
async function measureLoaded() {
  const samples = { alone: [], peak: [], beside: [] }
  const watches = []
  for (let round = 0; round < rounds; round++) {
    const watched = watchMachine()
    const alone = await crowd(node, { ...ONE, ...time })
    const peak = await crowd(node, { ...MANY, ...time })
    const rate = LOAD_SHARE * peak.requestsPerSecond
    // Begins before the one and ends after it.
    const load = await gather(node, {
      ...MANY,
      rate,
      warmupMs: time.warmupMs,
      windowMs: time.windowMs + 2 * time.warmupMs,
    })
    const [loading, beside] = await Promise.all([load.run(), crowd(node, { ...ONE, ...time })])
    samples.alone.push(alone)
    samples.peak.push(peak)
    samples.beside.push({ ...beside, load: loading.requestsPerSecond / peak.requestsPerSecond, behind: loading.behind })
    watches.push(watched(alone.totalCpuMs + peak.totalCpuMs + loading.totalCpuMs + beside.loadCores * time.windowMs))
  }
  const rows = Object.entries(samples).map(([name, list]) => ({ name, ...rowOf(FIGURES, list) }))
  return { rows, load: rowOf(['load', 'behind'], samples.beside), machine: watches }
}

async function measureSaturated({ name, ...shape }) {
  const samples = new Map(servers.map((server) => [server, []]))
  const watches = []
  for (let round = 0; round < rounds; round++) {
    const watched = watchMachine()
    let usedMs = 0
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
      await server.turns?.()
      const sample = { ...(await crowd(server, { ...shape, ...time })), ...(await server.turns?.()) }
      usedMs += sample.totalCpuMs
      samples.get(server).push(sample)
    }
    watches.push(watched(usedMs))
  }
  const rows = [...samples].map(([server, list]) => {
    return { name: server.name, ...rowOf(server.turns ? [...FIGURES, ...TURNS] : FIGURES, list) }
  })
  return { pattern: name, rows, machine: watches }
}

function gatesOf({ loaded, saturated }) {
  const [alone, , beside] = loaded.rows
  const gate = { part: 'tail', name: 'one at a time, p99: beside 70 % of the peak ÷ alone', atMost: 5 }
  return [
    decide(gate, ratioOf(beside, alone, 'p99Us'), whyBusy(loaded.machine)),
    ...saturated.flatMap(({ pattern, rows: [ours, limit], machine }) => {
      const slower = { part: 'tail', name: `saturated ${pattern}, p99: ${OURS} ÷ ${LIMIT}`, atMost: 1.25 }
      const inside = {
        part: 'tail',
        name: `saturated ${pattern}, p99 of a wake-up, first message to last reply, µs`,
        atMost: 1000,
      }
      const busy = whyBusy(machine)
      return [decide(slower, ratioOf(ours, limit, 'p99Us'), busy), decide(inside, ours.turnP99Us, busy)]
    }),
  ]
}

function print({ loaded, saturated, gates }) {
  const cells = (row) => [
    spread(row.requestsPerSecond, 1000),
    row.name === 'beside' ? '–' : spread(row.cpuUs),
    figure(row.p50Us.median),
    spread(row.p99Us),
  ]
  const rows = [
    ...loaded.rows.map((row) => [
      row.name === 'peak' ? 'the load, unbounded' : `one at a time, ${row.name}`,
      ...cells(row),
    ]),
    ...saturated.flatMap((group) => group.rows.map((row) => [`${group.pattern} ${row.name}`, ...cells(row)])),
  ]
  const header = ['64 bytes, one node', 'k requests/s', 'server CPU µs', 'p50 µs', 'p99 µs']
  const load = `The load was ${figure(100 * loaded.load.load.median)} % of its peak; ${loaded.load.behind.max} of its requests found no room.`
  return [table(header, rows), load, printGates(gates)].join('\n\n')
}
