/**
 * Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer, loads it into Node.js and runs the tests of transports
 * and addon (or those named as arguments) with it, borrowed memory poisoned; `npm run sanitize`. Fails on any report, also on
 * memory that the addon leaked. `node native/test/run.mjs` is the same for the C++ tests.
 *
 * The sanitizers are clang's: what GCC's UndefinedBehaviorSanitizer says goes to no log, and what a dying worker of vitest
 * prints is lost.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import addonApi from 'node-addon-api'
import { nodeHeaders } from './lib/headers.mjs'

// clang's, because GCC's UndefinedBehaviorSanitizer writes to no log, and what a dying worker of vitest prints is lost.
const compiler = process.env.CLANGXX ?? 'clang++'
const SANITIZERS = ['-fsanitize=address,undefined', '-shared-libasan', '-fno-sanitize-recover=all']
const FLAGS = [
  ...['-std=c++20', '-O1', '-g', '-fPIC', '-shared', '-fno-exceptions', '-fno-rtti', '-fno-omit-frame-pointer'],
  ...['-Wall', '-Wextra', '-fvisibility=hidden', '-DNAPI_VERSION=8', '-DNAPI_DISABLE_CPP_EXCEPTIONS'],
  ...['-isystem', addonApi.include.replaceAll('"', ''), '-isystem', nodeHeaders()],
]
/** Those that load it; asking for leaks costs seconds a file. */
const TESTS = ['native', 'differential', 'process'].map((name) => `test/transports/${name}.test.ts`)
const tests = process.argv.length > 2 ? process.argv.slice(2) : [...TESTS, 'test/native']
const folder = mkdtempSync(join(tmpdir(), 'chordite-sanitize-'))
const reports = join(folder, 'reports')
mkdirSync(reports)
try {
  const sources = readdirSync('native').filter((name) => name.endsWith('.cc'))
  const addon = build(
    'chordite',
    sources.map((name) => join('native', name)),
  )
  const leakCheck = build('leak_check', [join('test', 'native', 'leak_check.cc')])
  const failed = !run(addon, leakCheck)
  const found = findings()
  for (const text of found) console.log(text)
  console.log(`${found.length} findings of the sanitizers, the tests ${failed ? 'failed' : 'passed'}`)
  process.exitCode = failed || found.length > 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}

function build(name, files) {
  const addon = join(folder, `${name}.node`)
  const { status } = spawnSync(compiler, [...FLAGS, ...SANITIZERS, ...files, '-o', addon], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${name} does not build with ${compiler} and its sanitizers`)
  return addon
}

/** Whether the tests passed. */
function run(addon, leakCheck) {
  const library = `-print-file-name=libclang_rt.asan-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so`
  const runtime = spawnSync(compiler, [library], { encoding: 'utf8' }).stdout.trim()
  const log = `log_path=${join(reports, 'report')}`
  const env = {
    ...process.env,
    LD_PRELOAD: runtime,
    ASAN_OPTIONS: `${log}:detect_leaks=1:detect_stack_use_after_return=1:quarantine_size_mb=64`,
    // Node.js leaves memory behind when it exits; what of the leaks is ours is sorted out below.
    LSAN_OPTIONS: 'exitcode=0:print_suppressions=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    CHORDITE_ADDON: addon,
    CHORDITE_LEAK_CHECK: leakCheck,
    CHORDITE_REQUIRE_NATIVE: '1',
    CHORDITE_POISON: '1',
  }
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', '--project', 'units', '--testTimeout=120000', '--hookTimeout=120000', ...tests]
  return spawnSync(process.execPath, args, { stdio: 'inherit', env }).status === 0
}

/** Of leaks those that our code allocated, of everything else all. */
function findings() {
  return readdirSync(reports).flatMap((name) => {
    const text = readFileSync(join(reports, name), 'utf8')
    if (!text.includes('LeakSanitizer')) return [text]
    return text.split('\n\n').filter((block) => /leak of .*\n.*\n +#1 .* in (chordite::|\S+ native\/)/.test(block))
  })
}
