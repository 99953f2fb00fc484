import { describe, expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import { EventQueue } from '../../src/sim/queue.ts'
import { streamOf } from '../../src/sim/random.ts'
import { Simulation } from '../../src/sim/simulation.ts'
import { Trace } from '../../src/sim/trace.ts'
import { combineHashes, TraceHash } from '../../src/sim/trace-hash.ts'

describe('the queue', () => {
  it.each([1, 2, 3])('gives what is due first, and of one instant what came first (seed %d)', (seed) => {
    const random = streamOf(seed)
    const queue = new EventQueue<{ atMs: number; order: number }>()
    const waiting: { atMs: number; order: number }[] = []
    for (let order = 0; order < 600; order++) {
      const item = { atMs: random.below(50), order }
      queue.push(item.atMs, item)
      waiting.push(item)
      if (random.chance(40)) {
        waiting.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
        expect(queue.nextMs()).toBe(waiting[0]?.atMs)
        expect(queue.pop()).toBe(waiting.shift())
      }
    }
    waiting.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    for (const item of waiting) expect(queue.pop()).toBe(item)
    expect([queue.size, queue.pop(), queue.nextMs()]).toEqual([0, undefined, Number.POSITIVE_INFINITY])
  })
})

describe('streams', () => {
  it('are as random as a test can tell', () => {
    const random = streamOf(1, 'node', 'a')
    const buckets = new Array(16).fill(0)
    for (let i = 0; i < 16_000; i++) buckets[random.below(16)]++
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150)
    let heads = 0
    for (let i = 0; i < 10_000; i++) heads += random.chance(30) ? 1 : 0
    expect(heads / 10_000).toBeCloseTo(0.3, 1)
    const between = Array.from({ length: 1_000 }, () => random.between(5, 6))
    expect(Math.min(...between)).toBeGreaterThanOrEqual(5)
    expect(Math.max(...between)).toBeLessThan(6)
  })

  it('differ by seed and by every label', () => {
    const first = new Set([
      streamOf(1).nextUint32(),
      streamOf(2).nextUint32(),
      streamOf(2 ** 33 + 1).nextUint32(),
      streamOf(1, 'a').nextUint32(),
      streamOf(1, 'a', 0).nextUint32(),
      streamOf(1, 'a', 1).nextUint32(),
      streamOf(1, 1, 'a').nextUint32(),
      streamOf(1, 'ab').nextUint32(),
      streamOf(1, 'a', 'b').nextUint32(),
    ])
    expect(first.size).toBe(9)
  })

  it('are the same everywhere and for ever', () => {
    const random = streamOf(42, 'link', 'a', 'b')
    expect([random.nextUint32(), random.nextUint32(), random.at(3, 7)]).toMatchInlineSnapshot(`
      [
        420187691,
        4037687864,
        889170765,
      ]
    `)
  })
})

describe('the hash of a run', () => {
  const run = (seed: number, lookups = 0) => {
    const simulation = new Simulation({ seed, conditions: { lossPercent: 1, delay: { kind: 'heavy', medianMs: 5 } } })
    const hash = new TraceHash(simulation)
    simulation.observe(hash)
    for (let i = 0; i < 8; i++)
      simulation.start({ address: `n${i}`, ids: [Id.hash(`${i}`)], ...(i > 0 && { via: 'n0' }) })
    simulation.run(5_000)
    for (let i = 0; i < lookups; i++) simulation.lookup('n3', Id.hash(`key ${i}`))
    simulation.crash('n5')
    simulation.run(5_000)
    simulation.restart('n5')
    simulation.leave('n2')
    simulation.run(5_000)
    return hash.digest
  }

  it('is the same for the same run, and another for any other', () => {
    expect(run(1)).toBe(run(1))
    expect(new Set([run(1), run(2), run(1, 1)]).size).toBe(3)
  })

  it('of many runs heeds their order', () => {
    expect(combineHashes(['a', 'b'])).toBe(combineHashes(['a', 'b']))
    expect(combineHashes(['a', 'b'])).not.toBe(combineHashes(['b', 'a']))
  })
})

it('a trace reads well', () => {
  const simulation = new Simulation({ conditions: { delay: { kind: 'constant', ms: 1 } } })
  const lines: string[] = []
  simulation.observe(new Trace(simulation, (line) => lines.push(line.trim())))
  simulation.start({ address: 'n1', ids: [new Id(0, 0, 0, 0, 1)], incarnation: 1n })
  simulation.start({ address: 'n2', ids: [new Id(0, 0, 0, 0, 2)], via: 'n1', incarnation: 1n })
  simulation.run(4)
  expect(lines.slice(0, 8)).toMatchInlineSnapshot(`
    [
      "0.00  n1.1 starts as 1",
      "0.00  n1.1: state previous new current joining",
      "0.00  n1.1: range range (1, 1] epoch 1 gained [(1, 1]] lost [] from - to - cause create",
      "0.00  n1.1: state previous joining current member",
      "0.00  n2.2 starts as 1",
      "0.00  n2.2: state previous new current joining",
      "1.00  n2.2 → n1.1  closest key 2 joiner true",
      "2.00  n1.1 → n2.2  closestKnown done true successors [] next [] conflict -",
    ]
  `)
})
