/** Tests of the tests: each rule of the protocol, switched off in a copy of the core, must make its scenario fail. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { MUTANTS, type Mutant } from '../mutants/mutants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'chordite-mutants-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Plays scenarios with a copy of the core with those edits. */
async function playerOf(name: string, edits: Mutant['edits']): Promise<(text: string) => void> {
  const copy = join(folder, name)
  for (const part of ['src/api.ts', 'src/core', 'src/wire', 'src/sim']) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  }
  for (const [file, find, replace] of edits) {
    const path = join(copy, 'src', file)
    const text = readFileSync(path, 'utf8')
    expect(text.split(find), `${file} says once: ${find}`).toHaveLength(2)
    writeFileSync(
      path,
      text.replace(find, () => replace),
    )
  }
  const module = await import(pathToFileURL(join(copy, 'src/sim/scenario.ts')).href)
  return module.playScenario
}

it('every edit still applies', () => {
  for (const { name, edits } of MUTANTS) {
    for (const [file, find] of edits) {
      const text = readFileSync(join(ROOT, 'src', file), 'utf8')
      expect(text.split(find), `${name}: ${file} says once: ${find}`).toHaveLength(2)
    }
  }
})

describe('without the rule', () => {
  for (const [index, { rule, scenario, edits }] of MUTANTS.entries()) {
    if (scenario === undefined) continue
    it(`'${rule}' the scenario ${scenario} fails`, async () => {
      const text = readFileSync(new URL(`${scenario}.txt`, import.meta.url), 'utf8')
      const play = await playerOf(String(index), edits)
      expect(() => play(text)).toThrow(/^line /)
    })
  }
})
