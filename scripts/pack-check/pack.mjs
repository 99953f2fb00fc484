/** Makes the tarballs: from the repository as it is, and variants of that. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.mjs'

/** Besides what is compiled: by name, so that a file can neither slip in nor fall out unseen. */
const FIXED = ['LICENSE', 'README.md', 'THIRD_PARTY_NOTICES', 'binding.gyp', 'package.json', 'scripts/install.mjs']

/** `files` is what npm says it packed, sorted. */
export function pack(cwd, destination, name, flags = []) {
  const into = join(destination, `tarball-${name}`)
  mkdirSync(into)
  const { stdout } = run('npm', ['pack', '--json', ...flags, '--pack-destination', into], { cwd, mustSucceed: true })
  const [report] = JSON.parse(stdout.slice(stdout.search(/^\[/m)))
  return { path: join(into, report.filename), files: report.files.map(({ path }) => path).sort() }
}

/** A tarball like `original` but for what `change` does to the folder that it is unpacked in. */
export function variant(original, destination, name, change) {
  const copy = join(destination, `copy-${name}`)
  mkdirSync(copy)
  run('tar', ['-xzf', original.path, '-C', copy], { cwd: destination, mustSucceed: true })
  change(join(copy, 'package'))
  return pack(join(copy, 'package'), destination, name, ['--ignore-scripts'])
}

/** Sources of the repository decide what must be there: what is compiled from a file that has gone is an error. */
export function expectedFiles(...binaries) {
  const compiled = list('src', '.ts').flatMap((file) => {
    const base = file.replace(/^src/, 'dist').replace(/\.ts$/, '')
    return [`${base}.js`, `${base}.js.map`, `${base}.d.ts`]
  })
  const native = readdirSync('native').filter((file) => /\.(cc|h)$/.test(file))
  return [...FIXED, ...compiled, ...native.map((file) => `native/${file}`), ...binaries].sort()
}

function list(folder, ending) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
}
