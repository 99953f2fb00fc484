/**
 * `npm run prebuild`: compiles the addons that can be made on this system into prebuilds/<platform>-<arch>-<libc>/, from
 * where an installed package loads them. On Linux with glibc on x64, and with Debian's g++-aarch64-linux-gnu, also for
 * arm64; elsewhere for the system itself. One addon serves all versions of Node.js.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile, platformTag } from './install.mjs'
import { complaints, inspect } from './lib/binary.mjs'
import { copyTo, root, temporaryFolder } from './lib/copy.mjs'

const CROSS = 'aarch64-linux-gnu-'

/** What can be built here, this system first. */
export function targets() {
  const own = { tag: platformTag(), arch: process.arch, env: {} }
  if (own.tag !== 'linux-x64-glibc' || !runs(`${CROSS}g++`)) return [own]
  const env = { CC: `${CROSS}gcc`, CXX: `${CROSS}g++`, AR: `${CROSS}ar`, CFLAGS: '', CXXFLAGS: '', LDFLAGS: '' }
  return [own, { tag: 'linux-arm64-glibc', arch: 'arm64', env }]
}

/** Compiles for `target` into `folder`/<tag>/; the path. Throws if that fails or asks more of a machine than is promised. */
export function prebuild(target, folder) {
  const copy = copyTo(join(temporaryFolder('prebuild'), 'copy'))
  const failure = compile(true, { folder: copy, arch: target.arch, env: target.env })
  if (failure !== undefined) throw new Error(`${target.tag}: ${failure}`)
  const path = join(folder, target.tag, 'chordite.node')
  mkdirSync(dirname(path), { recursive: true })
  copyFileSync(join(copy, 'build', 'Release', 'chordite.node'), path)
  const wrong = process.platform === 'linux' ? complaints(path, target.arch) : []
  if (wrong.length > 0) throw new Error(`${target.tag}: ${wrong.join(', ')}`)
  return path
}

export function runs(tool) {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0
}

function main() {
  for (const target of targets()) {
    const path = prebuild(target, join(root, 'prebuilds'))
    const glibc = target.tag.endsWith('-glibc') ? ` (glibc ${inspect(path).glibc} or newer)` : ''
    console.log(`${path}${glibc}`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
