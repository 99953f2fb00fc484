/** Runs commands as a user's shell would: without what `npm run` puts into the environment. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Configuration of npm that is the user's own, as opposed to what describes the script being run. */
const KEPT = /^npm_config_(nodedir|registry|cafile|cache|userconfig|proxy|https_proxy)$/i
const DROPPED = /^(npm_|INIT_CWD$|CHORDITE_)/i

export function cleanEnvironment(extra = {}) {
  const own = Object.entries(process.env).filter(([name]) => KEPT.test(name) || !DROPPED.test(name))
  return { ...Object.fromEntries(own), ...extra }
}

export function run(command, args, { cwd, env = {}, mustSucceed = false }) {
  const result = spawnSync(command, args, {
    cwd,
    env: cleanEnvironment({
      PATH: pathWithoutNodeModules(),
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      ...env,
    }),
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (result.error) throw result.error
  const output = `${result.stdout}${result.stderr}`
  if (mustSucceed && result.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit ${result.status}\n${output}`)
  return { status: result.status, stdout: result.stdout, output }
}

export function which(tool) {
  const found = pathWithoutNodeModules()
    .split(delimiter)
    .map((folder) => join(folder, tool))
    .find((path) => existsSync(path))
  if (!found) throw new Error(`${tool} is not on the PATH`)
  return found
}

export function equal(actual, expected) {
  const [left, right] = [actual, expected].map((value) => JSON.stringify(value))
  if (left === right) return
  if (!Array.isArray(actual)) throw new Error(`got ${left}, expected ${right}`)
  const missing = expected.filter((one) => !actual.includes(one))
  const extra = actual.filter((one) => !expected.includes(one))
  throw new Error(`missing: ${missing.join(', ') || 'nothing'}\nnot expected: ${extra.join(', ') || 'nothing'}`)
}

function pathWithoutNodeModules() {
  return process.env.PATH.split(delimiter)
    .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
    .join(delimiter)
}
