/**
 * What a message allocates, alone: `node bench/allocation.mjs [--quick] [--json]`. Needs a built `dist/`.
 * The exit code is 1 if the receive path allocates.
 */
import { parseArgs } from 'node:util'
import { runAllocation } from './allocation/measure.mjs'
import { judge } from './gates.mjs'
import { printAllocation, printGates } from './report/print.mjs'

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const allocation = await runAllocation(flags)
const gates = judge({ allocation })
if (flags.json) console.log(JSON.stringify({ allocation, gates }, null, 2))
else console.log(`${printAllocation(allocation)}\n\n${printGates(gates)}`)
if (gates.some((gate) => gate.result === 'fail')) process.exitCode = 1
