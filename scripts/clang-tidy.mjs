/** Runs clang-tidy over the addon, with the headers that node-gyp would use. Exits non-zero if it finds anything. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import addonApi from 'node-addon-api'
import { asBsd } from '../native/test/as_bsd.mjs'
import { nodeHeaders } from './lib/headers.mjs'

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
  nodeHeaders(),
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
