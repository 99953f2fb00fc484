/**
 * `npm install` runs this, in the repository and in the published package alike: it sees to it that an addon for this
 * machine exists. It never makes an installation fail, because the portable transport works without the addon, unless
 * CHORDITE_REQUIRE_NATIVE=1 asks for that. Also behind `chordite build`, `npm run build:native` and `npm run prebuild`.
 *
 *   node scripts/install.mjs           does nothing when a binary that fits is there, else compiles
 *   node scripts/install.mjs --force   compiles, shows the compiler's output, exits 1 when that fails
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const built = join(root, 'build', 'Release', 'chordite.node')

/** Makes sure that a binary is there; the path, or why there is none. `force` compiles in any case. */
export function ensureAddon({ force = false, quiet = true } = {}) {
  const shipped = shippedPath()
  if (!force) {
    for (const path of [built, shipped]) if (isFresh(path) && loads(path)) return { ok: true, path, compiled: false }
  }
  const failure = compile(quiet)
  if (failure !== undefined) return { ok: false, reason: failure }
  if (!loads(built)) return { ok: false, reason: 'what was compiled does not load' }
  return { ok: true, path: built, compiled: true }
}

/** Names a kind of machine in `prebuilds/`: as platformTag() in src/native/load.ts. */
export function platformTag() {
  const base = `${process.platform}-${process.arch}`
  return process.platform === 'linux' ? `${base}-${libc()}` : base
}

export function shippedPath() {
  return join(root, 'prebuilds', platformTag(), 'chordite.node')
}

/** The name of this Node.js's loader stands in the first page of its executable. */
function libc() {
  const start = Buffer.alloc(4096)
  try {
    const file = openSync(process.execPath, 'r')
    readSync(file, start, 0, start.length, 0)
    closeSync(file)
  } catch {
    // An executable that cannot be read: most are glibc's.
  }
  return start.includes('/ld-musl-') ? 'musl' : 'glibc'
}

/** Exists and, in the repository, no source has changed since. An installed package's files have no meaningful times. */
function isFresh(path) {
  if (!existsSync(path)) return false
  if (!existsSync(join(root, 'tsconfig.json'))) return true
  const sources = readdirSync(join(root, 'native'))
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => join(root, 'native', name))
  const changed = [join(root, 'binding.gyp'), ...sources].map((source) => statSync(source).mtimeMs)
  return statSync(path).mtimeMs >= Math.max(...changed)
}

/** Tried in a process of its own, because a binary for another machine may do worse than throw. */
function loads(path) {
  return spawnSync(process.execPath, ['-e', 'require(process.argv[1]).info()', path], { stdio: 'ignore' }).status === 0
}

/**
 * Runs the node-gyp that we depend on; undefined, or what went wrong in a few words. `folder` holds binding.gyp and
 * native/, `env` may name another compiler for another `arch`.
 */
export function compile(quiet, { folder = root, arch = process.arch, env = {} } = {}) {
  if (process.platform === 'win32') return 'it is not written for Windows'
  let gyp
  try {
    gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  } catch {
    return 'node-gyp is not installed'
  }
  const run = spawnSync(process.execPath, [gyp, 'rebuild', `--arch=${arch}`, ...nodedir()], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (!quiet) process.stderr.write(run.stderr ?? '')
  if (run.status === 0) return undefined
  return (
    explain(`${run.stdout ?? ''}\n${run.stderr ?? ''}`) ?? run.error?.message ?? `node-gyp ended with ${run.status}`
  )
}

/** Headers beside the executable spare a download. npm_config_nodedir, which node-gyp reads itself, goes first. */
function nodedir() {
  if (process.env.npm_config_nodedir) return []
  const folder = dirname(dirname(process.execPath))
  return existsSync(join(folder, 'include', 'node', 'node.h')) ? [`--nodedir=${folder}`] : []
}

const EXPLANATIONS = [
  [/could not find any python/i, 'Python is missing'],
  [/not found: make|make: not found|spawn make ENOENT/i, 'make is missing'],
  [/(g\+\+|clang\+\+|c\+\+|cc).*(not found|No such file)/i, 'a C++ compiler is missing'],
  [/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network/i, 'the headers of this Node.js could not be downloaded'],
  [/unrecognized command.line option.*std|C\+\+20/i, 'the C++ compiler knows no C++20'],
  [/^.*\berror:.*$/im, undefined],
]

function explain(output) {
  for (const [pattern, words] of EXPLANATIONS) {
    const match = pattern.exec(output)
    if (match !== null) return words ?? match[0].trim()
  }
  return undefined
}

function main() {
  const force = process.argv.includes('--force')
  const result = ensureAddon({ force, quiet: !force })
  if (result.ok) {
    if (force || result.compiled) console.log(`chordite: native addon at ${result.path}`)
    return 0
  }
  const advice = 'The portable transport will be used; "npx chordite build" tries again and shows why.'
  console.error(`chordite: the native addon could not be built: ${result.reason}. ${force ? '' : advice}`.trim())
  return force || process.env.CHORDITE_REQUIRE_NATIVE === '1' ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(main())
