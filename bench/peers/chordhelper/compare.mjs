/**
 * `node bench/peers/chordhelper/compare.mjs [--record] [PROGRAM…]`: runs the programs of test/compat/programs on the original and on dist,
 * each in a process of its own, and compares what they write. With `--record`, what the original's write becomes what the tests expect.
 * Where the original is not installed, it is, into a folder that goes away.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TIMEOUT_MS = 120_000
const NOT_PROGRAMS = ['main', 'stage']
const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const programs = at('../../../test/compat/programs/')
const ours = at('../../../dist/compat/chord/index.js')

const transcripts = at('../../../test/compat/transcripts/')
const chosen = process.argv.slice(2).filter((one) => one !== '--record')
const records = process.argv.includes('--record')
const files = readdirSync(programs).filter((file) => file.endsWith('.mjs'))
const all = files.map((file) => file.replace('.mjs', ''))
const names = chosen.length > 0 ? chosen : all.filter((name) => !NOT_PROGRAMS.includes(name))
const home = isInstalled() ? undefined : installed()
let differ = 0
for (const name of names) {
  const [mine, theirs] = await Promise.all([run(ours, name), run(at('./load.cjs'), name)])
  const lines = differences(mine, theirs)
  console.log(`${name}: ${lines.length === 0 ? `the same, ${mine.length} lines` : 'DIFFERENT'}`)
  for (const line of lines) console.log(`  ${line}`)
  if (lines.length > 0) differ++
  if (records) record(name, theirs)
}
if (home !== undefined) rmSync(home, { recursive: true })
process.exitCode = differ === 0 ? 0 : 1

function isInstalled() {
  if (process.env.CHORDHELPER) return true
  try {
    createRequire(import.meta.url).resolve('chordhelper')
    return true
  } catch {
    return false
  }
}

function installed() {
  const folder = mkdtempSync(join(tmpdir(), 'chordhelper-'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const packages = ['chordhelper@1.0.0', 'uuid@8']
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], { cwd: folder })
  process.env.CHORDHELPER = folder
  return folder
}

function run(library, name) {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(programs, 'main.mjs'), library, name],
      { timeout: TIMEOUT_MS },
      (error, out, err) => {
        resolve(error ? [`${error.message} ${err}`] : JSON.parse(out))
      },
    )
  })
}

function record(name, lines) {
  mkdirSync(transcripts, { recursive: true })
  writeFileSync(join(transcripts, `${name}.txt`), lines.map((line) => `${line}\n`).join(''))
}

function differences(mine, theirs) {
  const lines = []
  for (let i = 0; i < Math.max(mine.length, theirs.length); i++) {
    if (mine[i] !== theirs[i]) lines.push(`ours:     ${mine[i]}`, `original: ${theirs[i]}`)
  }
  return lines
}
