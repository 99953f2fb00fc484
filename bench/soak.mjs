/**
 * `node bench/soak.mjs`: 10 minutes of `requestTo` as fast as it goes, 64 requests to each of 16 endpoints; what client and server
 * hold must not grow after the second minute. Linux.
 *
 *   --minutes N   instead of 10, of which the first fifth does not count
 *   --form NAME   promises or callbacks (default)
 *   --quick       15 seconds: shows that it runs; the figures are no evidence
 *   --json        the figures as JSON on standard output
 *   --no-build    dist/ is fresh
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { decide } from './gates.mjs'
import { build } from './lib/build.mjs'
import { machine, versions } from './lib/machine.mjs'
import { quantile } from './lib/stats.mjs'
import { figure, table } from './lib/table.mjs'
import { printGates } from './report/print.mjs'
import { startPair } from './request/pair.mjs'

const PAGE_BYTES = 4096
const MIB = 2 ** 20
const SAMPLE_MS = 500
const POINTS = 60
const BODY_BYTES = 64
const WARMUP_SHARE = 0.2

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    form: { type: 'string', default: 'callbacks' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!flags['no-build']) build()
const minutes = flags.quick ? 0.25 : Number(flags.minutes)
const pair = await startPair({ form: flags.form, handler: 'handle' })
const report = { machine: machine(), versions: versions(), quick: flags.quick, minutes, ...(await soak()) }
report.gates = ['client', 'server'].map((name) => {
  const slope = report[name].slope
  const gate = { part: 'soak', name: `${name}: growth after the first fifth, MiB/min`, atMost: 1 }
  return decide(gate, { median: slope, p25: slope, p75: slope })
})
for (const worker of [pair.client, pair.server]) worker.kill()
console.log(flags.json ? JSON.stringify(report, null, 2) : print(report))
process.exit()

async function soak() {
  const samples = { client: [], server: [] }
  await pair.client.ask('start', BODY_BYTES)
  const begin = await pair.client.ask('mark')
  const beganMs = performance.now()
  while (performance.now() - beganMs < minutes * 60_000) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
    const atMin = (performance.now() - beganMs) / 60_000
    for (const name of ['client', 'server']) samples[name].push({ atMin, bytes: residentOf(pair[name].process.pid) })
    // Empties the client's store of latencies.
    await pair.client.ask('mark')
  }
  const end = await pair.client.ask('mark')
  await pair.client.ask('stop')
  const requestsPerSecond = ((end.count - begin.count) * 1000) / (end.atMs - begin.atMs)
  return { requestsPerSecond, client: growthOf(samples.client), server: growthOf(samples.server) }
}

function residentOf(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
}

/** MiB a minute by least squares, through medians of equal parts of what counts: a collection is not growth. */
function growthOf(samples) {
  const counted = samples.filter(({ atMin }) => atMin >= minutes * WARMUP_SHARE)
  const size = Math.ceil(counted.length / POINTS)
  const points = []
  for (let i = 0; i < counted.length; i += size) {
    const part = counted.slice(i, i + size)
    const of = (name) =>
      quantile(
        part.map((sample) => sample[name]),
        0.5,
      )
    points.push({ x: of('atMin'), y: of('bytes') / MIB })
  }
  const mean = (name) => points.reduce((sum, point) => sum + point[name], 0) / points.length
  const [x, y] = [mean('x'), mean('y')]
  const above = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0)
  const below = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  return { slope: above / below, points }
}

function print({ requestsPerSecond, client, server, gates }) {
  const row = (name, { points, slope }) => [name, figure(points[0].y), figure(points.at(-1).y), slope.toFixed(2)]
  const header = ['resident', 'MiB after the first fifth', 'at the end', 'MiB/min']
  return [
    table(header, [row('client', client), row('server', server)]),
    `${figure(requestsPerSecond)} requests/s for ${figure(minutes)} minutes.`,
    printGates(gates),
  ].join('\n\n')
}
