/** Each rule switched off loses what docs/checking.md says, in as few steps; and each such path is one of the model's. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ours } from '../../src/sim/model/checks.ts'
import { commandOf, ROWS, tryRow } from '../../src/sim/model/rows.ts'
import { SWITCHES } from '../../src/sim/model/rules.ts'

const quiet = (): void => {}

/** Rows that need all of a hundred thousand states are left to `chordite check rules`. */
const QUICK = ROWS.filter(({ lost, options }) => lost !== undefined || options.principals !== 2)

describe('rules', () => {
  for (const row of QUICK) {
    const lost = row.lost ? `${row.lost[0]} in ${row.lost[1]}` : 'nothing'
    it(`${row.rule}: ${lost}`, () => {
      expect(tryRow(row, quiet)).toMatchObject({ found: lost, asExpected: true })
    })
  }

  it('each has a row', () => {
    const named = ROWS.flatMap(({ options }) => [...(options.without ?? []), ...(options.with ?? [])])
    expect(Object.keys(SWITCHES).filter((name) => !named.includes(name))).toEqual(['merged'])
  })

  it('each row is in the documentation, with its command', () => {
    const text = readFileSync(new URL('../../docs/checking.md', import.meta.url), 'utf8')
    for (const row of ROWS) expect(text).toContain(`\`${commandOf(row)}\``)
  })
})

it('a counterexample begins at the start, and says in the end what is lost', () => {
  const { violations } = ours.run({ nodes: 4, initial: [0, 1, 2], principals: 2, without: ['whole-list'] }, quiet)
  expect(violations[0]).toEqual({
    property: 'LiveSuccessor',
    steps: [
      { step: 'start', state: '0 → 1 2 (pred 2)   1 → 2 0 (pred 0)   2 → 0 1 (pred 1)' },
      { step: 'fail 0', state: '1 → 2 0 (pred 0)   2 → 0 1 (pred 1)' },
      {
        step: 'join 3 via 2',
        state: '1 → 2 0 (pred 0)   2 → 0 1 (pred 1)   3 → 0 (pred –)\nring 1 → 2 → 1; 3 is lost',
      },
    ],
  })
})
