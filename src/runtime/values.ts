/** Turning what callers give into what travels: codecs, keys, deadlines. */
import type { Codec, Key, MessageType, Wait } from '../api.ts'
import { DEFAULT_TIMEOUT_MS, known, METHOD_BYTES_MAX } from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import { Id } from '../core/id.ts'
import { type Method, methodOf } from '../wire/frames.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Bytes as they are. */
export const raw: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes }

/** Text; bytes that are no UTF-8 are refused. */
export const utf8: Codec<string> = { encode: (text) => encoder.encode(text), decode: (bytes) => decoder.decode(bytes) }

/** JSON values. `undefined` travels as no bytes at all. */
export function json<T>(): Codec<T> {
  return JSON_CODEC as Codec<T>
}

const JSON_CODEC: Codec<unknown> = {
  encode: (value) => (value === undefined ? new Uint8Array(0) : encoder.encode(JSON.stringify(value))),
  decode: (bytes) => (bytes.length === 0 ? undefined : JSON.parse(decoder.decode(bytes))),
}

export function idOfKey(key: Key): Id {
  if (key instanceof Id) return key
  if (typeof key === 'string' || key instanceof Uint8Array) return Id.hash(key)
  throw new ChordError('ERR_BAD_OPTION', 'a key is a string, a Uint8Array or an Id')
}

const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** Checks `o` and returns its timeout. Errors: ERR_BAD_OPTION, ERR_ABORTED if the signal has fired already. */
export function timeoutOf(
  o: Wait | undefined,
  names: readonly string[] = WAIT_NAMES,
  fallback: number = DEFAULT_TIMEOUT_MS,
): number {
  if (o === undefined) return fallback
  known(o, 'call option', names)
  if (o.signal !== undefined) {
    if (!(o.signal instanceof AbortSignal)) throw new ChordError('ERR_BAD_OPTION', 'signal must be an AbortSignal')
    if (o.signal.aborted) throw aborted(o.signal)
  }
  const timeoutMs = o.timeoutMs
  if (timeoutMs === undefined) return fallback
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0) || timeoutMs > TIMEOUT_MAX_MS) {
    throw new ChordError('ERR_BAD_OPTION', `timeoutMs must be above 0 and at most ${TIMEOUT_MAX_MS}, got ${timeoutMs}`)
  }
  return timeoutMs
}

export const WAIT_NAMES = ['timeoutMs', 'signal']
export const LOOKUP_NAMES = [...WAIT_NAMES, 'route', 'cached']
export const SEND_NAMES = [...WAIT_NAMES, 'ack']
export const REQUEST_NAMES = [...WAIT_NAMES, 'idempotent', 'asyncContext']

export function aborted(signal: AbortSignal): ChordError {
  return new ChordError('ERR_ABORTED', 'the signal of the caller fired', { cause: signal.reason })
}

const methods = new WeakMap<MessageType<never, never>, Method>()
/** Programs send one type many times over. */
let lastType: MessageType<never, never> | undefined
let lastMethod: Method = { low: 0, high: 0 }

/** The name of a type as it travels, worked out once. Errors: ERR_BAD_OPTION. */
export function methodOfType(type: MessageType<never, never>): Method {
  if (type === lastType && type !== undefined) return lastMethod
  lastMethod = methods.get(type) ?? newMethod(type)
  lastType = type
  return lastMethod
}

function newMethod(type: MessageType<never, never>): Method {
  if (typeof type?.name !== 'string' || !isCodec(type.request) || !isCodec(type.reply)) {
    throw new ChordError('ERR_BAD_OPTION', 'a message type needs a name and the codecs request and reply')
  }
  const method = methodOfName(type.name)
  methods.set(type, method)
  return method
}

/** Errors: ERR_BAD_BODY, ERR_PAYLOAD_TOO_LARGE. */
export function encodedBody(type: MessageType<never, unknown>, value: never, bytesMax: number): Uint8Array {
  let body: Uint8Array
  try {
    body = type.request.encode(value)
  } catch (cause) {
    throw new ChordError('ERR_BAD_BODY', `the body of '${type.name}' cannot be encoded`, { cause })
  }
  if (!isBytes(body)) {
    throw new ChordError('ERR_BAD_BODY', `the codec of '${type.name}' must encode to a Uint8Array`)
  }
  if (body.length > bytesMax) throw payloadTooLarge(body.length, bytesMax)
  return body
}

export function payloadTooLarge(bytes: number, bytesMax: number): ChordError {
  return new ChordError('ERR_PAYLOAD_TOO_LARGE', `a body of ${bytes} bytes is over limits.payloadBytes (${bytesMax})`)
}

export function methodOfName(name: string): Method {
  const bytes = typeof name === 'string' ? encoder.encode(name).length : 0
  if (bytes < 1 || bytes > METHOD_BYTES_MAX) {
    throw new ChordError('ERR_BAD_OPTION', `a message name is 1 to ${METHOD_BYTES_MAX} bytes of UTF-8, got ${bytes}`)
  }
  return methodOf(name)
}

/** A Uint8Array whose memory has not been transferred away. Then its length would be 0, and copying it would throw. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && (value.length > 0 || !isDetached(value.buffer))
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    buffer.slice(0, 0)
    return false
  } catch {
    return true
  }
}

function isCodec(codec: unknown): boolean {
  const c = codec as Partial<Codec<unknown>> | null | undefined
  return typeof c?.encode === 'function' && typeof c.decode === 'function'
}
