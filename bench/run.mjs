/**
 * `npm run bench`: builds, measures, prints tables. Nothing is saved, and the exit code is 0 whatever the figures.
 *
 *   --json            one JSON document on standard output instead of tables
 *   --quick           few, short rounds: shows that everything runs, its figures are no evidence
 *   --only micro|echo
 *   --rounds N        of the echo, instead of 9
 *   --no-build        dist/ is fresh
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from './lib/machine.mjs'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
  },
})

const parts = ['micro', 'echo']
if (flags.only !== undefined && !parts.includes(flags.only)) {
  console.error(`--only takes ${parts.join(' or ')}, not ${flags.only}`)
  process.exit(1)
}
const wanted = (part) => flags.only === undefined || flags.only === part
const say = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`)

if (!flags['no-build']) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
}

const report = { machine: machine(), quick: flags.quick }
if (wanted('micro')) {
  const { runMicro } = await import('./micro.mjs')
  report.micro = await runMicro({ quick: flags.quick, say })
}
if (wanted('echo')) {
  const { runEcho } = await import('./echo/run.mjs')
  report.echo = await runEcho({ quick: flags.quick, rounds: Number(flags.rounds ?? 0), say })
}
say('')

if (flags.json) {
  console.log(JSON.stringify(report, null, 2))
} else {
  const { print } = await import('./lib/print.mjs')
  console.log(print(report))
}
