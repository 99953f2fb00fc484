/**
 * `node bench/maintenance.mjs`: what upkeep costs a node, in bytes and messages per second, in simulated rings: idle, and while
 * nodes join and crash. The same in every run.
 *
 *   --docs         writes the section of docs/evaluation.md and its plot
 *   --json         the figures as JSON on standard output
 *   --quick        small rings, a few seconds: shows that it runs
 *   --no-build     dist/ is fresh
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, versions } from './lib/machine.mjs'
import { Upkeep } from './maintenance/measure.mjs'
import { sectionOf, writeMaintenance } from './maintenance/page.mjs'

const IDLE_NODES = [8, 16, 64, 256, 1024, 4096]
/** As in the paper, with 1000 nodes: joins, and crashes, per second. */
const RATES = [0.05, 0.1, 0.2, 0.4]
const CHURN_NODES = 1000
/** Half of the nodes are others after so many seconds. */
const HALF_LIVES = [3600, 600, 60]

const { values: flags } = parseArgs({
  options: {
    docs: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})

if (!flags['no-build']) {
  const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd, stdio: ['ignore', 2, 2] })
}
const parts = ['sim/simulation', 'sim/placement', 'sim/random', 'sim/cost', 'core/id']
const modules = Object.assign({}, ...(await Promise.all(parts.map((name) => import(`../dist/${name}.js`)))))
const { UPKEEP_IDLE_BYTES_PER_S: idleBudget, UPKEEP_CHURN_BYTES_PER_S: churnBudget } = await import(
  '../dist/core/config.js'
)

const churnNodes = flags.quick ? 50 : CHURN_NODES
const report = {
  machine: machine(),
  versions: versions(),
  budgets: { idle: idleBudget, churn: churnBudget },
  idle: IDLE_NODES.filter((nodes) => !flags.quick || nodes < 100).map((nodes) => row({ nodes })),
  rates: RATES.map((rate) => row({ nodes: churnNodes, rate })),
  halfLives: HALF_LIVES.map((halfLife) => row({ nodes: churnNodes, halfLife })),
}
if (flags.json) console.log(JSON.stringify(report))
else if (flags.docs && !flags.quick) writeMaintenance(report)
else console.log(sectionOf(report))

function row(conditions) {
  const startMs = performance.now()
  const seconds = conditions.nodes > 2000 ? 30 : 60
  const costs = new Upkeep(modules, conditions).measure(flags.quick ? 5 : 30, flags.quick ? 10 : seconds)
  process.stderr.write(`${JSON.stringify(conditions)}: ${((performance.now() - startMs) / 1000).toFixed(1)} s\n`)
  return { ...conditions, costs }
}
