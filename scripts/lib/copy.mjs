/** A copy of the repository to build in, so that its own build/ stays as it is. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Gone when the process ends. */
export function temporaryFolder(name) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `chordite-${name}-`)))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What compiling the addon needs, and of the rest what `paths` name. Returns `folder`. */
export function copyTo(folder, ...paths) {
  mkdirSync(folder, { recursive: true })
  const sources = readdirSync(join(root, 'native')).filter((name) => /\.(cc|h)$/.test(name))
  for (const path of ['package.json', 'binding.gyp', ...sources.map((name) => join('native', name)), ...paths]) {
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}
