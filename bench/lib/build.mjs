/** Compiles src/ to dist/, which benchmarks measure. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export function build() {
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
  execFileSync(process.execPath, tsc, { cwd, stdio: ['ignore', 2, 2] })
}
