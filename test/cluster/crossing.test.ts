/** What goes from thread to thread comes back as what it was. */
import { expect, test } from 'vitest'
import { pack, unpack } from '../../src/cluster/crossing.ts'
import { totalOf } from '../../src/cluster/metrics.ts'
import { ChordError, createNode, Id } from '../../src/index.ts'

const cross = (value: unknown) => unpack(structuredClone(pack(value)))

test('ids, big integers and what holds them', () => {
  const peer = { id: Id.hash('a'), address: '127.0.0.1:1', incarnation: 2n ** 63n }
  const change = {
    member: { ...peer, successors: [peer], epoch: 7n },
    gained: [],
    from: undefined,
    bytes: Uint8Array.of(1),
  }
  const back = cross(change) as typeof change
  expect(back).toEqual(change)
  expect(back.member.successors[0]!.id).toBeInstanceOf(Id)
  expect(String(back.member.id)).toBe(String(peer.id))
})

test('what has a class keeps its fields, and the ids among them', () => {
  class Peer {
    readonly id = Id.hash('a')
  }
  expect((cross(new Peer()) as Peer).id).toBeInstanceOf(Id)
})

test('errors, their codes and their causes', () => {
  const cause = Object.assign(new TypeError('inner'), { code: 'E_INNER' })
  const error = new ChordError('ERR_STATE', 'outer', { cause })
  const back = cross(error) as ChordError & { cause: TypeError & { code: string } }
  expect(back).toBeInstanceOf(ChordError)
  expect(back).toMatchObject({ code: 'ERR_STATE', message: 'outer', stack: error.stack })
  expect(back.cause).toBeInstanceOf(Error)
  expect(back.cause).toMatchObject({ name: 'TypeError', message: 'inner', code: 'E_INNER' })
  expect(cross(new ChordError('ERR_STATE', 'no cause'))).not.toHaveProperty('cause')
})

test('whatever an application throws', () => {
  const loop = new Error('loop')
  loop.cause = loop
  expect((cross(loop) as Error).message).toBe('loop')
  expect(cross({ fn: () => 1, symbol: Symbol('s'), map: new Map([[1, 2]]) })).toEqual({
    fn: '() => 1',
    symbol: 'Symbol(s)',
    map: new Map([[1, 2]]),
  })
  expect(cross(new WeakMap())).toBe('[object WeakMap]')
  expect(cross(undefined)).toBeUndefined()
  expect(cross(null)).toBeNull()
})

test('sums have all that one has', () => {
  const one = createNode().metrics()
  const sum = totalOf([one, one], 'member', 'tcp')
  expect(Object.keys(sum).sort()).toEqual(Object.keys(one).sort())
  expect(Object.keys(totalOf([], 'joining', 'tcp')).sort()).toEqual(Object.keys(one).sort())
})

test('counters are added, peaks are not', () => {
  const one = createNode().metrics()
  const wire = { ...one.wire, framesIn: 5, openMax: 3, framesPerBatch: [1, 2] }
  const a = { ...one, members: 1, wire, closed: { idle: 1 } }
  const b = { ...a, members: 2, wire: { ...wire, openMax: 2 }, closed: { idle: 2, error: 1 } }
  const sum = totalOf([a, b], 'member', 'native')
  expect(sum).toMatchObject({ state: 'member', transport: 'native', members: 3, closed: { idle: 3, error: 1 } })
  expect(sum.wire).toMatchObject({ framesIn: 10, openMax: 3 })
  expect(sum.wire.framesPerBatch.slice(0, 3)).toEqual([2, 4, 0])
})
