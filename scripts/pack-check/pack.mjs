/** Makes the tarballs: from the repository as it is, and the same with a prebuilt binary added. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureAddon, platformTag } from '../install.mjs'
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

/** In a copy, so that a prebuilt binary does not stay behind in the repository and grow old there. */
export function withPrebuilt(source, destination) {
  const addon = ensureAddon({ quiet: false })
  if (!addon.ok) throw new Error(`there is no addon to pack: ${addon.reason}`)
  const copy = join(destination, 'copy')
  mkdirSync(copy)
  run('tar', ['-xzf', source.path, '-C', copy], { cwd: destination, mustSucceed: true })
  const binary = `prebuilds/${platformTag()}/chordite.node`
  const path = join(copy, 'package', binary)
  mkdirSync(dirname(path), { recursive: true })
  copyFileSync(addon.path, path)
  return { ...pack(join(copy, 'package'), destination, 'prebuilt', ['--ignore-scripts']), binary, addon: addon.path }
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

/** The newest version of glibc's symbols that a binary asks for, as "2.17"; undefined where there is none. */
export function glibcNeeded(path) {
  const { stdout } = run('objdump', ['-T', path], { cwd: '.', mustSucceed: true })
  const minors = [...stdout.matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1]))
  return minors.length > 0 ? `2.${Math.max(...minors)}` : undefined
}

function list(folder, ending) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
}
