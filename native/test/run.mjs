/** Builds the C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer and runs them. Exit code 0 if all pass. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const compiler = process.env.CXX ?? 'c++'
const flags = [
  ...['-std=c++20', '-O1', '-g', '-fno-exceptions', '-Wall', '-Wextra', '-Werror', '-Wno-error=maybe-uninitialized'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
]
const tests = {
  framing_test: [],
  ring_test: [],
  id160_test: [],
  sha1_test: ['sha1_batch.cc'],
}

const folder = mkdtempSync(join(tmpdir(), 'chordite-native-test-'))
let failed = 0
for (const [name, sources] of Object.entries(tests)) {
  const program = join(folder, name)
  const files = [join(here, `${name}.cc`), ...sources.map((source) => join(here, '..', source))]
  const built = spawnSync(compiler, [...flags, ...files, '-o', program], { stdio: 'inherit' })
  const passed = built.status === 0 && spawnSync(program, { stdio: 'inherit' }).status === 0
  if (!passed) failed++
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name}`)
}
rmSync(folder, { recursive: true })
process.exit(failed === 0 ? 0 : 1)
