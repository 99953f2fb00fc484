/** Nothing of a neighbor's list is followed behind the place where it is out of order; an oracle watches over it. */
import { describe, expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { Peer } from '../../src/core/messages.ts'
import type { SimMember } from '../../src/sim/observer.ts'
import { Oracles } from '../../src/sim/oracles/oracles.ts'
import { Simulation } from '../../src/sim/simulation.ts'

const IDS = [0, 2, 4, 6, 8]

/** Node 0 is told a list by node 2, and has another list after that. */
function tell(told: readonly number[], o: { before: readonly number[]; after: readonly number[]; later?: boolean }) {
  const simulation = new Simulation({ seed: 1 })
  const oracles = new Oracles(simulation, { only: ['hearsay'] })
  simulation.observe(oracles)
  for (const id of IDS) {
    simulation.start({ address: `n${id}`, ids: [new Id(0, 0, 0, 0, id)], ...(id !== 0 && { via: 'n0' }) })
    simulation.run(500)
  }
  simulation.run(10_000)
  const member = (id: number) => simulation.at(`n${id}`)[0] as SimMember
  const peers = (list: readonly number[]): Peer[] => list.map((id) => member(id).node.self)
  const has = (list: readonly number[]) => {
    member(0).node.core.successors = peers(list)
    oracles.stepped(member(0), 'message')
  }
  has(o.before)
  const message = { type: 'neighbors', predecessor: undefined, successors: peers(told), leaving: false } as const
  oracles.input(member(0), { kind: 'message', from: member(2).node.self, request: 1, message })
  if (o.later === true) oracles.input(member(0), { kind: 'timeout' })
  has(o.after)
  return oracles.violations.map(({ text }) => text)
}

describe('a list that is out of order', () => {
  it('is followed as far as it is in order', () => {
    expect(tell([4, 8, 6], { before: [2, 4], after: [2, 4, 8] })).toEqual([])
  })

  it('is not followed behind that, nor without what is in the wrong place', () => {
    expect(tell([6, 4, 8], { before: [2, 4], after: [2, 6, 8] })).toEqual([
      '0 was told [2 6 4 8], out of order, and took [2 6 8]',
    ])
    expect(tell([6, 4, 8], { before: [2, 4, 6, 8], after: [2, 4, 6] })).toHaveLength(1)
  })

  it('may be forgotten: what changes later has other reasons', () => {
    expect(tell([6, 4, 8], { before: [2, 4], after: [2, 6, 8], later: true })).toEqual([])
  })

  it('may go unheeded', () => {
    expect(tell([6, 4, 8], { before: [2, 4, 6], after: [4, 6, 8] })).toEqual([])
  })
})

it('a list in order, that goes on beyond who hears it, has its end there', () => {
  expect(tell([4, 6, 8, 0], { before: [2, 4], after: [2, 4, 6, 8] })).toEqual([])
})

it('on corrupted links rings hear such lists, and heal', () => {
  const simulation = new Simulation({ seed: 1, conditions: { corruptPercent: 10 } })
  const oracles = new Oracles(simulation)
  simulation.observe(oracles)
  for (let i = 0; i < 8; i++)
    simulation.start({ address: `n${i}`, ids: [Id.hash(`n${i}`)], ...(i > 0 && { via: 'n0' }) })
  simulation.run(60_000)
  expect(oracles.summary().listsOutOfOrder).toBeGreaterThan(5)
  simulation.conditions({ corruptPercent: 0 })
  simulation.settle(60_000)
  expect(oracles.violations).toEqual([])
})
