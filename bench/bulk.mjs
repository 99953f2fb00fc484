/**
 * `node bench/bulk.mjs`: look-ups and requests in bulk, of real names, in a ring of nodes with an endpoint each. Every owner is checked
 * against what SHA-1 and the ids of the members say.
 *
 *   --nodes N      of the ring, the caller among them. Default 32
 *   --processes    each other node in a process of its own, instead of all in this one
 *   --transport T  native or tcp
 *   --rounds N     default 9
 *   --docs         writes the section of docs/benchmarks.md
 *   --json         the figures as JSON on standard output
 *   --quick        few names, one round: shows that it runs, its figures are no evidence
 *   --no-build     dist/ is fresh
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, versions } from './lib/machine.mjs'
import { busyBefore } from './lib/watch.mjs'

const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: '32' },
    processes: { type: 'boolean', default: false },
    transport: { type: 'string', default: 'native' },
    rounds: { type: 'string' },
    docs: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})

const before = busyBefore()
if (!flags['no-build']) {
  const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd, stdio: ['ignore', 2, 2] })
}
const { runBulk } = await import('./bulk/measure.mjs')
const { sectionOf, writeBulk } = await import('./bulk/page.mjs')
const names = readFileSync(new URL('../examples/data/package-names.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const report = {
  machine: machine(),
  versions: versions(),
  before,
  transport: flags.transport,
  ...(await runBulk({
    names: flags.quick ? names.filter((_, i) => i % 10 === 0) : names,
    nodes: Number(flags.nodes),
    processes: flags.processes,
    transport: flags.transport,
    rounds: Number(flags.rounds ?? (flags.quick ? 1 : 9)),
    repeats: flags.quick ? 1 : 5,
    say: (text) => process.stderr.write(`${text}\n`),
  })),
}
if (flags.json) console.log(JSON.stringify(report, null, 2))
else if (flags.docs && !flags.quick) writeBulk(report)
else console.log(sectionOf(report))
