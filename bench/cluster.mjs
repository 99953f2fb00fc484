/**
 * `node bench/cluster.mjs`: what a second worker brings, and what it costs. Clusters of one and of two workers, each under the same load
 * from two C programs (limit/crowd.c), one for each worker of the two, both for the one:
 *
 *   work 20 µs   closed, 8 × 8 from each program: requests/s of two workers ÷ those of one
 *   echo         at a fixed rate for each worker, which leaves room on two cores: CPU of the process for a request, two workers ÷ one
 *
 *   --rounds N   instead of 9
 *   --quick      one short round: shows that it runs; the figures are no evidence
 *   --json       the figures as JSON on standard output
 *   --docs       also writes them to docs/benchmarks.md
 *   --no-build   dist/ is fresh
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { stepsFor } from './cluster/work.mjs'
import { gather } from './crowd/crowd.mjs'
import { helloFrame } from './crowd/frames.mjs'
import { NETWORK } from './crowd/names.mjs'
import { decide } from './gates.mjs'
import { build } from './lib/build.mjs'
import { machine, versions } from './lib/machine.mjs'
import { ratioOf, rowOf } from './lib/rows.mjs'
import { figure, spread, table } from './lib/table.mjs'
import { watchMachine, whyBusy } from './lib/watch.mjs'
import { startWorker } from './lib/worker.mjs'
import { writePage } from './report/docs.mjs'
import { markdownTable } from './report/markdown.mjs'
import { limitOf, printGates, resultOf } from './report/print.mjs'

const SERVER = fileURLToPath(new URL('./cluster/server.mjs', import.meta.url))
const PAGE = new URL('../docs/benchmarks.md', import.meta.url)
const WORK_US = 20
const FIGURES = ['requestsPerSecond', 'cpuUs', 'serverCores', 'loadCores', 'p50Us', 'p99Us']
/** Of each program. With a rate for each worker a program that is one of two for one worker has half of it. */
const CASES = [
  { name: 'work 20 µs', steps: stepsFor(WORK_US), shape: { connections: 8, active: 8, outstanding: 8 } },
  { name: 'echo, 40k/s a worker', steps: 0, rate: 40_000, shape: { connections: 8, active: 8 } },
  { name: 'echo, all it can take', steps: 0, shape: { connections: 8, active: 8, outstanding: 64 } },
]

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!flags['no-build']) build()
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 9))
const time = flags.quick ? { warmupMs: 50, windowMs: 200 } : { warmupMs: 300, windowMs: 1_000 }

const report = { machine: machine(), versions: versions(), date: new Date().toISOString(), quick: flags.quick, rounds }
report.cases = []
for (const one of CASES) report.cases.push(await measure(one))
report.gates = gatesOf(report.cases)
if (flags.docs) writePage(PAGE, { cluster: markdown(report) }, [], 'node bench/cluster.mjs --docs')
console.log(flags.json ? JSON.stringify(report, null, 2) : print(report))
process.exit()

/** Both clusters, another first each time. They wait while the other is measured, and use nothing then. */
async function measure({ name, steps, rate = 0, shape }) {
  const clusters = [await startCluster(1, steps), await startCluster(2, steps)]
  const samples = new Map(clusters.map((cluster) => [cluster, []]))
  const watches = []
  for (let round = 0; round < rounds; round++) {
    const watched = watchMachine()
    let usedMs = 0
    for (const cluster of round % 2 === 0 ? clusters : clusters.toReversed()) {
      const sample = await loadBoth(cluster, { ...shape, rate: (rate * cluster.workers) / 2 })
      usedMs += sample.totalCpuMs
      samples.get(cluster).push(sample)
    }
    watches.push(watched(usedMs))
  }
  for (const cluster of clusters) cluster.kill()
  const rows = [...samples].map(([{ workers }, list]) => ({ workers, ...rowOf(FIGURES, list) }))
  return { name, rows, machine: watches }
}

async function startCluster(workers, steps) {
  const child = await startWorker(SERVER, [String(workers), String(steps)])
  return { workers, ports: child.ready.ports, pid: child.process.pid, kill: child.kill }
}

/** Two programs begin together; each reads the clock of the whole process, so their readings are of the same CPU time. */
async function loadBoth({ ports, pid }, shape) {
  const hello = helloFrame(NETWORK)
  const targets = [ports[0], ports.at(-1)].map((port) => ({ port, pid, hello }))
  const crowds = await Promise.all(targets.map((target) => gather(target, { ...shape, ...time })))
  const [a, b] = await Promise.all(crowds.map((crowd) => crowd.run()))
  const requestsPerSecond = a.requestsPerSecond + b.requestsPerSecond
  const serverCores = (a.serverCores + b.serverCores) / 2
  const loadCores = a.loadCores + b.loadCores
  return {
    requestsPerSecond,
    cpuUs: (serverCores * 1e6) / requestsPerSecond,
    serverCores,
    loadCores,
    p50Us: Math.max(a.p50Us, b.p50Us),
    p99Us: Math.max(a.p99Us, b.p99Us),
    totalCpuMs: (serverCores + loadCores) * time.windowMs,
  }
}

function gatesOf([work, paced, full]) {
  const ratio = ({ rows: [one, two] }, name) => ratioOf(two, one, name)
  const gate = (limits, one, name) => decide({ part: 'cluster', ...limits }, ratio(one, name), whyBusy(one.machine))
  return [
    gate({ name: 'work 20 µs, requests/s: two workers ÷ one', atLeast: 1.6 }, work, 'requestsPerSecond'),
    gate({ name: 'echo at 40k/s a worker, CPU: two workers ÷ one', atMost: 1.1 }, paced, 'cpuUs'),
    gate({ name: 'echo, all it can take, CPU: two workers ÷ one', atMost: 1.1 }, full, 'cpuUs'),
  ]
}

function rowsOf({ cases }) {
  return cases.flatMap(({ name, rows }) =>
    rows.map((row) => [
      `${name}: ${row.workers === 1 ? 'one worker' : 'two workers'}`,
      spread(row.requestsPerSecond, 1000),
      spread(row.cpuUs),
      ...[row.serverCores, row.loadCores, row.p50Us, row.p99Us].map(({ median }) => figure(median)),
    ]),
  )
}

function header() {
  return ['64 bytes', 'k requests/s', 'CPU µs a request', 'server cores', 'load cores', 'p50 µs', 'p99 µs']
}

function busyOf({ cases, quick }) {
  const why = whyBusy(cases.flatMap(({ machine }) => machine))
  const busy = why === undefined ? 'The machine was quiet.' : `The machine was busy: ${why}.`
  return quick ? `${busy} Quick run: the figures are no evidence.` : busy
}

function print(report) {
  return [table(header(), rowsOf(report)), busyOf(report), printGates(report.gates)].join('\n\n')
}

function markdown(report) {
  const gates = report.gates.map((gate) => [
    gate.name,
    gate.value ? spread(gate.value) : '–',
    limitOf(gate),
    resultOf(gate),
  ])
  const plan = `Medians of ${rounds} interleaved rounds of ${time.windowMs} ms; commit ${report.versions.commit}. ${busyOf(report)}`
  const limits = markdownTable(['gate', 'median (p25–p75)', 'limit', 'result'], gates)
  return [markdownTable(header(), rowsOf(report)), limits, plan].join('\n\n')
}
