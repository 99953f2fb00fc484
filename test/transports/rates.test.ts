import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countBatch, zeroCounters } from '../../src/transports/counters.ts'
import { ratesOf } from '../../src/transports/rates.ts'

test('counters become per second, gauges do not', () => {
  const before = { ...zeroCounters(), framesIn: 100, open: 5 }
  const after = {
    ...before,
    framesIn: 1100,
    framesOut: 60,
    bytesOut: 3000,
    reads: 100,
    writes: 20,
    open: 7,
    openMax: 9,
  }
  const { perSecond, framesPerRead, framesPerWrite, framesPerBatch } = ratesOf(before, after, 500)
  expect(perSecond).toMatchObject({ framesIn: 2000, framesOut: 120, bytesOut: 6000, bytesIn: 0 })
  expect(Object.keys(perSecond)).not.toContain('open')
  expect(Object.keys(perSecond)).not.toContain('openMax')
  expect(Object.keys(perSecond)).not.toContain('framesPerBatch')
  expect([framesPerRead, framesPerWrite, framesPerBatch]).toEqual([10, 3, 0])
})

test('nothing happened: all rates are zero', () => {
  const { perSecond, ...means } = ratesOf(zeroCounters(), zeroCounters(), 1000)
  expect([...Object.values(perSecond), ...Object.values(means)].every((rate) => rate === 0)).toBe(true)
})

test('the sizes of batches between the snapshots, whatever was before', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 8191 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(sizes, sizes, (earlier, later) => {
      const counters = zeroCounters()
      for (const frames of earlier) countBatch(counters, frames)
      const before = structuredClone(counters)
      for (const frames of later) countBatch(counters, frames)
      const rates = ratesOf(before, counters, 1000)
      const sorted = later.toSorted((a, b) => a - b)
      for (const [share, most] of [
        [0.5, rates.framesPerBatchP50],
        [0.99, rates.framesPerBatchP99],
      ] as const) {
        const exact = sorted[Math.ceil(share * later.length) - 1]!
        expect(most).toBeGreaterThanOrEqual(exact)
        expect(most).toBeLessThanOrEqual(2 * exact)
      }
    }),
  )
})
