/**
 * `npm run bench:paper`: the experiments of section V of the Chord paper, on this library's nodes in its simulator. Writes
 * docs/evaluation.md and docs/plots. Everything but the times is the same in every run of a seed.
 *
 *   --quick        small rings and few look-ups, nothing written: shows that everything runs
 *   --only PART    path, cached, load, failure, churn or stretch; only that part of the page is written
 *   --jobs N       processes for the rows of churn, which take minutes each; one for each core unless said
 *   --row WAY@RATE one row of churn, with --only churn; its figures go to standard output, nothing written
 *   --seed N       instead of 2003; nothing written
 *   --json         the figures as JSON on standard output, nothing written
 *   --no-build     dist/ is fresh
 */
import { execFile, execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { machine, versions } from '../lib/machine.mjs'
import { churnRows } from './churn.mjs'
import { builtModules, SEED } from './lab.mjs'
import { measure, PARTS } from './measure.mjs'
import { writeEvaluation } from './page.mjs'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    row: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
const seed = Number(flags.seed ?? SEED)
const jobs = Number(flags.jobs)
if (flags.only !== undefined && !PARTS.includes(flags.only))
  refuse(`--only takes ${PARTS.join(', ')}; not ${flags.only}`)
if (flags.row !== undefined && (flags.only !== 'churn' || !churnRows(flags.quick).includes(flags.row)))
  refuse(`--row goes with --only churn and takes ${churnRows(flags.quick).join(', ')}; not ${flags.row}`)
if (!Number.isSafeInteger(jobs) || jobs < 1) refuse(`--jobs takes a whole number from 1 on; not ${flags.jobs}`)
if (!Number.isSafeInteger(seed) || seed < 0) refuse(`--seed takes a whole number; not ${flags.seed}`)

if (!flags['no-build']) build()
const modules = await builtModules()
const { chordite, commit, node } = versions()
const report = { machine: machine(), versions: { chordite, commit, node }, seed, quick: flags.quick, parts: {} }
say(`seed ${seed}`)
for (const part of flags.only === undefined ? PARTS : [flags.only]) {
  report.parts[part] = await measured(part)
  say(`${part}: ${(report.parts[part].cpuMs / 1000).toFixed(1)} s of CPU`)
}
if (flags.json || flags.row !== undefined) console.log(JSON.stringify(report))
else if (flags.quick || seed !== SEED) say(JSON.stringify(report.parts, rounded, 1))
else writeEvaluation(report)

async function measured(part) {
  const { quick, row } = flags
  if (part !== 'churn' || row !== undefined) {
    return measure(part, modules, { quick, seed, say, ...(row === undefined ? {} : { rows: [row] }) })
  }
  const waiting = churnRows(quick)
  const parts = new Map()
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) parts.set(next, await rowApart(next))
  }
  await Promise.all(Array.from({ length: jobs }, work))
  const inOrder = churnRows(quick).map((name) => parts.get(name))
  const cpuMs = inOrder.reduce((sum, each) => sum + each.cpuMs, 0)
  return { ...inOrder[0], rows: inOrder.flatMap(({ rows }) => rows), cpuMs }
}

/** A row of churn, in a process of its own. */
async function rowApart(row) {
  const args = [
    '--only',
    'churn',
    '--row',
    row,
    '--seed',
    String(seed),
    '--no-build',
    ...(flags.quick ? ['--quick'] : []),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), ...args])
  say(`churn: ${row} done`)
  return JSON.parse(stdout).parts.churn
}

function build() {
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd, stdio: ['ignore', 2, 2] })
}

function rounded(_, value) {
  return typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function refuse(why) {
  say(why)
  process.exit(1)
}
