/**
 * `requestTo` alone, without the rest of the benchmark; needs a built `dist/`.
 *
 *   node bench/request/run.mjs [--quick] [--rounds 9] [--window MS] [--only callbacks] [--transport tcp] [--json]
 */
import { parseArgs } from 'node:util'
import { figure, spread, table } from '../lib/table.mjs'
import { runRequests } from './measure.mjs'
import { ENDPOINTS, OUTSTANDING } from './shape.mjs'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    window: { type: 'string' },
    only: { type: 'string' },
    transport: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const { rows, plan } = await runRequests({
  quick: flags.quick,
  rounds: Number(flags.rounds ?? 0),
  windowMs: Number(flags.window ?? 0),
  only: flags.only,
  transport: flags.transport,
})
if (flags.json) console.log(JSON.stringify({ plan, rows }, null, 2))
else {
  const cells = rows.map((r) => [
    `${r.bytes} B ${r.way}`,
    spread({
      median: r.requestsPerSecond.median / 1000,
      p25: r.requestsPerSecond.p25 / 1000,
      p75: r.requestsPerSecond.p75 / 1000,
    }),
    spread(r.clientCpuUs),
    spread(r.serverCpuUs),
    figure(r.clientCores.median),
    figure(r.serverCores.median),
    figure(r.p50Us.median),
    figure(r.p99Us.median),
  ])
  const header = [
    'client → server',
    'k requests/s',
    'client CPU µs',
    'server CPU µs',
    'client cores',
    'server cores',
    'p50 µs',
    'p99 µs',
  ]
  console.log(table(header, cells))
  console.log(`${ENDPOINTS} endpoints × ${OUTSTANDING} outstanding, ${plan.rounds} rounds of ${plan.windowMs} ms`)
}
