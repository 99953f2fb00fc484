/** Compiles the C programs of the experiments, once for each version of what they are made of. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../../../node_modules/.cache/chordite-bench/', import.meta.url))
const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror']

/** Path of what `bench/experiments/<name>.c` compiles to. Throws with the compiler's words. */
export function compileProgram(name) {
  const source = fileURLToPath(new URL(`../${name}.c`, import.meta.url))
  const folders = [dirname(source), fileURLToPath(new URL('../../limit', import.meta.url))]
  const headers = folders.flatMap((folder) => readdirSync(folder).map((file) => `${folder}/${file}`))
  const hash = createHash('sha1').update(readFileSync(source))
  for (const header of headers.filter((file) => file.endsWith('.h'))) hash.update(readFileSync(header))
  const program = `${cache}experiment-${name.replaceAll('/', '-')}-${hash.digest('hex').slice(0, 12)}`
  if (existsSync(program)) return program
  mkdirSync(cache, { recursive: true })
  const partial = `${program}.${process.pid}`
  execFileSync(process.env.CC ?? 'cc', [...FLAGS, '-o', partial, source], { stdio: ['ignore', 2, 'pipe'] })
  renameSync(partial, program)
  return program
}
