import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')

async function evaluate(kind: 'module' | 'commonjs', code: string): Promise<unknown> {
  const args = [`--input-type=${kind}`, '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root) })
  return JSON.parse(stdout)
}

test('import and require give the same exports', async () => {
  const imported = await evaluate(
    'module',
    "import * as c from 'chordite'; console.log(JSON.stringify(Object.keys(c).sort()))",
  )
  const required = await evaluate('commonjs', "console.log(JSON.stringify(Object.keys(require('chordite')).sort()))")
  expect(imported).toEqual(expect.arrayContaining(['ChordError', 'Id', 'connect', 'createNode', 'json', 'raw', 'utf8']))
  expect((required as string[]).filter((name) => name !== '__esModule')).toEqual(imported)
})

test('the simulator is an entry of its own, for import and require', async () => {
  const names = (code: string) =>
    `console.log(JSON.stringify(Object.keys(${code}).filter((n) => n !== '__esModule').sort()))`
  const imported = await evaluate('module', `import * as sim from 'chordite/sim'; ${names('sim')}`)
  expect(imported).toEqual(expect.arrayContaining(['Simulation', 'World', 'playWhole', 'streamOf', 'swarm']))
  expect(await evaluate('commonjs', names("require('chordite/sim')"))).toEqual(imported)
})

test('the lockfile names no place to download from', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> }
  expect(Object.keys(packages).filter((name) => packages[name]!.resolved !== undefined)).toEqual([])
})

test('the changelog knows the version', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  expect(read('CHANGELOG.md')).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')}\\b`, 'm'))
})

test('the notices hold the license of what is compiled in', () => {
  expect(read('THIRD_PARTY_NOTICES')).toContain(read('node_modules/node-addon-api/LICENSE.md').trim())
})

test('no script runs by itself before or after another', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const names = Object.keys(scripts)
  // `prebuild` would run before `build`; npm knows `prepare` itself.
  expect(names.filter((name) => names.includes(`pre${name}`) || names.includes(`post${name}`))).toEqual([])
})
