import { describe, expect, test } from 'vitest'
import { nodeSettings } from '../../src/core/config.ts'
import { idOf } from '../../src/runtime/peers.ts'

const points = (capacity?: number, virtualNodes?: number) =>
  nodeSettings({ ...(capacity !== undefined && { capacity }), ...(virtualNodes !== undefined && { virtualNodes }) })
    .virtualNodes

describe('capacity', () => {
  test('is so many times the virtual nodes', () => {
    expect([points(), points(1, 20), points(2, 20), points(0.5, 20), points(1.5, 1)]).toEqual([1, 20, 40, 10, 2])
    expect([points(0.01, 20), points(256), points(12.8, 20)]).toEqual([1, 256, 256])
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 257, '2', null])('cannot be %s', (capacity) => {
    expect(() => nodeSettings({ capacity } as never)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
  })

  test('cannot make more virtual nodes than there may be', () => {
    expect(() => points(2, 129)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
    expect(points(2, 128)).toBe(256)
  })

  test('gets its share of the ring: twice the capacity twice the keys, within a tenth with 20 points each', () => {
    const capacities = [0.5, 1, 1, 2]
    const processes = Array.from({ length: 400 }, (_, i) => ({ address: `10.0.${i >> 8}.${i & 255}:7000`, i }))
    const ring = processes.flatMap(({ address, i }) =>
      Array.from({ length: points(capacities[i % 4], 20) }, (_, index) => ({ i, id: idOf(address, index) })),
    )
    ring.sort((a, b) => a.id.compare(b.id))
    const shares = new Array<number>(processes.length).fill(0)
    ring.forEach(({ i, id }, at) => {
      const { w0 } = ring[(at + ring.length - 1) % ring.length]!.id.distanceTo(id)
      shares[i]! += (w0 >>> 0) / 2 ** 32
    })
    const mean = (capacity: number) => {
      const of = shares.filter((_, i) => capacities[i % 4] === capacity)
      return of.reduce((x, y) => x + y) / of.length
    }
    expect(shares.reduce((x, y) => x + y)).toBeCloseTo(1, 5)
    expect(Math.abs(mean(2) / mean(1) - 2)).toBeLessThan(0.2)
    expect(Math.abs(mean(0.5) / mean(1) - 0.5)).toBeLessThan(0.05)
  })
})
