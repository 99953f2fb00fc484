/**
 * Rules of the protocol, and how each is switched off: edits to a copy of the source, so that no build for users carries a
 * switch. Every mutant must be caught, by the scenario named here and by `npm run mutants`, which counts how many simulated
 * lives that takes.
 */
export interface Mutant {
  /** Short name, for the command line. */
  readonly name: string
  /** What is no longer kept. */
  readonly rule: string
  /** Of `test/scenarios`; absent if only simulated lives show it. */
  readonly scenario?: string
  /** File of `src`, what it says once, what it says instead. */
  readonly edits: readonly (readonly [file: string, find: string, replace: string])[]
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'adopt-unasked',
    rule: 'adopt only after a live answer',
    scenario: 'adopt-only-the-living',
    edits: [
      [
        'core/stabilize.ts',
        '    adopt(core, between, asked, nowMs)\n',
        '    core.follow([between, asked, ...answer.successors], nowMs)\n    notify(core, between)\n',
      ],
      [
        'core/merge.ts',
        'first.id)) return adopt(core, peer, undefined, nowMs)',
        'first.id)) return core.follow([peer, ...core.successors], nowMs)',
      ],
    ],
  },
  {
    name: 'join-unasked',
    rule: 'a joiner asks its first successor before it enters',
    scenario: 'trace-2',
    edits: [
      [
        'core/join.ts',
        "  core.ask(first, { type: 'getNeighbors' }, { kind: 'joinCheck', successors: others }, nowMs)\n",
        '  enter(core, others, nowMs)\n',
      ],
      ['core/lookup.ts', 'core.successors.filter((peer) => !core.detector.isSuspect(peer))', 'core.successors'],
    ],
  },
  {
    name: 'stale-answers',
    rule: 'drop answers to what is no longer asked, and keep what has come between',
    scenario: 'stale-answer',
    edits: [
      ['core/stabilize.ts', '  if (!samePeer(first, core.successors[0])) return core.stabilizeSoon(nowMs)\n', ''],
      [
        'core/stabilize.ts',
        'entry.id.isBetween(core.self.id, peer.id) && !core.detector.isDead(entry)',
        'entry.id.isBetween(core.self.id, peer.id) && core.detector.isSuspect(entry)',
      ],
    ],
  },
  {
    name: 'evict-on-first-miss',
    rule: 'one miss demotes, several evict',
    scenario: 'one-miss-demotes',
    edits: [['core/failure-detector.ts', 'record.misses >= this.#config.evictAfterMisses', 'record.misses >= 1']],
  },
  {
    name: 'serve-alone',
    rule: 'an empty list isolates',
    scenario: 'isolation',
    edits: [['core/eviction.ts', "if (core.config.onIsolated === 'serve' && core.range", 'if (core.range']],
  },
  {
    name: 'count-siblings',
    rule: 'siblings fail together, so a list counts processes',
    scenario: 'siblings',
    edits: [
      [
        'core/successor-list.ts',
        'if (peer.address !== self.address) processes.add(peer.address)',
        'processes.add(String(peer.id))',
      ],
    ],
  },
  {
    name: 'grow-on-unknown-predecessor',
    rule: 'a range does not grow before the next predecessor calls',
    scenario: 'predecessor-unknown',
    edits: [
      [
        'core/responsibility.ts',
        '  const predecessor = core.predecessor\n',
        '  const predecessor =\n    core.predecessor ?? core.remembered.list().find((peer) => !core.detector.isDead(peer))\n',
      ],
    ],
  },
  {
    name: 'grow-beyond-the-slow',
    rule: 'a range does not grow beyond one who is only slow',
    scenario: 'slow-neighbor',
    edits: [['core/responsibility.ts', '  if (core.predecessorSkips) return\n', '']],
  },
  {
    name: 'merge-from-first-successor-only',
    rule: 'look for other rings through all that are remembered',
    scenario: 'trace-3-from-its-end',
    edits: [['core/merge.ts', 'const turn = core.selfLookupTurn++ % 3', 'const turn = 0 * core.selfLookupTurn++']],
  },
  {
    name: 'silent-for-ever',
    rule: 'ask those that fell silent whether they are back',
    scenario: 'split-and-merge',
    edits: [['core/merge.ts', 'if (core.detector.hasDeparted(peer) || ', 'if (peer !== undefined || ']],
  },
  {
    name: 'repeated-grant',
    rule: 'a grant is taken once',
    scenario: 'repeated-grant',
    edits: [['core/responsibility.ts', 'core.lastGrant?.request === request', 'core.lastGrant?.request === -1']],
  },
  {
    name: 'leaver-takes',
    rule: 'a leaver takes nothing more, and says so',
    scenario: 'granted-leaver',
    edits: [
      ['core/responsibility.ts', 'if (core.departure !== undefined) return false', 'if (core.departure) return true'],
    ],
  },
  {
    name: 'impatient-leaver',
    rule: 'a leaver waits for the answer to a grant',
    scenario: 'leaver-and-joiner',
    edits: [
      [
        'core/leave.ts',
        "core.handover?.cause === 'grant' || ",
        "(core.handover?.cause === 'grant' && (core.handover = undefined)) || ",
      ],
    ],
  },
  {
    name: 'grant-unacknowledged',
    rule: 'the granter serves until the joiner has answered',
    scenario: 'create-and-join',
    edits: [
      [
        'core/responsibility.ts',
        "  handover.phase = 'telling'\n",
        "  handover.phase = 'telling'\n  core.range = { after: handover.to.id, upTo: core.self.id }\n",
      ],
    ],
  },
  {
    name: 'filter-instead-of-cut',
    rule: 'a list is cut where it is out of order, not filtered',
    edits: [
      [
        'core/successor-list.ts',
        'if (!peer.id.isBetween(previous, self.id)) break',
        'if (!peer.id.isBetween(previous, self.id)) continue',
      ],
    ],
  },
  {
    name: 'no-merge',
    rule: 'rings that do not know of each other become one',
    edits: [
      [
        'core/merge.ts',
        'export function onOwnPlaceFound(core: Core, via: Peer, before: Peer, owner: Peer, nowMs: number): void {\n',
        'export function onOwnPlaceFound(core: Core, via: Peer, before: Peer, owner: Peer, nowMs: number): void {\n  if (nowMs >= 0) return\n',
      ],
      [
        'core/merge.ts',
        'export function onMeet(core: Core, peer: Peer, nowMs: number): void {\n',
        'export function onMeet(core: Core, peer: Peer, nowMs: number): void {\n  if (nowMs >= 0) return\n',
      ],
    ],
  },
  {
    name: 'merge-without-notify',
    rule: 'whoever holds our place in another ring hears of us, also if it is not our next successor',
    edits: [
      [
        'core/merge.ts',
        '  adopt(core, owner, undefined, nowMs)\n  // We are nearer',
        '  const next = core.successors[0]\n  if (next === undefined || owner.id.isBetween(core.self.id, next.id)) adopt(core, owner, undefined, nowMs)\n  // We are nearer',
      ],
    ],
  },
  {
    name: 'redirect-without-final',
    rule: 'what is passed back to a predecessor stays FINAL',
    edits: [
      [
        'core/router.ts',
        "return { kind: 'forward', to, final: true, finalSteps: finalSteps + 1 }",
        "return { kind: 'forward', to, final: false, finalSteps: 0 }",
      ],
    ],
  },
  {
    name: 'same-incarnation',
    rule: 'every life of a process has an incarnation of its own, above all before',
    edits: [
      ['core/incarnation.ts', 'saved >= wallClock ? saved + 1n : wallClock', 'saved > 0n ? saved : wallClock'],
      ['core/incarnation.ts', 'known >= own ? known + 1n : own', 'known'],
    ],
  },
]
