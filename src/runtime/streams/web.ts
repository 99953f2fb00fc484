/** A Duplex as a pair of web streams. */
import { type Duplex, Readable, Writable } from 'node:stream'
import { ByteLengthQueuingStrategy } from 'node:stream/web'
import type { WebStreamPair } from '../../api.ts'

/** Beyond what the Duplex holds itself. */
const HIGH_WATER_MARK = 16_384

/**
 * Not `Duplex.toWeb`: that one counts what waits in chunks, up to as many as the Duplex may hold bytes, so that a reader that is slow
 * would hold back nothing.
 */
export function toWeb(stream: Duplex): WebStreamPair {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_MARK })
  const readable = Readable.toWeb(stream, { strategy }) as WebStreamPair['readable']
  return { readable, writable: Writable.toWeb(stream) as WebStreamPair['writable'] }
}
