/**
 * `npm run bench:paper`: the experiments of section V of the Chord paper, on this library's nodes in its simulator. Writes
 * docs/evaluation.md and docs/plots. Everything but the times is the same in every run of a seed.
 *
 *   --quick        small rings and few look-ups, nothing written: shows that everything runs
 *   --only PART    path, cached, load, failure, churn or stretch; only that part of the page is written
 *   --seed N       instead of 2003; nothing written
 *   --json         the figures as JSON on standard output, nothing written
 *   --no-build     dist/ is fresh
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, versions } from '../lib/machine.mjs'
import { builtModules, SEED } from './lab.mjs'
import { measure, PARTS } from './measure.mjs'
import { writeEvaluation } from './page.mjs'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
const seed = Number(flags.seed ?? SEED)
if (flags.only !== undefined && !PARTS.includes(flags.only))
  refuse(`--only takes ${PARTS.join(', ')}; not ${flags.only}`)
if (!Number.isSafeInteger(seed) || seed < 0) refuse(`--seed takes a whole number; not ${flags.seed}`)

if (!flags['no-build']) build()
const modules = await builtModules()
const { chordite, commit, node } = versions()
const report = { machine: machine(), versions: { chordite, commit, node }, seed, quick: flags.quick, parts: {} }
say(`seed ${seed}`)
for (const part of flags.only === undefined ? PARTS : [flags.only]) {
  report.parts[part] = measure(part, modules, { quick: flags.quick, seed, say })
  say(`${part}: ${(report.parts[part].cpuMs / 1000).toFixed(1)} s of CPU`)
}
if (flags.json) console.log(JSON.stringify(report))
else if (flags.quick || seed !== SEED) say(JSON.stringify(report.parts, rounded, 1))
else writeEvaluation(report)

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
