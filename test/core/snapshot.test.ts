/**
 * A core that is made of another's snapshot goes on like it. In random lives, every node gets a double: made of its
 * snapshot, by way of JSON, again and again. Whatever the node is told the double is told too, and must answer the same.
 */
import { describe, expect, it } from 'vitest'
import type { ChordNode } from '../../src/core/chord-node.ts'
import { hashOf } from '../../src/core/digest.ts'
import { Id } from '../../src/core/id.ts'
import { fromPlain, type Json, toPlain } from '../../src/core/plain.ts'
import { type CoreState, digest, restore, snapshot } from '../../src/core/snapshot.ts'
import { Performer } from '../../src/sim/performer.ts'
import { type Stream, streamOf } from '../../src/sim/random.ts'
import { Simulation } from '../../src/sim/simulation.ts'
import { swarm } from '../../src/sim/swarm.ts'
import { add, smallId } from './ring.ts'

const INPUTS = [
  'create',
  'join',
  'contact',
  'compareRings',
  'leave',
  'handleMessage',
  'handleTimeout',
  'refused',
  'departed',
  'connectionLost',
  'silent',
  'handedOver',
] as const

/** Gives every node of a ring doubles; counts what has been compared. */
class Doubles {
  compared = 0
  readonly #random: Stream
  readonly #known = new WeakSet<ChordNode>()

  constructor(ring: Simulation) {
    this.#random = ring.stream('doubles')
    ring.observe({ started: ({ node }) => this.#meet(node) })
  }

  #meet(node: ChordNode): void {
    if (this.#known.has(node)) return
    this.#known.add(node)
    const { core } = node
    const { random } = core
    const draws: number[] = []
    const tap = {
      nextUint32: () => {
        const drawn = random.nextUint32()
        draws.push(drawn)
        return drawn
      },
    }
    Object.assign(core, { random: tap })
    let double: ChordNode | undefined
    const renew = (): void => {
      const state = fromPlain(JSON.parse(JSON.stringify(toPlain(snapshot(node)))) as Json) as CoreState
      const replayed = { nextUint32: () => draws.shift() ?? -1 }
      double = restore(state, { self: node.self, config: core.config, random: replayed })
      expect(digest(double)).toBe(digest(node))
    }
    let inside = false
    for (const input of INPUTS) {
      const give = node[input].bind(node) as (...args: unknown[]) => void
      const wrapped = (...args: unknown[]): void => {
        // `compareRings` is a `contact`, too: what it does inside is not told twice.
        if (inside) return give(...args)
        if (this.#random.below(20) === 0) renew()
        draws.length = 0
        inside = true
        give(...args)
        inside = false
        if (double === undefined) return
        ;(double[input] as (...args: unknown[]) => void)(...args)
        // `expect` is slow, and there are many of these.
        if (draws.length > 0 || hashOf(double.core.outputs) !== hashOf(core.outputs)) {
          expect.unreachable(`${node.self.id} and its double part at ${input} ${JSON.stringify(toPlain(args))}`)
        }
        if (this.#random.below(16) === 0) expect(digest(double)).toBe(digest(node))
        while (double.poll() !== undefined);
        this.compared++
      }
      Object.assign(node, { [input]: wrapped })
    }
  }
}

/** Seeds of small rings. */
const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1).filter(
  (seed) => swarm(seed).actions.filter(({ verb }) => verb === 'start').length < 12,
)

describe('a snapshot', () => {
  it('goes on like the node that it was taken of', () => {
    let compared = 0
    for (const { seed, settings, actions } of SEEDS.slice(0, 8).map(swarm)) {
      const performer = new Performer(seed, settings)
      const doubles = new Doubles(performer.simulation)
      for (const action of actions) performer.perform(action)
      compared += doubles.compared
    }
    expect(compared).toBeGreaterThan(10_000)
  })

  it('is not touched by what the node does next, nor by the nodes made of it', () => {
    const ring = new Simulation({ seed: 7 })
    const node = add(ring, smallId(10))
    for (const n of [20, 30, 40, 50, 60]) add(ring, smallId(n), node.self.address)
    // In the middle of a look-up that has asked others already.
    while (![...node.core.lookups.values()].some(({ asked }) => asked.size > 1)) ring.run(1)
    const state = snapshot(node)
    const taken = hashOf(state)
    const other = restore(state, { self: node.self, config: node.core.config, random: streamOf(1) })
    ring.crash(node.core.successors[0]?.address ?? '')
    ring.run(5_000)
    expect(hashOf(state)).toBe(taken)
    expect(digest(other)).not.toBe(digest(node))
    other.handleTimeout(ring.nowMs)
    expect(hashOf(state)).toBe(taken)
  })

  it('tells states apart', () => {
    const node = add(new Simulation({ seed: 7 }), smallId(10))
    const before = digest(node)
    node.core.remembered.add({ id: smallId(5), address: 'n5', incarnation: 1n }, true)
    expect(digest(node)).not.toBe(before)
  })
})

describe('plain data', () => {
  it('comes back as it was', () => {
    const value = {
      id: Id.hash('x'),
      big: -(2n ** 63n),
      map: new Map<unknown, unknown>([[1, new Set(['a', Number.POSITIVE_INFINITY])]]),
      list: [undefined, null, Number.NEGATIVE_INFINITY, 0.1],
    }
    const json = JSON.parse(JSON.stringify(toPlain(value))) as Json
    expect(fromPlain(json)).toEqual(value)
    expect(hashOf(fromPlain(json))).toBe(hashOf(value))
  })

  it.each([{ $id: 'x' }, { $n: 'one' }, { $map: [[1]] }, { $f: 'NaN' }, { $x: 1 }])('refuses %j', (json) => {
    expect(() => fromPlain(json as Json)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
  })
})
