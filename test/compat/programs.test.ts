/** The same programs on ours as on the original, whose transcripts `bench/peers/chordhelper/compare.mjs --record` has written down. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as chord from '../../src/compat/chord/index.ts'
import { transcriptOf } from './programs/stage.mjs'

const TRANSCRIPTS = new URL('./transcripts/', import.meta.url)

describe('programs written for the original', () => {
  for (const file of readdirSync(TRANSCRIPTS)) {
    it(file.replace('.txt', ''), async () => {
      const program = await import(new URL(`./programs/${file.replace('.txt', '.mjs')}`, import.meta.url).href)
      const expected = readFileSync(new URL(file, TRANSCRIPTS), 'utf8').split('\n').slice(0, -1)
      expect(await transcriptOf(program.default, chord)).toEqual(expected)
    })
  }
})
