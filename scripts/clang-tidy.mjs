/** Runs clang-tidy over the addon, with the headers that node-gyp would use. Exits non-zero if it finds anything. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import addonApi from 'node-addon-api'
import { asBsd } from '../native/test/as_bsd.mjs'

const otherPlatform = process.platform === 'linux' ? 'poller_kqueue.cc' : 'poller_epoll.cc'
const sources = readdirSync('native')
  .filter((file) => file.endsWith('.cc') && file !== otherPlatform)
  .map(inNative)
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
tidy(sources, flags)
if (process.platform === 'linux')
  tidy(['connection.cc', 'poller_kqueue.cc'].map(inNative), [...flags, ...asBsd.compile])

function tidy(files, flags) {
  const args = ['--quiet', '--warnings-as-errors=*', ...files, '--', ...flags]
  const { status } = spawnSync('clang-tidy', args, { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}

function inNative(file) {
  return join('native', file)
}

function headers() {
  const beside = resolve(dirname(process.execPath), '..', 'include', 'node')
  const nodedir = process.env.npm_config_nodedir
  const downloaded = join(homedir(), '.cache', 'node-gyp', process.versions.node, 'include', 'node')
  const candidates = [nodedir && join(nodedir, 'include', 'node'), beside, downloaded].filter(Boolean)
  const found = candidates.find((folder) => existsSync(join(folder, 'node_api.h')))
  if (!found) throw new Error(`no node_api.h in ${candidates.join(', ')}`)
  return found
}
