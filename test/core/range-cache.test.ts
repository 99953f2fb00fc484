import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NO_ARC } from '../../src/core/arc-table.ts'
import { Id } from '../../src/core/id.ts'
import type { Peer } from '../../src/core/messages.ts'
import { arcsOf, RangeCache } from '../../src/core/range-cache.ts'

const POINTS = 24
/** Points that differ in their first word, and points that differ in their last. */
const point = (n: number) => (n % 2 === 0 ? new Id(n << 26, 0, 0, 0, 0) : new Id((n - 1) << 26, 0, 0, 0, n))
const points = Array.from({ length: POINTS }, (_, n) => point(n))

function peer(n: number, incarnation = 1n, address = `10.0.0.${n}:4000`): Peer {
  return { id: point(n), address, incarnation }
}

/** Who owns each point, as far as is known: as slow as can be, and with no order in it. */
class Model {
  owners: ({ n: number; incarnation: bigint; epoch: bigint } | undefined)[] = new Array(POINTS).fill(undefined)
  said = new Map<number, { incarnation: bigint; epoch: bigint; learntMs: number }>()

  learn(n: number, after: number, incarnation: bigint, epoch: bigint, nowMs: number): void {
    const known = this.said.get(n)
    if (known !== undefined && incarnation < known.incarnation) return
    if (known !== undefined && incarnation === known.incarnation && epoch < known.epoch) return
    const taken = new Set(steps(after, n))
    this.forget(n)
    for (const other of [...this.said.keys()]) {
      if (taken.has(other)) this.forget(other)
      else if (this.of(other).some((at) => taken.has(at))) this.keepOnly(other, new Set(steps(n, other)))
    }
    for (const at of taken) this.owners[at] = { n, incarnation, epoch }
    this.said.set(n, { incarnation, epoch, learntMs: nowMs })
  }

  of(n: number): number[] {
    return this.owners.flatMap((owner, at) => (owner?.n === n ? [at] : []))
  }

  keepOnly(n: number, kept: Set<number>): void {
    for (const at of this.of(n)) if (!kept.has(at)) this.owners[at] = undefined
  }

  forget(n: number): void {
    this.keepOnly(n, new Set())
    this.said.delete(n)
  }
}

/** (after, upTo] on the ring; the whole ring if both are one. */
function steps(after: number, upTo: number): number[] {
  const out: number[] = []
  let at = after
  do {
    at = (at + 1) % POINTS
    out.push(at)
  } while (at !== upTo)
  return out
}

const n = fc.nat(POINTS - 1)
const learn = fc.record({
  kind: fc.constant('learn' as const),
  n,
  after: n,
  incarnation: fc.bigInt(1n, 3n),
  epoch: fc.bigInt(0n, 4n),
})
const forgetKey = fc.record({ kind: fc.constant('key' as const), n })
const forgetAddress = fc.record({ kind: fc.constant('address' as const), n })
const expire = fc.record({ kind: fc.constant('expire' as const), backMs: fc.nat(30) })
const step = fc.oneof({ weight: 6, arbitrary: learn }, forgetKey, forgetAddress, expire)

