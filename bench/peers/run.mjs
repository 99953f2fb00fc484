/**
 * `npm run bench:peers`: installs what chordite is compared with into bench/peers/node_modules, builds dist/, measures, prints.
 * Everything listens on loopback only. The exit code is 0 whatever the figures.
 *
 *   --only PART        hop, rings or names
 *   --contestant TEXT  only those whose name contains it
 *   --nodes N          only rings of 8, 32 or 128 nodes
 *   --place PLACE      only rings apart (a process for each node) or together (one process)
 *   --rounds N         instead of 9 (hop, names) and 6 (rings)
 *   --quick            about a minute: shows that everything runs, its figures are no evidence
 *   --json             one JSON document on standard output instead of tables
 *   --docs             also writes docs/benchmarks.md and docs/plots from the figures; takes a whole run
 *   --from FILE        measures nothing: writes docs/benchmarks.md and docs/plots from the --json of a run
 *   --no-build         dist/ is fresh
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, versions } from '../lib/machine.mjs'
import { busyBefore } from '../lib/watch.mjs'
import { judgePeers } from './gates.mjs'
import { peerVersions } from './install.mjs'

const PARTS = {
  hop: async (plan) => (await import('./hop/measure.mjs')).measureHop(plan),
  rings: async (plan) => (await import('./rings/measure.mjs')).measureRings(plan),
  names: async (plan) => (await import('./names/measure.mjs')).measureNames(plan),
}

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    contestant: { type: 'string' },
    nodes: { type: 'string' },
    place: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    from: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
  },
})
const { only, contestant, place } = flags
const isPart = only !== undefined || contestant !== undefined || place !== undefined || flags.nodes !== undefined
if (only !== undefined && PARTS[only] === undefined)
  refuse(`--only takes ${Object.keys(PARTS).join(', ')}; not ${only}`)
if (flags.docs && isPart) refuse('--docs takes a whole run')

// Workers end with us, however we end.
process.once('SIGTERM', () => process.exit(143))
process.once('SIGINT', () => process.exit(130))
if (flags.from === undefined) await measure()
else await writeDocs(JSON.parse(readFileSync(flags.from, 'utf8')))
process.exit()

async function measure() {
  const before = busyBefore()
  const peers = peerVersions()
  if (!flags['no-build']) build()
  const { 'uWebSockets.js': _, ...own } = versions()
  const report = {
    machine: machine(),
    versions: { ...own, ...peers },
    date: new Date().toISOString(),
    quick: flags.quick,
    before,
  }
  const numbers = {
    rounds: Number(flags.rounds ?? 0),
    nodes: flags.nodes === undefined ? undefined : Number(flags.nodes),
  }
  const plan = { quick: flags.quick, only: contestant, place, ...numbers, say }
  for (const [part, run] of Object.entries(PARTS)) {
    if (only !== undefined && only !== part) continue
    const startMs = performance.now()
    report[part] = await run(plan)
    report[part].seconds = Math.round((performance.now() - startMs) / 1000)
  }
  report.gates = judgePeers(report)
  say('')
  if (flags.docs) await writeDocs(report)
  console.log(flags.json ? JSON.stringify(report, null, 2) : (await import('./report/print.mjs')).printPeers(report))
}

async function writeDocs(report) {
  const { writePage } = await import('../report/docs.mjs')
  const { sectionsOf } = await import('./report/markdown.mjs')
  const { plotsOf } = await import('./report/plots.mjs')
  const page = new URL('../../docs/benchmarks.md', import.meta.url)
  writePage(page, sectionsOf(report), plotsOf(report), 'npm run bench:peers -- --docs')
}

function build() {
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
  execFileSync(process.execPath, tsc, { cwd, stdio: ['ignore', 2, 2] })
}

function say(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

function refuse(text) {
  console.error(text)
  process.exit(1)
}
