/**
 * The whole addon over kqueue on Linux, `npm run test:kqueue`: compiled as for a BSD over a fake kqueue, in a copy of the
 * repository, and put through the tests of the transports and of the addon in the Node.js that runs this.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asBsd } from '../native/test/as_bsd.mjs'
import { compile } from './install.mjs'
import { copyTo, temporaryFolder } from './lib/copy.mjs'

/** Everything that moves bytes. */
const TESTS = ['test/transports', 'test/native']

const copy = copyTo(
  join(temporaryFolder('kqueue'), 'copy'),
  'native/test',
  'scripts',
  'src',
  'test',
  'dist',
  'vitest.config.ts',
)
const recipe = join(copy, 'binding.gyp')
const sources = asBsd.sources.map((source) => `'native/${source}',`).join(' ')
writeFileSync(recipe, readFileSync(recipe, 'utf8').replace("'native/poller_kqueue.cc',", sources))
const env = { CXXFLAGS: asBsd.compile.join(' '), LDFLAGS: asBsd.link.join(' ') }
const failure = compile(true, { folder: copy, env })
if (failure !== undefined) throw new Error(`the addon does not compile over kqueue: ${failure}`)

const settings = { CHORDITE_TEST_POLLER: 'kqueue', CHORDITE_REQUIRE_NATIVE: '1', CHORDITE_TRANSPORT: '' }
const args = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'units', ...TESTS]
const { status } = spawnSync(process.execPath, args, {
  cwd: copy,
  stdio: 'inherit',
  env: { ...process.env, ...settings },
})
if (status !== 0) process.exitCode = 1
