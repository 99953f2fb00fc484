/** Runs clang-tidy over the addon, with the headers that node-gyp would use. Exits non-zero if it finds anything. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import addonApi from 'node-addon-api'

const otherPlatform = process.platform === 'linux' ? 'poller_kqueue.cc' : 'poller_epoll.cc'
const sources = readdirSync('native')
  .filter((file) => file.endsWith('.cc') && file !== otherPlatform)
  .map((file) => join('native', file))
const flags = [
  '-std=c++20',
  '-fno-exceptions',
  '-Inative',
  '-DNAPI_VERSION=8',
  '-DNAPI_DISABLE_CPP_EXCEPTIONS',
  '-isystem',
  addonApi.include.replaceAll('"', ''),
  '-isystem',
  headers(),
]
const { status } = spawnSync('clang-tidy', ['--quiet', '--warnings-as-errors=*', ...sources, '--', ...flags], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1

function headers() {
  const beside = resolve(dirname(process.execPath), '..', 'include', 'node')
  const nodedir = process.env.npm_config_nodedir
  const downloaded = join(homedir(), '.cache', 'node-gyp', process.versions.node, 'include', 'node')
  const candidates = [nodedir && join(nodedir, 'include', 'node'), beside, downloaded].filter(Boolean)
  const found = candidates.find((folder) => existsSync(join(folder, 'node_api.h')))
  if (!found) throw new Error(`no node_api.h in ${candidates.join(', ')}`)
  return found
}
