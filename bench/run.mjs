/**
 * `npm run bench`: builds, measures, prints tables and gates. The exit code is 0 whatever the figures.
 *
 *   --json             one JSON document on standard output instead of tables
 *   --quick            few, short rounds: shows that everything runs, its figures are no evidence
 *   --only PART        micro, echo, requests or allocation
 *   --against NAME     only the echo, of us and of one other: node:net, uWebSockets.js, 'C epoll', 'chordite tcp' …
 *   --rounds N         of echo and requests, instead of 9
 *   --docs             also writes docs/benchmarks.md and docs/plots from the figures
 *   --no-build         dist/ is fresh
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { contestants, OURS } from './echo/contestants.mjs'
import { machine, versions } from './lib/machine.mjs'
import { busyBefore, watchMachine } from './lib/watch.mjs'

const PARTS = ['micro', 'echo', 'requests', 'allocation']

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    against: { type: 'string' },
    rounds: { type: 'string' },
    docs: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})
const against = opponent(flags.against)
if (flags.only !== undefined && !PARTS.includes(flags.only))
  refuse(`--only takes ${PARTS.join(', ')}; not ${flags.only}`)
if (flags.docs && (flags.only ?? against) !== undefined) refuse('--docs takes a whole run')

/** Before we build: that keeps the machine busy itself. */
const before = busyBefore()
// Servers end with us, however we end.
process.once('SIGTERM', () => process.exit(143))
process.once('SIGINT', () => process.exit(130))
const plan = { quick: flags.quick, rounds: Number(flags.rounds ?? 0), say }
if (!flags['no-build']) build()
if (against === undefined) await everything()
else await duel()

/** The parts after each other: each has the machine for itself. */
async function everything() {
  const wanted = (part) => flags.only === undefined || flags.only === part
  const report = {
    machine: machine(),
    versions: versions(),
    date: new Date().toISOString(),
    quick: flags.quick,
    before,
    missing: [],
  }
  const parts = {
    micro: async () => {
      const watched = watchMachine()
      return { ...(await (await import('./micro.mjs')).runMicro(plan)), machine: watched(0) }
    },
    echo: async () => (await import('./echo/measure.mjs')).runEcho(plan),
    requests: async () => (await import('./request/measure.mjs')).runRequests(plan),
    allocation: async () => (await import('./allocation/measure.mjs')).runAllocation(plan),
  }
  for (const part of PARTS.filter(wanted)) {
    try {
      report[part] = await parts[part]()
    } catch (error) {
      report.missing.push({ contestant: part, reason: error.message })
    }
  }
  report.gates = (await import('./gates.mjs')).judge(report)
  say('')
  if (flags.docs) await (await import('./report/docs.mjs')).writeDocs(report)
  await output(report, async () => (await import('./report/print.mjs')).print(report))
}

async function duel() {
  const echo = await (await import('./echo/measure.mjs')).runEcho({ ...plan, only: [OURS, against] })
  say('')
  await output({ machine: machine(), versions: versions(), echo }, async () =>
    (await import('./report/print.mjs')).printAgainst(echo, against),
  )
}

async function output(report, text) {
  console.log(flags.json ? JSON.stringify(report, null, 2) : await text())
}

/** The contestant whose name begins like that; `node:net` is its best case. */
function opponent(name) {
  if (name === undefined) return undefined
  const others = contestants.map((contestant) => contestant.name).filter((other) => other !== OURS)
  const found = others.find((other) => other.toLowerCase().startsWith(name.toLowerCase()))
  return found ?? refuse(`--against takes one of: ${others.join(', ')}; not ${name}`)
}

function refuse(text) {
  console.error(text)
  process.exit(1)
}

function say(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

function build() {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
  execFileSync(process.execPath, tsc, { cwd, stdio: ['ignore', 2, 2] })
}
