/** Installs the peers into this folder, exactly those of package-lock.json, unless they are there. None needs its scripts run. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HERE = new URL('./', import.meta.url)

/** Of each peer, by its name. Installs first when one is not there or another. */
export function peerVersions() {
  const { dependencies } = read('package.json')
  if (Object.entries(dependencies).some(([name, wanted]) => installed(name) !== wanted)) install()
  return dependencies
}

function install() {
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', options, { cwd: fileURLToPath(HERE), stdio: ['ignore', 2, 2] })
}

function installed(name) {
  try {
    return read(`node_modules/${name}/package.json`).version
  } catch {
    return undefined
  }
}

function read(path) {
  return JSON.parse(readFileSync(new URL(path, HERE), 'utf8'))
}
