/** What calls in bulk need of the node or client that makes them. */
import type { ChordError } from '../../core/errors.ts'
import type { Call, Done, Wants } from '../calls.ts'
import type { Exchange } from '../exchange.ts'
import type { KnownRanges } from '../known.ts'

export interface BulkPort {
  readonly exchange: Exchange
  readonly payloadBytesMax: number
  /** Why no call can be made now. */
  refusal(): ChordError | undefined
  readonly known: KnownRanges
}

/** A slot for a call that waits for room in queues; undefined if too many wait for answers. `begin` it. */
export function openCall(
  { exchange }: BulkPort,
  wants: Wants,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  done: Done,
): Call | undefined {
  const call = exchange.table.take()
  if (call === undefined) return undefined
  call.wants = wants
  call.timeoutMs = timeoutMs
  call.signal = signal
  call.patient = true
  call.done = done
  return call
}
