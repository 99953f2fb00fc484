/** Each oracle sees what must never be when it is brought about on purpose, and nothing on rings that are in order. */
import { describe, expect, test } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { Peer } from '../../src/core/messages.ts'
import type { CoreConfig } from '../../src/core/state.ts'
import type { SimMember } from '../../src/sim/observer.ts'
import type { OracleName } from '../../src/sim/oracles/oracle.ts'
import { mergeSummaries, Oracles } from '../../src/sim/oracles/oracles.ts'
import { Simulation } from '../../src/sim/simulation.ts'

const smallId = (n: number) => new Id(0, 0, 0, 0, n)
const range = (after: number, upTo: number) => ({ after: smallId(after), upTo: smallId(upTo) })

function ringOf(ids: readonly number[], o: { only?: OracleName[]; config?: Partial<CoreConfig> } = {}) {
  const simulation = new Simulation({ seed: 1, config: o.config ?? {} })
  const oracles = new Oracles(simulation, o.only === undefined ? {} : { only: o.only })
  simulation.observe(oracles)
  for (const id of ids) {
    simulation.start({ address: `n${id}`, ids: [smallId(id)], ...(id !== ids[0] && { via: `n${ids[0]}` }) })
    simulation.run(500)
  }
  simulation.run(10_000)
  expect(oracles.isIdeal).toBe(true)
  expect(oracles.violations).toEqual([])
  const member = (id: number) => simulation.at(`n${id}`)[0] as SimMember
  const peers = (...list: number[]): Peer[] => list.map((id) => member(id).node.self)
  /** Something happened to them, and then nothing. */
  const doctor = (id: number, change: (core: SimMember['node']['core']) => void) => {
    change(member(id).node.core)
    oracles.stepped(member(id), 'message')
  }
  const found = () => oracles.violations.map(({ oracle, text }) => `${oracle}: ${text}`)
  return { simulation, oracles, member, peers, doctor, found }
}

describe('lists', () => {
  test.each([
    ['out of order', [4, 2], 'lists: its list is out of order at 2'],
    ['its owner', [2, 0], 'lists: its list names its owner'],
    ['twice', [2, 2, 4], 'lists: its list names 2 twice'],
    ['too long', [2, 4, 6], 'lists: its list goes on behind 2 other processes'],
  ])('%s', (_, list, text) => {
    const { peers, doctor, found } = ringOf([0, 2, 4, 6], { only: ['lists'], config: { successors: 2 } })
    doctor(0, (core) => {
      core.successors = peers(...list)
    })
    expect(found()).toEqual([text])
  })
})

describe('the invariant', () => {
  test('a member that is dropped from a list, and nobody suspects', () => {
    const { peers, doctor, found } = ringOf([0, 2, 4, 6])
    doctor(0, (core) => {
      core.successors = peers(2, 6)
    })
    expect(found().join()).toContain('0 passes over 4, whom it does not suspect')
  })

  test('a member that is passed over by a list on its way', () => {
    const { simulation, oracles, member, peers, found } = ringOf([0, 2, 4, 6])
    const message = { type: 'neighbors', predecessor: undefined, successors: peers(2, 6), leaving: false } as const
    const flight = {
      id: 1,
      from: member(0).node.self,
      to: member(6).node.self,
      request: 1,
      message,
      atMs: simulation.nowMs,
    }
    oracles.sent(flight)
    expect(oracles.invariant.skips.isPrincipal(oracles.view.of(member(4)))).toBe(false)
    oracles.stepped(member(0), 'message')
    expect(found().join()).toContain('0 passes over 4')
    oracles.landed(flight)
    oracles.stepped(member(6), 'message')
    expect(oracles.invariant.skips.isPrincipal(oracles.view.of(member(4)))).toBe(true)
  })

  test('an earlier life in a list is not the present one', () => {
    const { peers, oracles, member, doctor } = ringOf([0, 2, 4, 6])
    const earlier = { ...(peers(4)[0] as Peer), incarnation: 1n }
    const list = [...peers(2), earlier, ...peers(6)]
    doctor(0, (core) => {
      core.successors = list
    })
    expect(oracles.invariant.skips.isPrincipal(oracles.view.of(member(4)))).toBe(false)
  })

  test('a list without a live entry, that nobody died for', () => {
    const { simulation, peers, doctor, found } = ringOf([0, 2, 4, 6, 8], { config: { successors: 2 } })
    const dead = peers(2)
    simulation.crash('n2')
    simulation.run(20_000)
    doctor(0, (core) => {
      core.successors = dead
    })
    expect(found().join()).toContain('invariant: no live entry in its list any more: [4 6] → [2†]')
  })
})

