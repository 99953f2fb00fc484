/** What was measured on, and what. */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import os from 'node:os'

const require = createRequire(import.meta.url)

export function machine() {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release().split('.').slice(0, 2).join('.')}`,
  }
}

/** Of everything that has a part in the figures. `commit` ends in a plus sign when files were changed since. */
export function versions() {
  return {
    chordite: require('../../package.json').version,
    commit: commit(),
    node: process.versions.node,
    v8: process.versions.v8,
    libuv: process.versions.uv,
    openssl: process.versions.openssl,
    'uWebSockets.js': versionOf('uWebSockets.js'),
    'C compiler': lineOf(process.env.CC ?? 'cc', ['--version']),
  }
}

function commit() {
  const head = lineOf('git', ['rev-parse', '--short', 'HEAD'])
  if (head === undefined) return undefined
  return lineOf('git', ['status', '--porcelain', '--untracked-files=no', 'src', 'native', 'bench']) ? `${head}+` : head
}

function versionOf(name) {
  try {
    return require(`${name}/package.json`).version
  } catch {
    return undefined
  }
}

function lineOf(program, args) {
  try {
    const cwd = new URL('../..', import.meta.url)
    return (
      execFileSync(program, args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .split('\n')[0] || undefined
    )
  } catch {
    return undefined
  }
}
