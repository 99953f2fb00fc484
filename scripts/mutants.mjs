/**
 * `npm run mutants`: switches off one rule of the protocol after another, in a copy of the compiled library, and counts how
 * many simulated lives it takes until an oracle objects; whoever survives that meets the model of single steps (`chordite
 * check refinement`). Fails if a mutant survives both, or if the library itself fails at the seed that caught one. `--only a,b`, `--seeds n` and `--seconds n` (for each), `--from n`; `--docs` writes docs/evaluation.md.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { importTypeScript } from '../bench/lib/typescript.mjs'
import { writePage } from '../bench/report/docs.mjs'
import { check, finish } from './lib/checks.mjs'
import { root } from './lib/copy.mjs'
import { mutant } from './lib/mutant.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '2' },
    docs: { type: 'boolean', default: false },
  },
})
const PAGE = new URL('../docs/evaluation.md', import.meta.url)
const from = Number(values.from)
const { MUTANTS } = await importTypeScript('../test/mutants/mutants')
const only = values.only?.split(',')
const queue = MUTANTS.filter(({ name }) => only === undefined || only.includes(name))
const rows = []

await Promise.all(Array.from({ length: Number(values.jobs) }, work))
if (values.docs) writePage(PAGE, { mutants: table() }, [], 'npm run mutants -- --docs')
finish()

async function work() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { name, rule, scenario, edits } = next
    await check(`${name}: ${rule}`, async () => {
      const folder = mutant(name, edits)
      const found = await hunt(folder, from, from + Number(values.seeds) - 1)
      const index = MUTANTS.indexOf(next)
      if (found.oracle === undefined) {
        if (await isRefinement(folder)) throw new Error(`not caught by ${found.seeds} seeds, nor by the model of steps`)
        rows.push({ index, rule, scenario, seeds: `not by ${found.seeds}`, oracle: 'the model of steps' })
        return
      }
      rows.push({ index, rule, scenario, ...found })
      console.log(`       caught after ${found.seeds} seeds (seed ${found.seed}), ${found.oracle}: ${found.text}`)
      const sound = await hunt(root, found.seed, found.seed)
      if (sound.oracle !== undefined) throw new Error(`seed ${found.seed} fails without any change: ${sound.text}`)
    })
  }
}

async function hunt(folder, first, last) {
  const args = [join(root, 'scripts/lib/hunt.mjs'), folder, `${first}`, `${last}`, values.seconds]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

/** Whether each step of its cores is still one of the model. */
async function isRefinement(folder) {
  const args = [join(folder, 'dist/cli/main.js'), 'check', 'refinement']
  return promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 }).then(
    () => true,
    () => false,
  )
}

function table() {
  const head = ['| rule switched off | seeds until caught | by | scenario |', '|---|---|---|---|']
  rows.sort((a, b) => a.index - b.index)
  const scenarioOf = (name) => (name === undefined ? '–' : `[${name}](../test/scenarios/${name}.txt)`)
  const line = ({ rule, seeds, oracle, scenario }) => `| ${rule} | ${seeds} | ${oracle} | ${scenarioOf(scenario)} |`
  return [...head, ...rows.map(line)].join('\n')
}
