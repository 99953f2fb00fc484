/**
 * Builds the fuzz targets and runs them, one after the other; `npm run fuzz`. Exit code 0 if nothing was found.
 *
 *   --target NAME   only this one; may be given several times
 *   --runs N        inputs for each target, after the corpus. Default 200,000
 *   --folder DIR    keeps programs and new corpora there, so that a later run goes on where this one ended
 *   --merge         at the end takes into the committed corpus what reaches more code than it, minimised
 *
 * An input that fails is left in the folder; `COMMAND FILE`, as printed, runs it alone.
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildNative, buildScript } from './fuzz-build.mjs'
import { NATIVE_TARGETS, SCRIPT_TARGETS } from './fuzz-targets.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const TARGETS = [
  ...NATIVE_TARGETS.map((target) => ({ ...target, home: join(root, 'native', 'fuzz'), build: buildNative })),
  ...SCRIPT_TARGETS.map((target) => ({ ...target, home: join(root, 'test', 'fuzz'), build: buildScript })),
]
const { values: options } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: TARGETS.map(({ name }) => name) },
    runs: { type: 'string', default: '200000' },
    folder: { type: 'string' },
    merge: { type: 'boolean', default: false },
  },
})
const unknown = options.target.filter((name) => !TARGETS.some((target) => target.name === name))
if (unknown.length > 0) throw new Error(`no such target: ${unknown}; there are ${TARGETS.map(({ name }) => name)}`)

const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'chordite-fuzz-'))
const results = TARGETS.filter(({ name }) => options.target.includes(name)).map(fuzz)
console.log(`\n${['target', 'inputs', 'seconds', 'coverage', 'corpus', 'MiB', 'heap', 'result'].join('\t')}`)
for (const result of results) console.log(Object.values(result).join('\t'))
const failed = results.filter(({ result }) => result !== 'ok').length
const counts = { passed: results.length - failed, failed, skipped: 0 }
if (process.env.CHORDITE_CHECK_REPORT) writeFileSync(process.env.CHORDITE_CHECK_REPORT, JSON.stringify(counts))
console.log(`${counts.passed} passed, ${counts.failed} failed`)
if (failed > 0) process.exitCode = 1
if (failed === 0 && options.folder === undefined) rmSync(folder, { recursive: true })

function fuzz(target) {
  const to = join(folder, target.name)
  const found = join(to, 'found')
  const seeds = join(to, 'seeds')
  const kept = join(target.home, 'corpus', target.name)
  for (const made of [found, seeds, kept]) mkdirSync(made, { recursive: true })
  const { command, args } = target.build(root, target, target.build === buildScript ? folder : to)
  writeSeeds(target, seeds)
  const dictionary = join(target.home, `${target.name}.dict`)
  const more = existsSync(dictionary) ? [`-dict=${dictionary}`] : []
  const limits = ['-rss_limit_mb=2048', '-timeout=20', `-max_len=${target.bytes}`, `-artifact_prefix=${to}/`]
  const run = ['-print_final_stats=1', '-reload=0', `-runs=${options.runs}`, ...limits, ...more]
  const startedMs = performance.now()
  const { status, output } = start(command, [...args, ...run, found, kept, seeds])
  writeFileSync(join(to, 'log'), output)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
  const result = summary(target.name, output, seconds, status)
  console.log(`${result.result === 'ok' ? 'ok  ' : 'FAIL'} ${target.name}: ${result.inputs} inputs in ${seconds} s`)
  if (status !== 0) console.log(`${tail(output)}\n${[command, ...args, 'FILE'].join(' ')}`)
  else if (options.merge) merge(command, args, kept, [found, kept, seeds])
  return result
}

function start(command, args) {
  // A small quarantine, so that memory which grows is the target's own.
  const ASAN_OPTIONS =
    'quarantine_size_mb=8:malloc_context_size=10:detect_stack_use_after_return=1:allocator_may_return_null=1'
  const env = { ...process.env, ASAN_OPTIONS, UBSAN_OPTIONS: 'print_stacktrace=1' }
  const { status, stderr } = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env,
    maxBuffer: 1 << 30,
  })
  return { status, output: stderr }
}

/** Coverage counts edges (C++) or counters (TypeScript); memory is what the process held at first and at most. */
function summary(target, output, seconds, status) {
  const number = (pattern) => Number(pattern.exec(output)?.[1] ?? 0)
  const inputs = number(/number_of_executed_units:\s*(\d+)/)
  const coverage = [...output.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? '0'
  const corpus = [...output.matchAll(/corp: (\d+)/g)].at(-1)?.[1] ?? '0'
  const resident = `${number(/INITED.*rss: (\d+)Mb/)}-${number(/peak_rss_mb:\s*(\d+)/)}`
  const heaps = [...output.matchAll(/^HEAP \d+ ([\d.]+) MiB/gm)].map((match) => match[1])
  const heap = heaps.length > 0 ? `${heaps[0]}-${heaps.at(-1)}` : 'none'
  return { target, inputs, seconds, coverage, corpus, resident, heap, result: status === 0 ? 'ok' : 'FAIL' }
}

/** The frames of the test vectors, as inputs, and what the target itself begins with. */
function writeSeeds({ vectors = [], prefix = [], inputs = [] }, to) {
  inputs.forEach((input, index) => {
    writeFileSync(join(to, `input-${index}`), input)
  })
  for (const file of vectors) {
    const { vectors: entries } = JSON.parse(readFileSync(join(root, 'test', 'vectors', file), 'utf8'))
    entries.forEach(({ frame }, index) => {
      writeFileSync(join(to, `${file}-${index}`), Buffer.concat([Buffer.from(prefix), Buffer.from(frame, 'hex')]))
    })
  }
}

/** The smallest set of inputs that reaches as many places, however often each, takes the place of the committed corpus. */
function merge(command, args, kept, from) {
  const fresh = `${kept}.new`
  mkdirSync(fresh, { recursive: true })
  const { status, output } = start(command, [...args, '-merge=1', '-use_counters=0', fresh, ...from])
  if (status !== 0) throw new Error(`merging failed\n${tail(output)}`)
  rmSync(kept, { recursive: true })
  renameSync(fresh, kept)
  console.log(`     ${readdirSync(kept).length} inputs kept in ${kept}`)
}

function tail(output) {
  return output.split('\n').slice(-40).join('\n')
}
