import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { Id } from '../../src/core/id.ts'
import { Oracles } from '../../src/sim/oracles/oracles.ts'
import { DEFAULT_CONFIG, Simulation } from '../../src/sim/simulation.ts'

const smallId = (n: number) => new Id(0, 0, 0, 0, n)

function ringOf(...ids: number[]) {
  const simulation = new Simulation({ seed: 1 })
  const oracles = new Oracles(simulation)
  simulation.observe(oracles)
  for (const id of ids) {
    simulation.start({ address: `n${id}`, ids: [smallId(id)], ...(id !== ids[0] && { via: `n${ids[0]}` }) })
    simulation.run(500)
  }
  simulation.run(10_000)
  return { simulation, oracles }
}

test('a leaver that gives up on the last whom it waits for has nothing more to say', () => {
  // Its predecessor died in silence a while ago, and another has called: it depends on the moment whether it finds that out
  // while it says goodbye.
  for (let silentMs = 600; silentMs < 3200; silentMs += 40) {
    const { simulation, oracles } = ringOf(0, 2, 4, 6)
    simulation.vanish('n2')
    simulation.run(silentMs)
    simulation.leave('n4')
    simulation.run(3000)
    expect(simulation.isAlive('n4')).toBe(false)
    expect(oracles.violations).toEqual([])
  }
})

test('nor has one that finds that all of a process are gone, when the first of them was all that it waited for', () => {
  const peer = (n: number, address: string) => ({ id: smallId(n), address, incarnation: 1n })
  const random = { nextUint32: () => 1 }
  const node = new ChordNode({ self: peer(4, 'n4'), config: DEFAULT_CONFIG, random })
  const [before, after] = [peer(2, 'other'), peer(6, 'other')]
  node.core.follow([after], 0)
  node.core.setPredecessor(before, true)
  node.core.departure = { phase: 'sayingGoodbye', heard: new Set(), named: [], leavingToo: new Set(), goodbyesLeft: 1 }
  node.core.ask(before, { type: 'left', successors: [after] }, { kind: 'left' }, 0)
  node.departed('other', 100)
  const outputs = []
  for (let output = node.poll(); output !== undefined; output = node.poll()) outputs.push(output)
  expect(outputs.at(-1)).toMatchObject({ kind: 'event', event: { type: 'state', current: 'left' } })
})

test('who is isolated and serves alone, though it was told to wait, is found', () => {
  const { simulation, oracles } = ringOf(0, 4)
  const member = [...simulation.members()][0]
  if (member === undefined) throw new Error('nobody')
  const { core } = member.node
  core.status = 'isolated'
  core.successors = []
  core.sole = true
  oracles.stepped(member, 'timeout')
  expect(oracles.violations.map(({ text }) => text)).toContain('isolated, and serves alone though it should wait')
})

test('what is not in the graph of statuses, and events after the end, are found', () => {
  const { simulation, oracles } = ringOf(0, 4)
  const member = [...simulation.members()][0]
  if (member === undefined) throw new Error('nobody')
  oracles.event(member, { type: 'state', previous: 'member', current: 'joining' })
  oracles.event(member, { type: 'state', previous: 'member', current: 'new' })
  oracles.event(member, { type: 'state', previous: 'new', current: 'leaving' })
  oracles.event(member, { type: 'state', previous: 'leaving', current: 'left' })
  oracles.event(member, { type: 'peerUp', peer: member.node.self })
  expect(oracles.violations.map(({ text }) => text)).toEqual([
    'member → joining',
    'says that it was member, and was joining',
    'member → new',
    'peerUp after it left',
  ])
})

test('a split is followed by a merge', () => {
  const { simulation, oracles } = ringOf(0, 2, 4, 6)
  const peer = simulation.at('n4')[0]?.node.self
  const member = simulation.at('n0')[0]
  if (member === undefined || peer === undefined) throw new Error('nobody')
  oracles.event(member, { type: 'merged', peer })
  expect(oracles.violations.map(({ text }) => text.slice(0, 11))).toEqual(['merged with'])
  oracles.event(member, { type: 'split', peer })
  oracles.calm({ delayMs: 3 })
  simulation.run(oracles.quietMs + 1000)
  oracles.end()
  expect(oracles.violations.map(({ text }) => text)[1]).toContain('reported a split from')
})

test('also where those die through whom the other ring was found', () => {
  const peer = (n: number) => ({ id: smallId(n), address: `n${n}`, incarnation: 1n })
  const [via, stranger] = [peer(8), peer(12)]
  const node = new ChordNode({ self: peer(4), config: DEFAULT_CONFIG, random: { nextUint32: () => 1 } })
  node.create(0)
  node.core.follow([peer(6)], 0)
  node.core.splits.set('8', { via, stranger })
  const outputs = (nowMs: number) => {
    node.handleTimeout(nowMs)
    const all = []
    for (let output = node.poll(); output !== undefined; output = node.poll()) all.push(output)
    return all
  }
  node.core.detector.proveDead(via)
  expect(outputs(10_000)).toContainEqual(
    expect.objectContaining({
      kind: 'send',
      to: stranger,
      message: { type: 'closest', key: smallId(4), joiner: false },
    }),
  )
  node.refused(stranger.address, 10_001)
  // Every third self look-up follows a split up.
  expect([20_000, 30_000, 40_000].flatMap(outputs)).toContainEqual({
    kind: 'event',
    event: { type: 'merged', peer: stranger },
  })
})
