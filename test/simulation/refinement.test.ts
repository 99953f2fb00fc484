import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { Exploration } from '../../src/sim/explore/explorer.ts'
import { atomicRuns } from '../../src/sim/refinement/atomic.ts'
import { checkedLife } from '../../src/sim/refinement/lives.ts'

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url))

describe('what a core does', () => {
  it('is a step of the model, in small rings with everything that can happen to them', () => {
    let steps = 0
    for (let seed = 101; seed <= 104; seed++) {
      const { violations, steps: checked } = checkedLife(seed)
      expect(violations).toEqual([])
      steps += checked
    }
    expect(steps).toBeGreaterThan(1_000)
  })

  it('is a few steps of the shared-state model, where one thing happens at a time', () => {
    const runs = atomicRuns(3, [0, 1])
    expect(runs.violation).toBeUndefined()
    expect(runs.operations).toBeGreaterThan(100)
  })
})

interface Mutant {
  readonly rule: string
  readonly edit: readonly [file: string, find: string, replace: string]
  readonly given?: Partial<Exploration>
}

/** Each of these has to be called no step of the model, whether or not it does harm there. */
const MUTANTS: readonly Mutant[] = [
  {
    rule: 'nobody is followed without its own answer',
    edit: [
      'stabilize.ts',
      '    adopt(core, between, asked, nowMs)\n',
      '    core.follow([between, asked], nowMs)\n    notify(core, between)\n',
    ],
    given: { inFlight: 2 },
  },
  {
    rule: 'an answer counts only while the first successor is the same',
    edit: ['stabilize.ts', '  if (!samePeer(first, core.successors[0])) return core.stabilizeSoon(nowMs)\n', ''],
    given: { inFlight: 2, joins: 0, ring: [0, 1, 2], crashes: 1 },
  },
  {
    rule: 'a stabilize ends in a notify',
    edit: ['stabilize.ts', '    notify(core, asked)\n', ''],
  },
  {
    rule: '… and in one',
    edit: ['stabilize.ts', '    notify(core, asked)\n', '    notify(core, asked)\n    notify(core, asked)\n'],
  },
  {
    rule: 'one miss is no death',
    edit: ['failure-detector.ts', 'record.misses >= this.#config.evictAfterMisses', 'record.misses >= 1'],
    given: { losses: 1 },
  },
  {
    rule: 'a joiner asks before it enters',
    edit: [
      'join.ts',
      "  core.ask(first, { type: 'getNeighbors' }, { kind: 'joinCheck', successors: others }, nowMs)\n",
      '  enter(core, others, nowMs)\n',
    ],
  },
  {
    rule: 'a joiner owns nothing before it is granted something',
    edit: [
      'responsibility.ts',
      '    if (core.heir) grow(core, predecessor, nowMs)',
      '    grow(core, predecessor, nowMs)',
    ],
  },
  {
    rule: 'a range does not grow because the predecessor is unknown',
    edit: [
      'responsibility.ts',
      '  const predecessor = core.predecessor\n',
      '  const predecessor = core.predecessor ?? core.remembered.list().find((peer) => !core.detector.isDead(peer))\n',
    ],
    given: { joins: 0, ring: [0, 1, 2], crashes: 1 },
  },
  {
    rule: 'a leaver takes nothing more',
    edit: ['responsibility.ts', 'if (core.departure !== undefined) return false', 'if (core.departure) return true'],
    given: { leaves: 1 },
  },
  {
    rule: 'an emptied list is the whole ring only after goodbyes',
    edit: ['eviction.ts', "if (reason === 'left' && core.range", 'if (core.range'],
    given: { joins: 0, crashes: 1, leaves: 1, ring: [0, 1, 2] },
  },
]

const folder = mkdtempSync(join(tmpdir(), 'chordite-refinement-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Steps of a mutant's exploration that the model does not know. */
async function complaintAbout(
  { edit: [file, find, replace], given }: Mutant,
  name: string,
): Promise<string | undefined> {
  const copy = join(folder, name)
  for (const part of [
    'core',
    'sim/explore',
    'sim/refinement',
    'sim/model',
    'api.ts',
    'sim/input.ts',
    'sim/observer.ts',
  ]) {
    cpSync(join(SOURCE, part), join(copy, part), { recursive: true })
  }
  const path = join(copy, 'core', file)
  const text = readFileSync(path, 'utf8')
  expect(text.split(find), `${file} says once: ${find}`).toHaveLength(2)
  writeFileSync(
    path,
    text.replace(find, () => replace),
  )
  const { explore } = await import(pathToFileURL(join(copy, 'sim/explore/explorer.ts')).href)
  const { refines } = await import(pathToFileURL(join(copy, 'sim/refinement/explored.ts')).href)
  const { violation } = explore(
    {
      ...{ nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, crashes: 0, leaves: 0, losses: 0, duplicates: 0, late: 0 },
      ...{ selfLookups: false, refuses: true, successors: 2, evictAfterMisses: 2, onIsolated: 'wait' },
      ...{ fairEvery: 1_000_000, limit: 20_000, ...given },
    },
    () => undefined,
    refines,
  )
  return violation?.property
}

describe('a core without the rule', () => {
  for (const [index, mutant] of MUTANTS.entries()) {
    it(`'${mutant.rule}' takes steps that are none`, async () => {
      expect(await complaintAbout(mutant, String(index))).toContain('is no step of the model')
    })
  }
})
