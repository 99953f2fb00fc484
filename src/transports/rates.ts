/** Rates are differences of counters. Pure: two snapshots and the time between them. */
import type { TransportCounters } from './transport.ts'

type Gauge = 'open' | 'openMax' | 'queuedBytes' | 'queuedBytesMax' | 'tailBytes'
type Counted = Exclude<keyof TransportCounters, Gauge | 'framesPerBatch'>

export interface TransportRates {
  /** Of each counter: per second. Gauges have no rate; read them from the snapshot. */
  perSecond: Readonly<Record<Counted, number>>
  /** Frames in a batch, a read, a write: their mean; 0 where there was none. */
  framesPerBatch: number
  framesPerRead: number
  framesPerWrite: number
  /** At least half, and 99 in 100, of the batches had at most so many frames: the upper end of a power of two. */
  framesPerBatchP50: number
  framesPerBatchP99: number
}

const GAUGES: ReadonlySet<string> = new Set<Gauge>(['open', 'openMax', 'queuedBytes', 'queuedBytesMax', 'tailBytes'])

/** Of the time between two snapshots of one transport, `elapsedMs` apart, which must be more than zero. */
export function ratesOf(before: TransportCounters, after: TransportCounters, elapsedMs: number): TransportRates {
  const counted = (Object.keys(after) as (keyof TransportCounters)[]).filter(
    (name): name is Counted => name !== 'framesPerBatch' && !GAUGES.has(name),
  )
  const perSecond = Object.fromEntries(
    counted.map((name) => [name, ((after[name] - before[name]) * 1000) / elapsedMs]),
  ) as Record<Counted, number>
  const sizes = after.framesPerBatch.map((count, size) => count - (before.framesPerBatch[size] ?? 0))
  return {
    perSecond,
    framesPerBatch: ratio(perSecond.framesIn, perSecond.batches),
    framesPerRead: ratio(perSecond.framesIn, perSecond.reads),
    framesPerWrite: ratio(perSecond.framesOut, perSecond.writes),
    framesPerBatchP50: sizeAt(sizes, 0.5),
    framesPerBatchP99: sizeAt(sizes, 0.99),
  }
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b
}

/** The most frames that a batch can have had which `share` of all are not above. */
function sizeAt(sizes: readonly number[], share: number): number {
  const wanted = share * sizes.reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (const [size, count] of sizes.entries()) {
    seen += count
    if (seen >= wanted && seen > 0) return 2 ** size - 1
  }
  return 0
}
