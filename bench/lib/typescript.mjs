/** Loads a TypeScript file of the benchmarks: types off, kept once for each version of its source. It imports nothing. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const cache = new URL('../../node_modules/.cache/chordite-bench/', import.meta.url)

/** What `bench/<name>.ts` exports. */
export function importTypeScript(name) {
  const source = readFileSync(new URL(`../${name}.ts`, import.meta.url), 'utf8')
  const version = createHash('sha1').update(source).digest('hex').slice(0, 12)
  const file = new URL(`${name.replaceAll('/', '-')}-${version}.mjs`, cache)
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext }
  mkdirSync(cache, { recursive: true })
  const partial = `${fileURLToPath(file)}.${process.pid}`
  writeFileSync(partial, ts.transpileModule(source, { compilerOptions }).outputText)
  renameSync(partial, file)
  return import(file)
}
