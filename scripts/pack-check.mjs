/**
 * Packs the package and uses the tarballs as users would: installed in empty folders, with and without install scripts, with
 * and without a prebuilt binary, with and without a compiler. `npm run test:package`; needs build/Release (`npm ci`).
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectedFiles, glibcNeeded, pack, withPrebuilt } from './pack-check/pack.mjs'
import { equal, run, which } from './pack-check/run.mjs'
import { installed } from './pack-check/use.mjs'

const GLIBC_MINOR_MAX = 28

const folder = mkdtempSync(join(tmpdir(), 'chordite-pack-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const counts = { passed: 0, failed: 0, skipped: 0 }

const source = pack(process.cwd(), folder, 'source')
const prebuilt = withPrebuilt(source, folder)

await check('the tarballs hold exactly what they should', () => {
  equal(source.files, expectedFiles())
  equal(prebuilt.files, expectedFiles(prebuilt.binary))
})
await check(`the binary needs no symbol of glibc above 2.${GLIBC_MINOR_MAX}`, () => {
  const needed = glibcNeeded(prebuilt.addon)
  if (needed && Number(needed.split('.')[1]) > GLIBC_MINOR_MAX) throw new Error(`it needs ${needed}`)
})

await consumer('prebuilt', prebuilt, [], {}, async (use) => {
  equal(use.compiled, false)
  await use.all('native')
})
await consumer('prebuilt, --ignore-scripts', prebuilt, ['--ignore-scripts'], {}, (use) => use.all('native'))
await consumer('source, the install script builds', source, [], {}, async (use) => {
  equal(use.compiled, true)
  await use.all('native')
})
await consumer('source, --ignore-scripts, built by hand', source, ['--ignore-scripts'], {}, (use) => {
  use.doctor('tcp')
  use.build()
  use.doctor('native')
})
await consumer('source, no compiler', source, ['--foreground-scripts'], withoutCompiler(), async (use) => {
  equal(use.lines.filter((line) => line.startsWith('chordite:')).length, 1)
  await use.all('tcp')
})
await check('source, no compiler, CHORDITE_REQUIRE_NATIVE=1: the install fails', () => {
  const env = { ...withoutCompiler(), CHORDITE_REQUIRE_NATIVE: '1' }
  const { status } = run('npm', ['install', source.path], { cwd: empty('required'), env })
  if (status === 0) throw new Error('npm install succeeded')
})

if (process.env.CHORDITE_CHECK_REPORT) writeFileSync(process.env.CHORDITE_CHECK_REPORT, JSON.stringify(counts))
console.log(`${counts.passed} passed, ${counts.failed} failed`)
if (counts.failed > 0) process.exitCode = 1

/** Installs a tarball in an empty folder and looks at the result. */
async function consumer(name, tarball, flags, env, look) {
  await check(name, async () => {
    const cwd = empty(name.replace(/\W+/g, '-'))
    const { output } = run('npm', ['install', ...flags, tarball.path], { cwd, env, mustSucceed: true })
    await look(installed(cwd, output))
  })
}

function empty(name) {
  const cwd = join(folder, name)
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), '{ "private": true }\n')
  return cwd
}

/** A PATH with node, npm and a shell, and nothing else; and no compiler by name. */
function withoutCompiler() {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  for (const tool of ['node', 'npm', 'npx', 'sh']) {
    rmSync(join(bin, tool), { force: true })
    symlinkSync(which(tool), join(bin, tool))
  }
  return { PATH: bin, CC: '/nonexistent', CXX: '/nonexistent' }
}

async function check(name, fn) {
  const startedMs = performance.now()
  let failure
  try {
    await fn()
    counts.passed++
  } catch (error) {
    counts.failed++
    failure = error
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(`${failure ? 'FAILED' : 'ok    '} ${name} (${seconds} s)`)
  if (failure) console.log(`${failure.message ?? failure}`.replace(/^/gm, '       '))
}
