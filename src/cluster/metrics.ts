/** The numbers of several workers as those of one. */
import type { Metrics, NodeState } from '../api.ts'
import { zeroCounters } from '../transports/counters.ts'

type Numbers = number | readonly number[] | { readonly [name: string]: Numbers }

const NONE: Omit<Metrics, 'state' | 'transport'> = {
  members: 0,
  connections: { routing: 0, reply: 0, accepted: 0, total: 0 },
  calls: { pending: 0, sent: 0, succeeded: 0, failed: 0, retried: 0, hedged: 0, hedgesWon: 0 },
  routed: { delivered: 0, forwarded: 0, unsettled: 0, hopLimit: 0, busy: 0, lost: 0 },
  ranges: { cached: 0, hits: 0, misses: 0, stale: 0 },
  handled: { requests: 0, oneWay: 0, duplicates: 0, failed: 0 },
  streams: {
    open: 0,
    opened: 0,
    accepted: 0,
    refused: 0,
    reset: 0,
    lost: 0,
    sentBytes: 0,
    receivedBytes: 0,
    windowBytes: 0,
  },
  maintenance: { sent: 0, received: 0, sentBytes: 0, evictions: 0 },
  wire: zeroCounters(),
  closed: {},
  refused: {},
}

/** Counters and gauges are added up; of peaks (names that end in Max) the highest counts. */
export function totalOf(all: readonly Metrics[], state: NodeState, transport: 'native' | 'tcp'): Metrics {
  const numbers = all.map(({ state: _, transport: __, ...rest }) => rest as unknown as Numbers)
  const sum = numbers.reduce((a, b) => added('', a, b), NONE as unknown as Numbers)
  return { state, transport, ...(sum as unknown as typeof NONE) }
}

function added(name: string, a: Numbers | undefined, b: Numbers | undefined): Numbers {
  if (a === undefined || b === undefined) return a ?? b ?? 0
  if (typeof a === 'number') return name.endsWith('Max') ? Math.max(a, b as number) : a + (b as number)
  if (Array.isArray(a)) return a.map((value, i) => value + ((b as readonly number[])[i] ?? 0))
  const [left, right] = [a, b] as Record<string, Numbers>[]
  const names = new Set([...Object.keys(left!), ...Object.keys(right!)])
  return Object.fromEntries([...names].map((key) => [key, added(key, left![key], right![key])]))
}
