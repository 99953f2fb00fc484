/**
 * npm runs this in the repository after an install and before packing: it builds dist/. An install without development
 * dependencies (`npm ci --omit=dev`) has no compiler; that is said, and is no reason to fail.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = resolveCompiler()
if (compiler) {
  process.exitCode = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  }).status
} else {
  const built = existsSync(new URL('../dist/index.js', import.meta.url))
  console.error(`chordite: TypeScript is not installed, ${built ? 'dist/ stays as it is' : 'dist/ is not built'}`)
}

function resolveCompiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc')
  } catch {
    return undefined
  }
}
