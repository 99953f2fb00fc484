/** What goes from thread to thread. Structured clone drops the classes of ids and errors; here they come back as what they were. */
import { ChordError, type ErrorCode } from '../core/errors.ts'
import { Id } from '../core/id.ts'

const MARK = 'chordite crossing'
/** What is nested deeper, as only the cause of an application's error can be, is told as text. */
const DEPTH_MAX = 16

interface CrossingId {
  [MARK]: 'id'
  words: Int32Array
}

interface CrossingError {
  [MARK]: 'error'
  isOurs: boolean
  name: string
  message: string
  stack: string | undefined
  code: unknown
  cause: unknown
}

/** Made of what structured clone takes as it is. */
export function pack(value: unknown, depth = 0): unknown {
  if (typeof value === 'function' || typeof value === 'symbol' || depth > DEPTH_MAX) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Id) {
    const words = Int32Array.of(value.w0, value.w1, value.w2, value.w3, value.w4)
    return { [MARK]: 'id', words } satisfies CrossingId
  }
  if (value instanceof Error) return packError(value, depth)
  if (Array.isArray(value)) return value.map((entry) => pack(entry, depth + 1))
  // Peers, too, have a class of their own.
  if (Object.prototype.toString.call(value) === '[object Object]') {
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, pack(entry, depth + 1)]))
  }
  try {
    return structuredClone(value)
  } catch {
    return String(value)
  }
}

export function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpack)
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const { [MARK]: mark } = value as Record<string, unknown>
  if (mark === 'id') return Id.fromWords((value as CrossingId).words, 0)
  if (mark === 'error') return unpackError(value as CrossingError)
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, unpack(entry)]))
}

function packError(error: Error, depth: number): CrossingError {
  const { name, message, stack, cause } = error
  const isOurs = error instanceof ChordError
  const code = pack((error as { code?: unknown }).code, depth + 1)
  return { [MARK]: 'error', isOurs, name, message, stack, code, cause: pack(cause, depth + 1) }
}

function unpackError({ isOurs, name, message, stack, code, cause }: CrossingError): Error {
  const options = cause === undefined ? {} : { cause: unpack(cause) }
  const error = isOurs ? new ChordError(code as ErrorCode, message, options) : new Error(message, options)
  if (stack !== undefined) define(error, 'stack', stack)
  if (!isOurs) {
    if (name !== 'Error') define(error, 'name', name)
    if (code !== undefined) define(error, 'code', unpack(code))
  }
  return error
}

/** As the constructor would have: not enumerable. */
function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true })
}