describe('the ring', () => {
  test('two rings', () => {
    const { peers, doctor, found } = ringOf([0, 2, 4, 6], { only: ['ring'] })
    for (const [id, next] of [
      [0, 4],
      [4, 0],
      [2, 6],
    ] as const) {
      doctor(id, (core) => {
        core.successors = peers(next)
      })
    }
    expect(found()).toEqual([])
    doctor(6, (core) => {
      core.successors = peers(2)
    })
    expect(found().join()).toContain('AtMostOneRing: 0 4 and 2 6')
  })

  test('a ring that winds twice', () => {
    const { peers, doctor, found } = ringOf([0, 2, 4, 6, 8], { only: ['ring'] })
    for (const [id, next] of [
      [8, 2],
      [6, 0],
      [4, 8],
      [2, 6],
      [0, 4],
    ] as const) {
      doctor(id, (core) => {
        core.successors = peers(next)
      })
    }
    expect(found().at(-1)).toContain('OrderedRing: 0 → 4 → 8 → 2 → 6')
  })

  test('a member that leads nowhere', () => {
    const { doctor, found } = ringOf([0, 2, 4, 6], { only: ['ring'] })
    doctor(2, (core) => {
      core.successors = []
      core.setStatus('isolated')
    })
    expect(found().join()).toContain('ConnectedAppendages')
  })
})

