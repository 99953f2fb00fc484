/** Addons of the experiments: the sources as they are, with some files or one function replaced, built elsewhere. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from '../../../scripts/install.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const experiments = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache/chordite-bench/experiments')

/**
 * Path of an addon. `files` maps names in native/ to files of the experiments; `functions` maps the signature of a function to the
 * file and the text that take its place; `texts` lists single places: the file, what stands there, what shall. Built once for each
 * version of all sources.
 */
export function buildAddon(name, { files = {}, functions = {}, texts = [] } = {}) {
  const sources = new Map(
    readdirSync(join(root, 'native'))
      .filter((file) => /\.(cc|h)$/.test(file))
      .map((file) => [file, readFileSync(join(root, 'native', file), 'utf8')]),
  )
  for (const [file, from] of Object.entries(files)) sources.set(file, readFileSync(join(experiments, from), 'utf8'))
  for (const [signature, { file, from }] of Object.entries(functions)) {
    const text = readFileSync(join(experiments, from), 'utf8')
    sources.set(file, withFunction(sources.get(file), signature, text))
  }
  for (const [file, from, to] of texts) sources.set(file, withText(sources.get(file), from, to))
  const gyp = readFileSync(join(root, 'binding.gyp'), 'utf8')
  const version = createHash('sha1')
    .update(JSON.stringify([...sources]))
    .update(gyp)
    .digest('hex')
    .slice(0, 12)
  const folder = join(cache, `${name}-${process.versions.modules}-${version}`)
  const addon = join(folder, 'build/Release/chordite.node')
  if (existsSync(addon)) return addon
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'native'), { recursive: true })
  for (const [file, text] of sources) writeFileSync(join(folder, 'native', file), text)
  cpSync(join(root, 'binding.gyp'), join(folder, 'binding.gyp'))
  const failure = compile(true, { folder })
  if (failure !== undefined) throw new Error(`the addon '${name}' cannot be built: ${failure}`)
  return addon
}

function withText(source, from, to) {
  if (source.split(from).length !== 2) throw new Error(`the sources do not have '${from}' once`)
  return source.replace(from, () => to)
}

/** A function ends with the first brace at the beginning of a line. What the text needs is included before everything. */
function withFunction(source, signature, text) {
  const from = source.indexOf(`\n${signature} {\n`)
  const end = source.indexOf('\n}\n', from)
  if (from < 0 || end < 0) throw new Error(`the sources have no '${signature}' any more`)
  return `#include <cstdlib>\n#include <ctime>\n${source.slice(0, from + 1)}${text}${source.slice(end + 3)}`
}
