import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { playScenario } from '../../src/sim/scenario.ts'

const folder = new URL('.', import.meta.url)

describe('scenario', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    it(file.replace('.txt', ''), () => playScenario(readFileSync(new URL(file, folder), 'utf8')))
  }
})