describe('ranges', () => {
  test('two owners', () => {
    const { doctor, found } = ringOf([0, 2, 4, 6])
    doctor(6, (core) => {
      core.range = range(2, 6)
    })
    expect(found()).toEqual([expect.stringContaining('ranges: two owners of (2, 4]')])
  })

  /** 4 tells somebody that (0, 2] is theirs, and then owns that as 2 does. */
  function tells(whom: number, o: { ends: boolean }): string[] {
    const { simulation, oracles, peers, doctor, found } = ringOf([0, 2, 4, 6])
    const [from, to] = peers(4, whom) as [Peer, Peer]
    const boundary = { peer: undefined, dead: false }
    doctor(4, (core) => {
      core.handover = { token: 1, cause: 'grant', to, lost: range(0, 2), phase: 'telling', boundary }
    })
    const message = { type: 'grant', after: smallId(0), boundary } as const
    oracles.sent({ id: 1, from, to, request: 1, message, atMs: simulation.nowMs })
    if (o.ends) {
      doctor(4, (core) => {
        core.handover = undefined
      })
    }
    doctor(4, (core) => {
      core.range = range(0, 4)
    })
    return found()
  }

  test('a hand-over that was told and not acknowledged makes none', () => {
    expect(tells(2, { ends: false })).toEqual([])
  })

  test('unless it was told to somebody else, or has ended and nobody took it', () => {
    for (const found of [tells(6, { ends: false }), tells(2, { ends: true })]) {
      expect(found.join()).toContain('two owners of (0, 2]: 4 owns (0, 4] and 2 (0, 2]')
    }
  })

  test('a suspicion excuses those whom it is about, and nobody else', () => {
    const overlapAfter = (by: number, suspected: number): string[] => {
      const { oracles, member, doctor, found } = ringOf([0, 2, 4, 6])
      oracles.ledger.suspect(oracles.view.of(member(by)), oracles.view.of(member(suspected)))
      doctor(4, (core) => {
        core.range = range(0, 4)
      })
      return found()
    }
    expect(overlapAfter(6, 0).join()).toContain('two owners of (0, 2]')
    expect(overlapAfter(4, 2)).toEqual([])
    expect(overlapAfter(6, 2)).toEqual([])
  })

  test('what is nobody’s and what is two’s is measured', () => {
    const { simulation, oracles, member } = ringOf([0, 2, 4, 6])
    simulation.crash('n4')
    simulation.run(10_000)
    oracles.end()
    const { nobodysMs = 0, nobodysShareMax = 0 } = oracles.summary()
    expect(nobodysMs).toBeGreaterThan(0)
    expect(nobodysShareMax).toBeCloseTo(2 / 2 ** 160, 60)
    expect(oracles.ranges.isPartition).toBe(true)
    expect(member(6).node.owns(smallId(3))).toBe(true)
  })

  test.each([
    ['epoch', { epoch: 9n, range: range(0, 2), gained: [], lost: [range(6, 0)] }, 'epoch 9 after'],
    ['end', { epoch: 0n, range: range(6, 3), gained: [range(6, 0)], lost: [] }, 'a range that ends elsewhere: (6, 3]'],
    ['sum', { epoch: 0n, range: range(6, 2), gained: [range(0, 2)], lost: [] }, 'gained (0, 2], not (6, 0]'],
    ['nothing', { epoch: 0n, range: range(0, 2), gained: [], lost: [] }, '0 gained, 0 lost'],
  ])('a change that does not add up: %s', (_, change, text) => {
    const { oracles, member, found } = ringOf([0, 2, 4, 6])
    const { node } = member(2)
    const epoch = change.epoch === 0n ? node.epoch + 1n : node.epoch + change.epoch
    const event = { type: 'range', ...change, epoch, from: undefined, to: undefined, cause: 'grant' } as const
    oracles.event(member(2), event)
    expect(found().join()).toContain(text.replace('epoch 9', `epoch ${epoch}`))
  })

  test('a leaver that keeps its range while others stay', () => {
    const { oracles, member, doctor, found } = ringOf([0, 2, 4, 6])
    doctor(2, (core) => {
      core.departure = { phase: 'handingOver', leavingToo: new Set(), heard: new Set(), named: [], goodbyesLeft: 0 }
      core.status = 'left'
    })
    oracles.stopped(member(2), 'left')
    expect(found().join()).toContain('ranges: left with (0, 2], though 0 stays')
  })

  test('a takeover from the living', () => {
    const { oracles, member, peers, found } = ringOf([0, 2, 4, 6])
    const [from] = peers(0)
    const { epoch } = member(2).node
    oracles.event(member(2), {
      ...{ type: 'range', range: range(6, 2), epoch: epoch + 1n, gained: [range(6, 0)], lost: [] },
      ...{ from, to: undefined, cause: 'takeover' },
    })
    expect(found()).toEqual(['ranges: takes over from 0, whom nobody counts dead'])
  })
})

