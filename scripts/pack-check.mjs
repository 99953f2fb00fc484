/**
 * Packs the package and uses the tarballs as users would: installed in empty folders, with and without install scripts, with
 * and without prebuilt binaries, with and without a compiler. `npm run test:package`.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { complaints } from './lib/binary.mjs'
import { check, finish } from './lib/checks.mjs'
import { temporaryFolder } from './lib/copy.mjs'
import { expectedFiles, pack, variant } from './pack-check/pack.mjs'
import { equal, run, which } from './pack-check/run.mjs'
import { installed } from './pack-check/use.mjs'
import { prebuild, targets } from './prebuild.mjs'

const folder = temporaryFolder('pack')

const packed = pack(process.cwd(), folder, 'packed')
// What an earlier `npm run prebuild` left may be of another day: without it, and with what is made now.
const source = variant(packed, folder, 'source', (copy) =>
  rmSync(join(copy, 'prebuilds'), { recursive: true, force: true }),
)
const binaries = []
const prebuilt = variant(source, folder, 'prebuilt', (copy) => {
  for (const target of targets()) {
    const path = prebuild(target, join(copy, 'prebuilds'))
    binaries.push({ ...target, path, name: relative(copy, path).split(sep).join('/') })
  }
})

await check('the tarballs hold exactly what they should', () => {
  equal(source.files, expectedFiles())
  equal(prebuilt.files, expectedFiles(...binaries.map(({ name }) => name)))
})
if (process.platform === 'linux') {
  for (const { tag, arch, path } of binaries) {
    await check(`${tag} asks for no more than was promised`, () => equal(complaints(path, arch), []))
  }
}

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

finish()

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
