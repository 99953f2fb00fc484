/** Steps that say nothing, or what is not so: the line, and why. */
import { describe, expect, test } from 'vitest'
import { playScenario } from '../../src/sim/scenario.ts'

describe('a scenario refuses', () => {
  test.each([
    ['seed abc', 'no number'],
    ['with successors=0', 'successors must be'],
    ['with successors=1.5', 'whole number'],
    ['with loss=500', 'from 0 to 100'],
    ['with delay=soon', 'is no delay'],
    ['process p of', 'has ids'],
    ['network foo=3', "unknown setting 'foo'"],
    ['network successors=3', "unknown setting 'successors'"],
    ['link p to q loss=-1', 'loss must be'],
    ['heals', 'does not watch'],
    ['settle soon', 'no number'],
    ['frobnicate', 'no such step'],
  ])('%s', (line, why) => {
    expect(() => playScenario(`${line}\n`)).toThrow(new RegExp(`^line 1: ${line}\\n.*${why}`))
  })
})
