/**
 * How urgent a frame is: what has to wait leaves in this order. The same rule as `native/traffic_class.h`.
 */
import * as L from '../wire/layout.ts'

/**
 * By the type and flags of a good frame. None gets ahead by what its header says: only maintenance is maintenance, and
 * messages of the application are no look-ups. Goodbyes and fragments are the last, whatever they say: nothing may be
 * left behind the one, and the others must stay in order among themselves.
 */
export function classOf(type: number, flags: number): number {
  if (type < L.TYPE_MAINTENANCE_FIRST) return type === L.TYPE_HELLO ? L.CLASS_MAINTENANCE : L.CLASS_BULK
  if (type < L.TYPE_LOOKUP) return L.CLASS_MAINTENANCE
  const said = (flags & L.FLAG_CLASS_MASK) >>> L.FLAG_CLASS_SHIFT
  const first = type === L.TYPE_REQUEST || type === L.TYPE_REPLY ? L.CLASS_APPLICATION : L.CLASS_LOOKUP
  return Math.max(said, first)
}

/** The same of the frame at the beginning of `bytes`. */
export function classOfFrame(bytes: Uint8Array, at = 0): number {
  return classOf(half(bytes, at + L.AT_TYPE), half(bytes, at + L.AT_FLAGS))
}

function half(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}
