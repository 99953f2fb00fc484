/** What the transports in TypeScript count with; the native one has the same fields in memory that it shares with C++. */
import type { TransportCounters } from './transport.ts'

export const BATCH_SIZES = 14

/** Everything at zero. */
export function zeroCounters(): Counters {
  return {
    wakeups: 0,
    batches: 0,
    flushes: 0,
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    tailBytesCopied: 0,
    reads: 0,
    readsEmpty: 0,
    writes: 0,
    writesPartial: 0,
    refusals: 0,
    accepted: 0,
    dialed: 0,
    acceptPauses: 0,
    open: 0,
    openMax: 0,
    queuedBytes: 0,
    queuedBytesMax: 0,
    tailBytes: 0,
    framesPassedOn: 0,
    framesNotPassedOn: 0,
    framesPerBatch: new Array<number>(BATCH_SIZES).fill(0),
  }
}

export interface Counters extends TransportCounters {
  framesPerBatch: number[]
}

export function snapshot(counters: Counters): TransportCounters {
  return { ...counters, framesPerBatch: counters.framesPerBatch.slice() }
}

/** One more batch, of so many frames. */
export function countBatch(counters: Counters, frames: number): void {
  counters.framesPerBatch[Math.min(32 - Math.clz32(frames), BATCH_SIZES - 1)]!++
}

export function countOpen(counters: Counters, open: number): void {
  counters.open = open
  if (open > counters.openMax) counters.openMax = open
}

/** The output of one link that waits has grown or, below zero, shrunk. */
export function countQueued(counters: Counters, more: number): void {
  counters.queuedBytes += more
  if (counters.queuedBytes > counters.queuedBytesMax) counters.queuedBytesMax = counters.queuedBytes
}
