/** Compiles the C programs of `bench/limit/` on demand, once for each version of their source and of what they share. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../../node_modules/.cache/chordite-bench/', import.meta.url))
const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror']

/** Path of what `bench/limit/<name>.c` compiles to. Throws when there is no compiler, after what it said. */
export function compile(name, { shared = false } = {}) {
  const flags = shared ? [...FLAGS, '-shared', '-fPIC'] : FLAGS
  const source = fileURLToPath(new URL(`../limit/${name}.c`, import.meta.url))
  const header = fileURLToPath(new URL('../limit/common.h', import.meta.url))
  const hash = createHash('sha1').update(flags.join()).update(readFileSync(source)).update(readFileSync(header))
  const version = hash.digest('hex').slice(0, 12)
  const program = `${cache}${name}-${version}`
  if (existsSync(program)) return program
  mkdirSync(cache, { recursive: true })
  const partial = `${program}.${process.pid}`
  const compiler = process.env.CC ?? 'cc'
  try {
    execFileSync(compiler, [...flags, '-o', partial, source], { stdio: ['ignore', 2, 2] })
  } catch (error) {
    throw new Error(`${compiler} cannot compile bench/limit/${name}.c (Linux and a C compiler are needed)`, {
      cause: error,
    })
  }
  renameSync(partial, program)
  return program
}