describe('the ideal ring', () => {
  const timers = { selfLookupMs: 200, rejoinMaxMs: 200, probeMaxMs: 100, stabilizeMaxMs: 300, successors: 2 }

  test('is asked for sooner where nobody has to look for a ring', () => {
    const { oracles } = ringOf([0, 2, 4, 6])
    oracles.calm()
    const soonMs = oracles.healWithinMs
    expect(oracles.summary()).toMatchObject({ healedWithinRing: 1 })
    const apart = ringOf([0, 2, 4, 6])
    apart.oracles.ledger.breach('several rings', [apart.oracles.view.of(apart.member(2))], 'for a test')
    apart.simulation.start({ address: 'n8', ids: [smallId(8)], via: 'n0' })
    apart.oracles.calm()
    expect(apart.oracles.healWithinMs).toBeGreaterThan(2 * soonMs)
  })

  test('is asked for within the bound, and somebody stands in its way', () => {
    const { simulation, oracles, found } = ringOf([0, 2, 4, 6], { config: timers })
    simulation.pause('n4')
    simulation.run(5000)
    oracles.calm({ delayMs: 5 })
    simulation.run(oracles.healWithinMs + 1000)
    oracles.end()
    expect(found().join()).toContain('ideal: not ideal')
  })

  test('is reached, and everything agrees that it is', () => {
    const { simulation, oracles } = ringOf([0, 2, 4, 6, 8, 10], { config: timers })
    simulation.vanish('n4')
    simulation.crash('n8')
    oracles.calm({ delayMs: 5 })
    expect(oracles.isIdeal).toBe(false)
    while (!oracles.isIdeal) {
      expect(simulation.flaws()).not.toEqual([])
      simulation.run(10)
    }
    expect(simulation.flaws()).toEqual([])
    simulation.run(oracles.quietMs)
    oracles.end()
    expect(oracles.violations).toEqual([])
    expect(oracles.summary()).toMatchObject({ healed: 1 })
  })

  test('must stay', () => {
    const { simulation, oracles, peers, doctor, found } = ringOf([0, 2, 4, 6], { only: ['ideal'] })
    oracles.calm({ delayMs: 5 })
    simulation.run(10_000)
    doctor(0, (core) => {
      core.successors = peers(2, 4)
    })
    expect(found().join()).toContain('was ideal, in a quiet time, and is no more: 0: list ends before 6')
  })

  test.each([
    ['before', 0, true],
    ['since', 1, false],
  ])('may be lost once more to a list that was sent %s', (_, afterMs, isExcused) => {
    const { simulation, oracles, member, peers, doctor, found } = ringOf([0, 2, 4, 6], { only: ['ideal'] })
    const [from, to] = peers(2, 0) as [Peer, Peer]
    const { predecessor } = member(2).node.core
    const message = { type: 'neighbors', predecessor, successors: peers(4), leaving: false } as const
    oracles.calm({ delayMs: 5 })
    simulation.run(10_000)
    oracles.landed({ id: 1, from, to, request: 1, message, atMs: oracles.ideal.sinceMs + (afterMs || -1) })
    doctor(0, (core) => {
      core.successors = peers(2, 4)
    })
    expect(found().length === 0).toBe(isExcused)
  })
})

describe('look-ups', () => {
  const asked = { originator: 'n0', route: 'recursive', failure: undefined, hops: 1, attempts: 1, timeouts: 0 } as const

  test.each([
    ['is right', 4, 3, 0n, range(2, 4), []],
    [
      'was never its',
      4,
      7,
      0n,
      range(2, 4),
      ['7: not in the range that was answered, (2, 4]', '7 belongs to 0 in a quiet ring'],
    ],
    ['was not its then', 4, 1, 0n, range(0, 4), ['its answerer said (0, 4], and had (2, 4]', '1 belongs to 2']],
    ['of an epoch that never was', 4, 3, 7n, range(2, 4), ['its answerer never had an epoch']],
  ])('an answer that %s', (_, id, key, epochs, said, texts) => {
    const { simulation, oracles, member, found } = ringOf([0, 2, 4, 6])
    const { nowMs } = simulation
    const { self, epoch } = member(id).node
    const answer = { owner: self, range: said, epoch: epoch + epochs }
    oracles.lookup({
      ...asked,
      hopsToFinal: 1,
      passedOn: 0,
      key: smallId(key),
      startMs: nowMs - 1,
      endMs: nowMs,
      answer,
    })
    expect(found().length).toBe(texts.length)
    for (const [i, text] of texts.entries()) expect(found()[i]).toContain(text)
  })

  test.each([
    [8, []],
    [9, ['lookups: 3 was sent to its owner, and passed on 9 times']],
  ])('passed on %i times by those who were taken for the owner', (passedOn, texts) => {
    const { simulation, oracles, found } = ringOf([0, 2, 4, 6])
    const { nowMs } = simulation
    oracles.lookup({
      ...asked,
      hopsToFinal: 1,
      passedOn,
      key: smallId(3),
      startMs: nowMs,
      endMs: nowMs,
      answer: undefined,
    })
    expect(found()).toEqual(texts)
  })

  test.each([
    [true, ['lookups: 3 was not found by n0 in a quiet ring: timeout']],
    [false, []],
  ])('no answer, though faults are over: %s', (calm, texts) => {
    const { simulation, oracles, found } = ringOf([0, 2, 4, 6])
    if (calm) oracles.calm()
    simulation.run(100)
    const { nowMs } = simulation
    const unanswered = { ...asked, failure: 'timeout', answer: undefined } as const
    oracles.lookup({ ...unanswered, hopsToFinal: 0, passedOn: 0, key: smallId(3), startMs: nowMs, endMs: nowMs })
    expect(found()).toEqual(texts)
  })

  test('real ones', () => {
    const { simulation, oracles } = ringOf([0, 2, 4, 6])
    for (let key = 0; key < 8; key++) simulation.lookup('n0', smallId(key))
    simulation.run(1000)
    expect(oracles.summary()).toMatchObject({ lookups: 8, lookupsQuiet: 8, lookupsFailed: 0, violations: 0 })
  })
})

