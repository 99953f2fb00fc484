import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { play } from './runner.ts'

const folder = new URL('.', import.meta.url)

describe('scenario', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    it(file.replace('.txt', ''), () => play(readFileSync(new URL(file, folder), 'utf8')))
  }
})
