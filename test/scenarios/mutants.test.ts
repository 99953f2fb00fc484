/** Tests of the tests: each rule of the protocol, switched off in a copy of the core, must make its scenario fail. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Mutant {
  readonly rule: string
  readonly scenario: string
  /** File of `src/core`, what it says, what it says instead. */
  readonly edits: readonly (readonly [file: string, find: string, replace: string])[]
}

const MUTANTS: readonly Mutant[] = [
  {
    rule: 'adopt only after a live answer',
    scenario: 'adopt-only-the-living',
    edits: [
      [
        'stabilize.ts',
        '    adopt(core, between, asked, nowMs)\n',
        '    core.follow([between, asked, ...answer.successors], nowMs)\n    notify(core, between)\n',
      ],
      [
        'merge.ts',
        'first.id)) return adopt(core, peer, undefined, nowMs)',
        'first.id)) return core.follow([peer, ...core.successors], nowMs)',
      ],
    ],
  },
  {
    rule: 'a joiner asks its first successor before it enters',
    scenario: 'trace-2',
    edits: [
      [
        'join.ts',
        "  core.ask(first, { type: 'getNeighbors' }, { kind: 'joinCheck', successors: others }, nowMs)\n",
        '  enter(core, others, nowMs)\n',
      ],
      ['lookup.ts', 'core.successors.filter((peer) => !core.detector.isSuspect(peer))', 'core.successors'],
    ],
  },
  {
    rule: 'drop answers to what is no longer asked, and keep what has come between',
    scenario: 'stale-answer',
    edits: [
      ['stabilize.ts', '  if (!samePeer(first, core.successors[0])) return core.stabilizeSoon(nowMs)\n', ''],
      [
        'stabilize.ts',
        'entry.id.isBetween(core.self.id, peer.id) && !core.detector.isDead(entry)',
        'entry.id.isBetween(core.self.id, peer.id) && core.detector.isSuspect(entry)',
      ],
    ],
  },
  {
    rule: 'one miss demotes, several evict',
    scenario: 'one-miss-demotes',
    edits: [['failure-detector.ts', 'record.misses >= this.#config.evictAfterMisses', 'record.misses >= 1']],
  },
  {
    rule: 'an empty list isolates',
    scenario: 'isolation',
    edits: [['eviction.ts', "if (core.config.onIsolated === 'serve' && core.range", 'if (core.range']],
  },
  {
    rule: 'siblings fail together, so a list counts processes',
    scenario: 'siblings',
    edits: [
      [
        'successor-list.ts',
        'if (peer.address !== self.address) processes.add(peer.address)',
        'processes.add(String(peer.id))',
      ],
    ],
  },
  {
    rule: 'a range does not grow before the next predecessor calls',
    scenario: 'predecessor-unknown',
    edits: [
      [
        'responsibility.ts',
        '  const predecessor = core.predecessor\n',
        '  const predecessor =\n    core.predecessor ?? core.remembered.list().find((peer) => !core.detector.isDead(peer))\n',
      ],
    ],
  },
  {
    rule: 'a range does not grow beyond one who is only slow',
    scenario: 'slow-neighbor',
    edits: [['responsibility.ts', '  if (core.predecessorSkips) return\n', '']],
  },
  {
    rule: 'look for other rings through all that are remembered',
    scenario: 'trace-3-from-its-end',
    edits: [['merge.ts', 'turn === 0 ? core.successors[0] : core.remembered.nextInTurn()', 'core.successors[0]']],
  },
  {
    rule: 'ask those that fell silent whether they are back',
    scenario: 'split-and-merge',
    edits: [['merge.ts', 'if (core.detector.hasDeparted(peer) || ', 'if (peer !== undefined || ']],
  },
  {
    rule: 'a grant is taken once',
    scenario: 'repeated-grant',
    edits: [['responsibility.ts', 'core.lastGrant?.request === request', 'core.lastGrant?.request === -1']],
  },
  {
    rule: 'a leaver takes nothing more, and says so',
    scenario: 'granted-leaver',
    edits: [['responsibility.ts', 'if (core.departure !== undefined) return false', 'if (core.departure) return true']],
  },
  {
    rule: 'a leaver waits for the answer to a grant',
    scenario: 'leaver-and-joiner',
    edits: [['leave.ts', "if (core.handover?.phase === 'services') core.handover", 'core.handover']],
  },
  {
    rule: 'the granter serves until the joiner has answered',
    scenario: 'create-and-join',
    edits: [
      [
        'responsibility.ts',
        "  handover.phase = 'telling'\n",
        "  handover.phase = 'telling'\n  core.range = { after: handover.to.id, upTo: core.self.id }\n",
      ],
    ],
  },
]

const folder = mkdtempSync(join(tmpdir(), 'chordite-mutants-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The runner of scenarios over a copy of the core with those edits. */
async function playerOf(name: string, edits: Mutant['edits']): Promise<(text: string) => void> {
  const copy = join(folder, name)
  for (const part of ['src/core', 'test/core', 'test/scenarios']) {
    mkdirSync(join(copy, part), { recursive: true })
    cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  }
  for (const [file, find, replace] of edits) {
    const path = join(copy, 'src/core', file)
    const text = readFileSync(path, 'utf8')
    expect(text.split(find), `${file} says once: ${find}`).toHaveLength(2)
    writeFileSync(
      path,
      text.replace(find, () => replace),
    )
  }
  const module = await import(pathToFileURL(join(copy, 'test/scenarios/runner.ts')).href)
  return module.play
}

describe('without the rule', () => {
  for (const [index, { rule, scenario, edits }] of MUTANTS.entries()) {
    it(`'${rule}' the scenario ${scenario} fails`, async () => {
      const text = readFileSync(new URL(`${scenario}.txt`, import.meta.url), 'utf8')
      const play = await playerOf(String(index), edits)
      expect(() => play(text)).toThrow(/^line /)
    })
  }
})