describe('Mace', () => {
  test('SOLE, and owner of a part', () => {
    const { doctor, found } = ringOf([0])
    doctor(0, (core) => {
      core.range = range(3, 0)
    })
    expect(found()).toContain('mace: SOLE, knows nobody, and owns only what is after 3')
  })

  test('no way from one to another', () => {
    const { oracles, member, found } = ringOf([0, 2, 4, 6], { only: ['mace'] })
    const { core } = member(2).node
    core.fingers.remove(member(6).node.self)
    core.detector.proveDead(member(4).node.self)
    core.detector.proveDead(member(6).node.self)
    core.detector.proveDead(member(0).node.self)
    core.tableVersion++
    oracles.end()
    expect(found().join()).toContain('no way from 2 to 4')
  })
})

test('the ledger: what broke which assumption, until the ring is ideal again', () => {
  const { simulation, oracles } = ringOf([0, 2, 4, 6, 8, 10, 12, 14], { config: { successors: 2 } })
  const { ledger } = oracles
  simulation.crash('n2')
  expect(ledger.mustHold).toBe(true)
  simulation.crash('n4')
  expect(ledger.mustHold).toBe(false)
  expect(ledger.entries).toMatchObject([{ breach: 'crash', members: ['4'] }])
  expect(String(ledger)).toContain('no live entry in 0 [2† 4†]')
  simulation.run(30_000)
  expect(oracles.isIdeal).toBe(true)
  expect(ledger).toMatchObject({ mustHold: true, mended: 1 })
  simulation.pause('n8')
  simulation.run(10_000)
  expect(ledger.suspicions).toBeGreaterThan(0)
  simulation.resume('n8')
  simulation.run(30_000)
  expect(oracles).toMatchObject({ isIdeal: true, violations: [] })
})

test('summaries add up', () => {
  expect(mergeSummaries({ a: 1, healMsMax: 5 }, { a: 2, b: 3, healMsMax: 4 })).toEqual({ a: 3, b: 3, healMsMax: 5 })
})

test('no oracle has anything to say of rings that members join, leave and die on', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const simulation = new Simulation({ seed, config: { successors: 2 + (seed % 4) } })
    const oracles = new Oracles(simulation)
    simulation.observe(oracles)
    const random = simulation.stream('churn')
    const word = () => random.nextUint32()
    const start = (address: string, via?: string) =>
      simulation.start({
        address,
        ids: Array.from({ length: 1 + (seed % 3) }, () => new Id(word(), word(), word(), word(), word())),
        ...(via !== undefined && { via }),
      })
    const living = ['p0']
    start('p0')
    for (let i = 1; i < 50; i++) {
      const at = random.below(living.length)
      const verb = (['crash', 'vanish', 'leave'] as const)[random.below(6)]
      if (verb === undefined || living.length < 8) {
        start(`p${i}`, living[at] as string)
        living.push(`p${i}`)
      } else simulation[verb](living.splice(at, 1)[0] as string)
      simulation.run(random.below(1500))
    }
    simulation.seeds = living.slice(0, 1)
    oracles.calm({ delayMs: 10 })
    for (let i = 0; i < 600 && !oracles.isIdeal; i++) simulation.run(100)
    simulation.run(oracles.quietMs)
    oracles.end()
    expect(oracles.violations).toEqual([])
    expect(oracles.isIdeal).toBe(true)
  }
})
