/** A machine that vanishes refuses nothing. What is handed to it makes its neighbors ask, long before their timers do. */
import { expect, test } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { EndedLookup } from '../../src/sim/observer.ts'
import { placeIdeal } from '../../src/sim/placement.ts'
import { Simulation } from '../../src/sim/simulation.ts'

/** Upkeep that would notice after half a minute. */
const SLOW = { stabilizeMinMs: 60_000, stabilizeMaxMs: 60_000, fingersMinMs: 900_000, fingersMaxMs: 900_000 }

function slowRing(count: number): Simulation {
  const simulation = new Simulation({ seed: 5, config: { ...SLOW, selfLookupMs: 900_000 } })
  const random = simulation.stream('ids')
  const word = () => random.nextUint32()
  const nodes = Array.from({ length: count }, (_, i) => {
    return { id: new Id(word(), word(), word(), word(), word()), address: `n${i}` }
  })
  placeIdeal(simulation, { nodes })
  simulation.run(130_000)
  return simulation
}

function lookUp(simulation: Simulation, from: string, key: Parameters<Simulation['lookup']>[1]): EndedLookup {
  const ended: EndedLookup[] = []
  simulation.lookup(from, key, { done: (lookup) => ended.push(lookup) })
  while (ended.length === 0 && simulation.step());
  return ended[0] as EndedLookup
}

test('a look-up finds the owner who takes over from a vanished one, within its time', () => {
  const simulation = slowRing(16)
  const members = simulation.sorted()
  const [asker, , owner, heir] = members.map(({ node }) => node)
  const key = owner!.self.id
  simulation.vanish(owner!.self.address)
  const { answer, failure } = lookUp(simulation, asker!.self.address, key)
  expect(failure).toBeUndefined()
  expect(answer?.owner.id).toEqual(heir!.self.id)
})

test('a vanished finger is suspect as soon as it has swallowed a frame', () => {
  const simulation = slowRing(64)
  const members = simulation.sorted().map(({ node }) => node)
  const asker = members[0]!
  const finger = asker.core.fingers.distinct().at(-1)!
  simulation.vanish(finger.address)
  // Far enough behind the finger for it to be the first hop.
  const index = members.findIndex(({ self }) => self.id.equals(finger.id))
  const { failure, timeouts } = lookUp(simulation, asker.self.address, members[(index + 12) % members.length]!.self.id)
  expect(failure).toBeUndefined()
  expect(timeouts).toBeGreaterThan(0)
  expect(asker.core.detector.isSuspect(finger)).toBe(true)
})

/** Whoever hands it a single frame is `before` places before it; the ring must have mended itself a few seconds later. */
function takenOver(simulation: Simulation, before: number, route: 'recursive' | 'iterative'): string[] {
  const members = simulation.sorted().map(({ node }) => node)
  const at = 30
  const owner = members[at]!
  simulation.vanish(owner.self.address)
  simulation.lookup(members[at - before]!.self.address, owner.self.id, { route, retry: false })
  simulation.run(5_000)
  return simulation.flaws()
}

test.each(['recursive', 'iterative'] as const)(
  'one %s look-up from further back is enough for the neighbors to know',
  (route) => {
    expect(takenOver(slowRing(64), 6, route)).toEqual([])
  },
)

test('the way to its predecessor is found where lists are behind', () => {
  const simulation = slowRing(64)
  const members = simulation.sorted().map(({ node }) => node)
  const behind = members[24]!
  // It has not heard yet of the two who lie right before the one that vanishes.
  const missing = new Set(members.slice(28, 30).map(({ self }) => String(self.id)))
  behind.core.setSuccessors(
    behind.successors.filter(({ id }) => !missing.has(String(id))),
    simulation.nowMs,
  )
  behind.core.timers.stabilizeMs = Number.POSITIVE_INFINITY
  behind.core.tableVersion++
  expect(takenOver(simulation, 6, 'recursive')).toEqual([])
})

test('without a frame for it nobody asks before its time', () => {
  const simulation = slowRing(64)
  simulation.vanish(simulation.sorted()[30]!.node.self.address)
  simulation.run(5_000)
  expect(simulation.flaws()).not.toEqual([])
})

test('who asks the way itself gets past a silent predecessor of the owner, through who precedes both', () => {
  const simulation = slowRing(64)
  const members = simulation.sorted().map(({ node }) => node)
  const [silent, owner] = [members[30]!, members[31]!]
  simulation.vanish(silent.self.address)
  const ended: EndedLookup[] = []
  const key = silent.self.id.addPowerOfTwo(0)
  simulation.lookup(members[2]!.self.address, key, { route: 'iterative', done: (lookup) => ended.push(lookup) })
  simulation.run(2_000)
  expect(ended[0]?.answer?.owner.id).toEqual(owner.self.id)
  expect(ended[0]?.attempts).toBe(1)
})
