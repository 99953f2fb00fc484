/** What a run comes to once its faults have stopped: somebody is always there to become a ring, and time does not pass in vain. */
import { describe, expect, it } from 'vitest'
import type { Action } from '../../src/sim/plan.ts'
import { play } from '../../src/sim/play.ts'
import { combineHashes } from '../../src/sim/trace-hash.ts'

const names = ['p0', 'p1', 'p2', 'p3']
const grown: Action[] = [
  ...names.map((process, i): Action => ({ verb: 'start', process, ids: [`${4 * i}`], ...(i > 0 && { via: 'p0' }) })),
  { verb: 'run', ms: 20_000 },
]
const played = (actions: readonly Action[]) => play({ seed: 1, settings: { successors: 2 }, actions })

describe('where nobody is left', () => {
  it.each(['kill', 'vanish', 'leave'] as const)('they come back with their state files: all %s', (verb) => {
    const { violations, rounds, numbers } = played([...grown, { verb, processes: names }, { verb: 'run', ms: 5_000 }])
    expect(violations).toEqual([])
    expect(numbers['fault restart']).toBe(names.length)
    expect(rounds).toBeLessThan(20)
  })

  it('somebody starts anew if the last one leaves meanwhile', () => {
    const { violations, rounds, virtualMs } = played([...grown, { verb: 'leave', processes: names }])
    expect(violations).toEqual([])
    expect(rounds).toBeLessThan(20)
    expect(virtualMs).toBeLessThan(60_000)
  })
})

it('the hash of a few seeds uses both its halves', () => {
  for (const hashes of [[], ['0123456789abcdef']]) {
    const hash = combineHashes(hashes)
    expect(hash.slice(0, 8)).not.toBe(hash.slice(8))
  }
})
