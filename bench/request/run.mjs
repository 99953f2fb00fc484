/**
 * `requestTo` alone, without the rest of the benchmark; needs a built `dist/`.
 *
 *   node bench/request/run.mjs [--quick] [--rounds 9] [--window MS] [--only callbacks] [--transport tcp] [--json]
 */
import { parseArgs } from 'node:util'
import { printRequests } from '../report/print.mjs'
import { runRequests } from './measure.mjs'

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
const result = await runRequests({
  quick: flags.quick,
  rounds: Number(flags.rounds ?? 0),
  windowMs: Number(flags.window ?? 0),
  only: flags.only,
  transport: flags.transport,
})
if (flags.json) console.log(JSON.stringify(result, null, 2))
else console.log(printRequests(result).join('\n\n'))
