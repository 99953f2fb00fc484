/** Where this Node.js's headers are. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** The folder with node_api.h: the one that was asked for, beside the executable, or what node-gyp downloaded. */
export function nodeHeaders() {
  const beside = resolve(dirname(process.execPath), '..', 'include', 'node')
  const nodedir = process.env.npm_config_nodedir
  const downloaded = join(homedir(), '.cache', 'node-gyp', process.versions.node, 'include', 'node')
  const candidates = [nodedir && join(nodedir, 'include', 'node'), beside, downloaded].filter(Boolean)
  const found = candidates.find((folder) => existsSync(join(folder, 'node_api.h')))
  if (!found) throw new Error(`no node_api.h in ${candidates.join(', ')}`)
  return found
}
