/** The small parts by themselves: list, fingers, failure detector, remembered peers, next hop. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { FailureDetector } from '../../src/core/failure-detector.ts'
import { FingerTable } from '../../src/core/finger-table.ts'
import type { Peer } from '../../src/core/messages.ts'
import { RememberedPeers } from '../../src/core/remembered.ts'
import { route } from '../../src/core/router.ts'
import { cut } from '../../src/core/successor-list.ts'
import { streamOf } from '../../src/sim/random.ts'
import { DEFAULT_CONFIG as CONFIG } from '../../src/sim/simulation.ts'
import { smallId } from './ring.ts'

function peer(id: number, address = `n${id}`, incarnation = 1n): Peer {
  return { id: smallId(id), address, incarnation }
}

const numbers = (list: readonly Peer[]) => list.map(({ id }) => id.w4)

describe('cut', () => {
  const self = peer(5)

  it('stops at self, at a repetition, and at whatever is out of order', () => {
    expect(numbers(cut(self, [peer(7), peer(9), peer(2)], 8))).toEqual([7, 9, 2])
    expect(numbers(cut(self, [peer(7), peer(5), peer(9)], 8))).toEqual([7])
    expect(numbers(cut(self, [peer(7), peer(7), peer(9)], 8))).toEqual([7])
    // 9 would fit, but what follows the first wrong entry was ordered for another place.
    expect(numbers(cut(self, [peer(8), peer(7), peer(9)], 8))).toEqual([8])
  })

  it('ends after enough other processes, or four times as many entries', () => {
    const shared = [peer(6, 'a'), peer(7, 'a'), peer(8, 'n5'), peer(9, 'b'), peer(10, 'c')]
    expect(numbers(cut(self, shared, 2))).toEqual([6, 7, 8, 9])
    const one = Array.from({ length: 20 }, (_, i) => peer(6 + i, 'a'))
    expect(cut(self, one, 2)).toHaveLength(8)
  })

  it('is a prefix of what it was given, ordered, without self', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12)), fc.integer({ min: 1, max: 16 }), (ids, distinct) => {
        const given = ids.map((id) => peer(id))
        const list = cut(self, given, distinct)
        expect(list).toEqual(given.slice(0, list.length))
        const steps = numbers(list).map((id) => (id - 5 + 2 ** 32) % 2 ** 32)
        expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b))
        expect(steps).not.toContain(0)
        expect(list.length).toBeLessThanOrEqual(distinct)
      }),
      { seed: 1 },
    )
  })
})

describe('the finger table', () => {
  it('takes one answer for all the fingers that it covers', () => {
    const table = new FingerTable(smallId(0))
    // 16 owns (4, 16]: the fingers that start at 8 and 16.
    expect(table.cover(smallId(4), peer(16), 3)).toBe(5)
    expect(numbers(table.distinct())).toEqual([16])
    // It does not cover what is asked for: nothing is set.
    expect(table.cover(smallId(100), peer(200), 5)).toBe(5)
    expect(table.cover(smallId(20), peer(40), 5)).toBe(6)
    expect(numbers(table.distinct())).toEqual([16, 40])
    expect(table.remove(peer(16))).toBe(true)
    expect(table.remove(peer(16))).toBe(false)
    expect(numbers(table.distinct())).toEqual([40])
  })

  it('has no finger to itself', () => {
    const table = new FingerTable(smallId(0))
    expect(table.cover(smallId(4), peer(0), 3)).toBe(160)
    expect(table.distinct()).toEqual([])
  })

  it('knows lives apart', () => {
    const table = new FingerTable(smallId(0))
    table.cover(smallId(4), peer(16), 3)
    expect(table.remove(peer(16, 'n16', 2n))).toBe(false)
  })
})

describe('the failure detector', () => {
  const someone = peer(1)

  it('follows round trips: average + 4 × deviation, within its bounds', () => {
    const detector = new FailureDetector(CONFIG)
    detector.alive(someone, 100)
    expect(detector.timeoutMs(someone)).toBe(300)
    for (let i = 0; i < 100; i++) detector.alive(someone, 100)
    expect(detector.timeoutMs(someone)).toBeGreaterThanOrEqual(100)
    expect(detector.timeoutMs(someone)).toBeLessThan(102)
    for (let i = 0; i < 100; i++) detector.alive(someone, 1)
    expect(detector.timeoutMs(someone)).toBe(CONFIG.probeMinMs)
    for (let i = 0; i < 100; i++) detector.alive(someone, 60_000)
    expect(detector.timeoutMs(someone)).toBe(CONFIG.probeMaxMs)
  })

  it('gives a stranger three times what others take: a connection, a hello and an answer', () => {
    const detector = new FailureDetector(CONFIG)
    expect(detector.timeoutMs(peer(2))).toBe(1_000)
    for (let i = 0; i < 50; i++) detector.alive(someone, 1)
    expect(detector.timeoutMs(peer(2))).toBe(150)
    for (let i = 0; i < 100; i++) detector.alive(someone, 200)
    expect(detector.timeoutMs(peer(2))).toBeGreaterThanOrEqual(600)
    expect(detector.timeoutMs(peer(2))).toBeLessThan(610)
  })

  it('gives more time after each miss, and takes several in a row for death', () => {
    const detector = new FailureDetector(CONFIG)
    for (let i = 0; i < 50; i++) detector.alive(someone, 1)
    const timeouts = [detector.timeoutMs(someone)]
    expect(detector.isSuspect(someone)).toBe(false)
    expect(detector.miss(someone, 0, 50)).toBe(false)
    expect(detector.isSuspect(someone)).toBe(true)
    expect(detector.isDead(someone)).toBe(false)
    timeouts.push(detector.timeoutMs(someone))
    expect(detector.miss(someone, 50, 200)).toBe(false)
    timeouts.push(detector.timeoutMs(someone))
    expect(detector.miss(someone, 200, 650)).toBe(true)
    expect(timeouts).toEqual([50, 150, 450])
    expect(detector.isDead(someone)).toBe(true)
  })

  it('counts what was asked before the last miss only once', () => {
    const detector = new FailureDetector(CONFIG)
    detector.miss(someone, 0, 50)
    for (let i = 1; i < 10; i++) expect(detector.miss(someone, i, 50 + i)).toBe(false)
  })

  it('forgives whoever answers, but not who has said goodbye', () => {
    const detector = new FailureDetector(CONFIG)
    detector.proveDead(someone)
    expect(detector.alive(someone, 1)).toBe(true)
    expect(detector.isDead(someone)).toBe(false)
    expect(detector.alive(someone, 1)).toBe(false)
    detector.departed(someone)
    expect(detector.alive(someone, 1)).toBe(false)
    expect(detector.isDead(someone)).toBe(true)
    expect(detector.isDead(peer(1, 'n1', 2n))).toBe(false)
  })

  it('takes a question for a sound, not for a sign of life', () => {
    const detector = new FailureDetector(CONFIG)
    detector.miss(someone, 0, 50)
    detector.heard(someone, 60)
    expect(detector.lastHeardMs(someone)).toBe(60)
    expect(detector.isSuspect(someone)).toBe(true)
  })

  it('does not grow for ever', () => {
    const detector = new FailureDetector(CONFIG)
    detector.proveDead(someone)
    for (let i = 2; i < 5000; i++) detector.proveDead(peer(i))
    expect(detector.isDead(someone)).toBe(false)
  })
})

describe('remembered peers', () => {
  it('are listed most recently alive first, and the least recent is forgotten', () => {
    const remembered = new RememberedPeers(3)
    for (const id of [1, 2, 3]) remembered.add(peer(id), true)
    remembered.add(peer(1), true)
    remembered.add(peer(2), false)
    expect(numbers(remembered.list())).toEqual([1, 3, 2])
    remembered.add(peer(4), true)
    expect(numbers(remembered.list())).toEqual([4, 1, 3])
  })

  it('keep the later life of a peer', () => {
    const remembered = new RememberedPeers(3)
    remembered.add(peer(1, 'n1', 2n), false)
    remembered.add(peer(1, 'n1', 1n), true)
    expect(remembered.of(smallId(1))?.incarnation).toBe(2n)
    remembered.forget(peer(1, 'n1', 1n))
    expect(remembered.list()).toHaveLength(1)
    remembered.forget(peer(1, 'n1', 2n))
    expect(remembered.list()).toHaveLength(0)
  })

  it('are asked in turn, strangers before those that are heard of all the time', () => {
    const remembered = new RememberedPeers(8)
    for (const id of [1, 2, 3]) remembered.add(peer(id), true)
    remembered.add(peer(9), true)
    for (const id of [1, 2, 3]) remembered.add(peer(id), true)
    expect(remembered.nextInTurn()?.id.w4).toBe(9)
    const turns = [0, 1, 2, 3].map(() => remembered.nextInTurn()?.id.w4)
    expect(turns).toEqual([1, 2, 3, 9])
    expect(new RememberedPeers(1).nextInTurn()).toBeUndefined()
  })
})

describe('the next hop', () => {
  /** Node 0 between 90 and 10, with successors 10, 20, 30 and a finger at 64. */
  function node(): ChordNode {
    const made = new ChordNode({ self: peer(0), config: CONFIG, random: streamOf(1) })
    const { core } = made
    core.setStatus('joining')
    core.follow([peer(10), peer(20), peer(30)], 0)
    core.setPredecessor(peer(90), true)
    core.setRange({ after: smallId(90), upTo: smallId(0) }, { cause: 'create' })
    core.fingers.cover(smallId(60), peer(64), 6)
    return made
  }
  const decide = (made: ChordNode, key: number, final = false, steps = 0, attempt = 0) => {
    const decision = route([made], smallId(key), final, steps, attempt)
    return decision.kind === 'forward'
      ? `${decision.to.id.w4}${decision.final ? ' final' : ''} ${decision.finalSteps}`
      : decision.kind
  }

  it('is the owner where the list says who that is, or else the closest before the key', () => {
    expect(decide(node(), 95)).toBe('deliver')
    expect(decide(node(), 0)).toBe('deliver')
    expect(decide(node(), 10)).toBe('10 final 0')
    expect(decide(node(), 11)).toBe('20 final 0')
    expect(decide(node(), 50)).toBe('30 0')
    expect(decide(node(), 80)).toBe('64 0')
  })

  it('is another one at another attempt', () => {
    expect(decide(node(), 80, false, 0, 1)).toBe('30 0')
    expect(decide(node(), 80, false, 0, 2)).toBe('20 0')
    expect(decide(node(), 80, false, 0, 9)).toBe('10 0')
  })

  it('stays the same when the table is prepared for many searches, until it changes', () => {
    const made = node()
    const all = (attempt: number) => Array.from({ length: 128 }, (_, key) => decide(made, key, false, 0, attempt))
    const first = [all(0), all(1)]
    for (let i = 0; i < 5; i++) expect([all(0), all(1)]).toEqual(first)
    made.core.detector.miss(peer(64), 0, 1)
    made.core.tableVersion++
    expect(decide(made, 80)).toBe('30 0')
  })

  it('is never a suspect', () => {
    const made = node()
    made.core.detector.miss(peer(64), 0, 1)
    made.core.detector.miss(peer(10), 0, 1)
    made.core.tableVersion++
    expect(decide(made, 80)).toBe('30 0')
    expect(decide(made, 5)).toBe('20 final 0')
  })

  it('of a frame that was meant for us is our predecessor, at most eight times', () => {
    expect(decide(node(), 50, true, 0)).toBe('90 final 1')
    expect(decide(node(), 50, true, 7)).toBe('90 final 8')
    expect(decide(node(), 50, true, 8)).toBe('unsettled')
    const made = node()
    made.core.detector.miss(peer(90), 0, 1)
    expect(decide(made, 50, true, 0)).toBe('unsettled')
    made.core.setPredecessor(undefined, false)
    expect(decide(made, 50, true, 0)).toBe('unsettled')
  })

  it('of one whose range has not been granted yet is its successor, who serves meanwhile', () => {
    const made = node()
    made.core.range = undefined
    expect(decide(made, 95, true, 0)).toBe('10 final 1')
  })

  it('of two virtual nodes is the best that either knows', () => {
    const far = new ChordNode({ self: peer(60, 'n0'), config: CONFIG, random: streamOf(1) })
    far.core.setStatus('joining')
    far.core.follow([peer(70), peer(80)], 0)
    const decision = route([node(), far], smallId(75), false, 0, 0)
    expect(decision).toMatchObject({ kind: 'forward', to: peer(80), final: true })
  })
})
