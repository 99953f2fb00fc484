/** What a link does to messages, as data, and how long one takes. No logarithms: engines compute them differently. */
import type { Stream } from './random.ts'

export type Delay =
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'uniform'; readonly minMs: number; readonly maxMs: number }
  /** Half of the messages take up to the median, one in a thousand forty times as long. */
  | { readonly kind: 'heavy'; readonly medianMs: number }
  /** Most are near, some are far. */
  | { readonly kind: 'bimodal'; readonly nearMs: number; readonly farMs: number; readonly farPercent: number }
  /** Nodes that lie somewhere: asked once for each link. */
  | { readonly kind: 'placed'; readonly ms: (from: string, to: string) => number }

/** Of a directed link. All of these hit single messages; connections are broken by `reset`. */
export interface Conditions {
  readonly delay: Delay
  readonly lossPercent: number
  readonly duplicatePercent: number
  /** How many messages do not keep to the order in which they were sent. */
  readonly reorderPercent: number
  /** How many arrive with bits flipped. */
  readonly corruptPercent: number
}

export const DEFAULT_CONDITIONS: Conditions = {
  delay: { kind: 'uniform', minMs: 1, maxMs: 4 },
  lossPercent: 0,
  duplicatePercent: 0,
  reorderPercent: 0,
  corruptPercent: 0,
}

/** Of `heavy`: up to this share of the messages, so many times the median. */
const QUANTILES: readonly (readonly [share: number, times: number])[] = [
  [0, 0.5],
  [0.25, 0.75],
  [0.5, 1],
  [0.75, 1.6],
  [0.9, 3],
  [0.99, 10],
  [0.999, 40],
  [1, 100],
]

/** What a link draws for its n-th message: each from its own lane, so that one condition leaves the others' draws alone. */
export const LANE = {
  delay: 1,
  loss: 2,
  duplicate: 3,
  reorder: 4,
  corrupt: 5,
  copy: 6,
  news: 7,
  parcel: 8,
  parcelLoss: 9,
  parcelReorder: 10,
  disorder: 11,
} as const

/** How long message `n` of a link takes. */
export function delayOf(delay: Delay, stream: Stream, lane: number, n: number, from: string, to: string): number {
  switch (delay.kind) {
    case 'constant':
      return delay.ms
    case 'placed':
      return delay.ms(from, to)
    case 'uniform':
      return delay.minMs + (stream.at(lane, n) / 0x1_0000_0000) * (delay.maxMs - delay.minMs)
    case 'heavy':
      return delay.medianMs * timesMedian(stream.at(lane, n) / 0x1_0000_0000)
    case 'bimodal': {
      const share = stream.at(lane, n) / 0x1_0000_0000
      const far = delay.farPercent / 100
      // A tenth of spread, from the same draw.
      return share < far ? delay.farMs * (1 + (0.1 * share) / far) : delay.nearMs * (1 + 0.1 * share)
    }
    default:
      return delay satisfies never
  }
}

function timesMedian(share: number): number {
  for (let i = 1; i < QUANTILES.length; i++) {
    const [above, most] = QUANTILES[i] as readonly [number, number]
    if (share > above) continue
    const [below, least] = QUANTILES[i - 1] as readonly [number, number]
    return least + ((share - below) / (above - below)) * (most - least)
  }
  return 1
}