describe('ranges that others own', () => {
  test('are what a table of all points says, whatever comes in whatever order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), (all, searchesMuch) => {
        const cache = new RangeCache(100)
        const model = new Model()
        let nowMs = 100
        for (const one of all) {
          nowMs++
          if (one.kind === 'learn') {
            const range = { after: point(one.after), upTo: point(one.n) }
            cache.learn(peer(one.n, one.incarnation), range, one.epoch, nowMs)
            model.learn(one.n, one.after, one.incarnation, one.epoch, nowMs)
          } else if (one.kind === 'key') {
            cache.forgetKey(point(one.n))
            const owner = model.owners[one.n]
            if (owner !== undefined) model.forget(owner.n)
          } else if (one.kind === 'address') {
            cache.forgetAddress(peer(one.n).address)
            model.forget(one.n)
          } else {
            cache.expire(nowMs - one.backMs)
            for (const [owner, { learntMs }] of model.said) if (learntMs < nowMs - one.backMs) model.forget(owner)
          }
          if (searchesMuch) for (let i = 0; i < 300; i++) cache.find(points[i % POINTS]!)
          const found = points.map((key) => cache.find(key))
          expect(found.map((range) => range && [range.owner.id, range.owner.incarnation, range.epoch])).toEqual(
            model.owners.map((owner) => owner && [point(owner.n), owner.incarnation, owner.epoch]),
          )
          expect(cache.size).toBe(model.said.size)
          const arcs = arcsOf(cache.all)
          expect(points.map((key) => arcs.find(key))).toEqual(
            found.map((range) => (range === undefined ? NO_ARC : cache.all.indexOf(range))),
          )
        }
      }),
      { numRuns: 300 },
    )
  })

  test('the oldest give way to new ones', () => {
    const cache = new RangeCache(3)
    const learn = (n: number, ms: number) => cache.learn(peer(n), { after: point(n - 1), upTo: point(n) }, 1n, ms)
    for (const at of [10, 4, 20]) learn(at, at)
    learn(10, 30)
    learn(6, 31)
    expect(cache.all.map(({ owner }) => owner.id)).toEqual([6, 10, 20].map(point))
    expect(cache.find(point(4))).toBeUndefined()
  })

  test('what is said again is only younger', () => {
    const cache = new RangeCache(2)
    const learn = (n: number, ms: number) => cache.learn(peer(n), { after: point(n - 1), upTo: point(n) }, 1n, ms)
    learn(4, 1)
    learn(8, 2)
    const { version } = cache
    const known = cache.find(point(4))
    expect(learn(4, 3)).toBe(true)
    expect([cache.version, cache.find(point(4))]).toEqual([version, known])
    cache.expire(3)
    expect(cache.all.map(({ owner }) => owner.id)).toEqual([point(4)])
  })

  test('nothing is learnt with a limit of 0, nor a range that does not end at its owner', () => {
    const none = new RangeCache(0)
    expect(none.learn(peer(2), { after: point(1), upTo: point(2) }, 1n, 0)).toBe(false)
    const cache = new RangeCache(10)
    expect(cache.learn(peer(2), { after: point(1), upTo: point(3) }, 1n, 0)).toBe(false)
    expect([none.find(point(2)), cache.find(point(2)), cache.version]).toEqual([undefined, undefined, 0])
  })

  test('a process takes its virtual nodes with it', () => {
    const cache = new RangeCache(10)
    for (const at of [2, 5, 9]) cache.learn(peer(at, 1n, 'one:1'), { after: point(at - 1), upTo: point(at) }, 1n, 0)
    cache.learn(peer(12), { after: point(9), upTo: point(12) }, 1n, 0)
    const before = cache.version
    cache.forgetAddress('two:1')
    expect(cache.version).toBe(before)
    cache.forgetAddress('one:1')
    expect(cache.all.map(({ owner }) => owner.id)).toEqual([point(12)])
    expect(cache.version).toBeGreaterThan(before)
  })

  test('a full one says the same before and after it has prepared for many searches', () => {
    const cache = new RangeCache(1_000)
    const ids = Array.from({ length: 1_000 }, (_, i) => Id.hash(String(i))).sort((a, b) => a.compare(b))
    ids.forEach((id, i) => {
      const owner = { id, address: `${i}:1`, incarnation: 1n }
      // Every third range begins later than the one before it ends.
      const after = i % 3 === 0 ? ids[(i + 999) % 1_000]!.addPowerOfTwo(100) : ids[(i + 999) % 1_000]!
      cache.learn(owner, { after, upTo: id }, 1n, i)
    })
    const keys = Array.from({ length: 200 }, (_, i) => Id.hash(`key ${i}`)).concat(
      ids.slice(0, 40),
      ids.slice(0, 40).map((id) => id.addPowerOfTwo(0)),
    )
    const first = keys.slice(0, 250).map((key) => cache.find(key))
    for (let i = 0; i < 300; i++) cache.find(keys[0]!)
    expect(keys.slice(0, 250).map((key) => cache.find(key))).toEqual(first)
  })
})
