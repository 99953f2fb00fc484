/**
 * `node bench/experiments/run.mjs`: what was tried on the endpoint's way to the kernel, against what it does: builds C programs and
 * variants of the addon, and measures them in rounds that alternate. About 12 minutes, on a quiet machine.
 *
 *   --only NAMES   some of: uring, second-poll, coalescing, udp (separated by commas)
 *   --rounds N     instead of 9
 *   --quick        one short round: shows that it runs, its figures are no evidence
 *   --docs         writes the figures of docs/experiments.md
 *   --json         the figures as JSON on standard output
 *   --no-build     dist/ is fresh
 */
import { parseArgs } from 'node:util'
import { build } from '../lib/build.mjs'
import { machine, versions } from '../lib/machine.mjs'
import { experiments } from './experiments.mjs'
import { measureGroup } from './lib/measure.mjs'
import { textOf, writeExperiments } from './lib/page.mjs'

const FULL = { rounds: 9, warmupMs: 150, windowMs: 400, bodyBytes: 64 }
const QUICK = { rounds: 1, warmupMs: 30, windowMs: 70, bodyBytes: 64 }

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
const only = flags.only?.split(',')
const unknown = only?.filter((name) => !experiments.some((experiment) => experiment.name === name)) ?? []
if (unknown.length > 0) throw new Error(`there is no experiment '${unknown[0]}'`)
const rounds = Number(flags.rounds ?? 0)
const plan = { ...(flags.quick ? QUICK : FULL), ...(rounds > 0 && { rounds }) }
const say = (line) => process.stderr.write(`${line}\n`)

if (!flags['no-build']) build()
const measured = []
for (const { name, groups } of experiments.filter((experiment) => only?.includes(experiment.name) ?? true)) {
  const done = []
  for (const group of groups) done.push(await measureGroup(group, plan, (line) => say(`${name}, ${line}`)))
  measured.push({ name, groups: done })
}
const report = {
  ...{ plan, quick: flags.quick, date: new Date().toISOString(), machine: machine(), versions: versions() },
  experiments: measured,
}
console.log(flags.json ? JSON.stringify(report) : textOf(report))
if (flags.docs) writeExperiments(report)
