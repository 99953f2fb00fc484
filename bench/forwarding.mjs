/**
 * `node bench/forwarding.mjs`: what it costs to pass a frame on: a C relay, the native endpoint and its twin, between the same source and
 * the same sinks, in rounds that alternate.
 *
 *   --json         the figures as JSON on standard output
 *   --quick        one short round: shows that it runs, its figures are no evidence
 *   --rounds N     instead of 9
 *   --docs         writes the section of docs/benchmarks.md
 *   --no-build     dist/ is fresh
 */
import { parseArgs } from 'node:util'
import { runForwarding } from './forwarding/measure.mjs'
import { sectionOf, writeForwarding } from './forwarding/page.mjs'
import { build } from './lib/build.mjs'
import { machine, versions } from './lib/machine.mjs'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    docs: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!flags['no-build']) build()
const say = (line) => process.stderr.write(`${line}\n`)
const measured = await runForwarding({ quick: flags.quick, rounds: Number(flags.rounds ?? 0), say })
const report = {
  machine: machine(),
  versions: versions(),
  date: new Date().toISOString(),
  quick: flags.quick,
  ...{ forwarding: measured },
}
if (flags.json) console.log(JSON.stringify(report))
else console.log(sectionOf(report))
if (flags.docs) writeForwarding(report)
