/** Copies of bodies, which the application keeps for as long as it likes. */
import { markAsUntransferable } from 'node:worker_threads'

/** So many bytes V8 keeps within the array's own object; what is larger costs an allocation outside of its heap. */
const ON_HEAP_BYTES = 64
/** Larger ones are worth memory of their own. */
const POOLED_BYTES_MAX = 4_096
/** One body that is kept keeps a pool at most: as small as Node.js's own for Buffers. */
const POOL_BYTES = 8_192

let pool = newPool()
let used = 0

/** A copy of `bytes[start .. end)`. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start
  if (length <= ON_HEAP_BYTES || length > POOLED_BYTES_MAX) return bytes.slice(start, end)
  if (used + length > pool.byteLength) {
    pool = newPool()
    used = 0
  }
  const copy = new Uint8Array(pool, used, length)
  // Multiples of 8, so that wider views can be made of it.
  used += (length + 7) & ~7
  copy.set(bytes.subarray(start, end))
  return copy
}

/** Whoever transferred one body to another thread would take those beside it away. */
function newPool(): ArrayBuffer {
  const buffer = new ArrayBuffer(POOL_BYTES)
  markAsUntransferable(buffer)
  return buffer
}
