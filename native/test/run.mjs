/**
 * Builds the C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer, those with threads with ThreadSanitizer too, and
 * runs them. Exit code 0 if all pass.
 *
 *   node native/test/run.mjs [--cxx=COMPILER] [--sanitize=undefined] [--run='qemu-aarch64 -L …'] [NAME…]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { asBsd } from './as_bsd.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const POLLER = ['connection.cc', 'poller_epoll.cc']
const BSD_POLLER = ['connection.cc', ...asBsd.sources]
const ENDPOINT = readdirSync(dirname(here)).filter((file) => /^endpoint.*\.cc$/.test(file))
const SHA1 = readdirSync(dirname(here)).filter((file) => /^sha1.*\.cc$/.test(file))

/** Those with `bsd` run over kqueue and a BSD's sockets; those with `threads` with ThreadSanitizer too. */
const tests = [
  { name: 'framing_test', sources: [] },
  { name: 'ring_test', sources: [] },
  { name: 'id160_test', sources: [] },
  { name: 'sha1_test', sources: SHA1 },
  { name: 'arc_table_test', sources: SHA1 },
  { name: 'closest_test', sources: ['closest_preceding.cc', 'closest_avx512.cc'] },
  { name: 'poller_test', sources: POLLER },
  { name: 'poller_test', sources: BSD_POLLER, bsd: true },
  { name: 'fake_kqueue_test', sources: BSD_POLLER, bsd: true },
  { name: 'ready_list_test', sources: POLLER },
  { name: 'endpoint_test', sources: [...POLLER, ...ENDPOINT] },
  { name: 'endpoint_test', sources: [...BSD_POLLER, ...ENDPOINT], bsd: true },
  { name: 'endpoint_churn_test', sources: [...POLLER, ...ENDPOINT] },
  { name: 'output_queue_test', sources: [...POLLER, ...ENDPOINT] },
  { name: 'output_queue_test', sources: [...BSD_POLLER, ...ENDPOINT], bsd: true },
  { name: 'forward_test', sources: [...POLLER, ...ENDPOINT] },
  { name: 'forward_test', sources: [...BSD_POLLER, ...ENDPOINT], bsd: true },
  { name: 'allocation_test', sources: [...POLLER, ...ENDPOINT] },
  { name: 'endpoint_churn_test', sources: [...BSD_POLLER, ...ENDPOINT], bsd: true },
  { name: 'threads_test', sources: [...POLLER, ...ENDPOINT, ...SHA1] },
  { name: 'threads_test', sources: [...POLLER, ...ENDPOINT, ...SHA1], threads: true },
]

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    cxx: { type: 'string', default: process.env.CXX ?? 'c++' },
    sanitize: { type: 'string', default: 'address,undefined' },
    run: { type: 'string', default: '' },
  },
})
const flags = [
  ...['-std=c++20', '-O1', '-g', '-fno-exceptions', '-Wall', '-Wextra', '-Werror', '-Wno-error=maybe-uninitialized'],
  ...['-Wno-unknown-warning-option', '-fno-sanitize-recover=all'],
]
const runner = options.run.split(' ').filter(Boolean)

const folder = mkdtempSync(join(tmpdir(), 'chordite-native-test-'))
let failed = 0
for (const { name, sources, bsd, threads } of tests) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  // ThreadSanitizer does not run under an emulator.
  if (threads && runner.length > 0) continue
  const program = join(folder, `${name}${bsd ? '_bsd' : ''}${threads ? '_threads' : ''}`)
  const files = [join(here, `${name}.cc`), ...sources.map((source) => join(here, '..', source))]
  const system = bsd ? [...asBsd.compile, ...asBsd.link] : []
  const sanitize = `-fsanitize=${threads ? 'thread' : options.sanitize}`
  const built = spawnSync(options.cxx, [...flags, sanitize, ...system, ...files, '-o', program], { stdio: 'inherit' })
  const [command, ...args] = [...runner, program]
  const passed = built.status === 0 && spawnSync(command, args, { stdio: 'inherit' }).status === 0
  if (!passed) failed++
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name}${bsd ? ' (kqueue)' : ''}${threads ? ' (ThreadSanitizer)' : ''}`)
}
rmSync(folder, { recursive: true })
process.exit(failed === 0 ? 0 : 1)
