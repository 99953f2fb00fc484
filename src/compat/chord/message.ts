/**
 * A message of this API as the body of one of chordite's. Little-endian:
 *
 *   | flags 1 | host bytes 1 | port 2 | from: id 16, if known | to: id 16, if meant | key 20, if to be routed | host | JSON, UTF-8 |
 *
 * No JSON at all is `undefined`.
 */
import { ChordError } from '../../core/errors.ts'
import { ID_BYTES, Id } from '../../core/id.ts'
import { KEY_WORDS, type Key } from './keys.ts'
import type { Remote } from './places.ts'

const HAS_FROM = 1
const HAS_TO = 2
const HAS_KEY = 4
/** Whoever `from` is will hand on what comes back as the answer. */
const TAKES_ANSWER = 8
const FLAGS_KNOWN = 15
const FIXED_BYTES = 4
const KEY_BYTES = 4 * KEY_WORDS

/** Longest JSON of a message, in bytes: what is left of chordite's default for one message. */
export const MESSAGE_BYTES_MAX = 2 ** 20 - 1_024

/** What stands before the JSON. That of most messages of a node is the same. */
export function prefixOf(
  from: Remote,
  takesAnswer: boolean,
  to: Key | undefined = undefined,
  key: Id | undefined = undefined,
): Buffer {
  const idBytes = from.id === undefined ? 0 : KEY_BYTES
  const toBytes = to === undefined ? 0 : KEY_BYTES
  const keyBytes = key === undefined ? 0 : ID_BYTES
  const prefix = Buffer.alloc(FIXED_BYTES + idBytes + toBytes + keyBytes + from.address.length)
  prefix[0] = (idBytes && HAS_FROM) | (toBytes && HAS_TO) | (keyBytes && HAS_KEY) | (takesAnswer ? TAKES_ANSWER : 0)
  prefix[1] = from.address.length
  prefix.writeUInt16LE(from.port, 2)
  let at = FIXED_BYTES
  if (from.id !== undefined) at = writeKey(prefix, at, from.id)
  if (to !== undefined) at = writeKey(prefix, at, to)
  key?.writeTo(prefix, at)
  prefix.write(from.address, at + keyBytes, 'latin1')
  return prefix
}

export function bodyOf(prefix: Buffer, json: string): Buffer {
  const body = Buffer.allocUnsafe(prefix.length + Buffer.byteLength(json))
  body.set(prefix)
  body.write(json, prefix.length)
  return body
}

/** The only time that a message is made JSON. Errors: ERR_BAD_BODY, ERR_PAYLOAD_TOO_LARGE. */
export function jsonOf(message: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(message)
  } catch (cause) {
    throw new ChordError('ERR_BAD_BODY', `a message must be something that JSON can hold: ${String(cause)}`, { cause })
  }
  if (json === undefined) return ''
  if (3 * json.length > MESSAGE_BYTES_MAX && Buffer.byteLength(json) > MESSAGE_BYTES_MAX) {
    throw new ChordError('ERR_PAYLOAD_TOO_LARGE', `a message is at most ${MESSAGE_BYTES_MAX} bytes of JSON`)
  }
  return json
}

export function parsed(json: string): unknown {
  return json === '' ? undefined : JSON.parse(json)
}

/** A message that came, read where it lies. */
export class Arrived {
  readonly from: Remote
  readonly takesAnswer: boolean
  readonly to: Key | undefined
  readonly key: Id | undefined
  readonly bytes: Uint8Array
  readonly #jsonAt: number

  /** Errors: ERR_BAD_BODY. */
  constructor(bytes: Uint8Array) {
    const flags = bytes[0] ?? ~FLAGS_KNOWN
    const hostBytes = bytes[1] ?? 0
    const hasFrom = flags & HAS_FROM
    const fromAt = FIXED_BYTES
    const toAt = hasFrom ? fromAt + KEY_BYTES : fromAt
    const keyAt = flags & HAS_TO ? toAt + KEY_BYTES : toAt
    const hostAt = flags & HAS_KEY ? keyAt + ID_BYTES : keyAt
    if ((flags & ~FLAGS_KNOWN) !== 0 || hostAt + hostBytes > bytes.length) {
      throw new ChordError('ERR_BAD_BODY', 'these bytes are no message of chordite/compat/chord')
    }
    const address = hostOf(bytes, hostAt, hostAt + hostBytes)
    const port = bytes[2]! | (bytes[3]! << 8)
    this.from = hasFrom ? { address, port, id: readKey(bytes, fromAt) } : { address, port }
    this.takesAnswer = (flags & TAKES_ANSWER) !== 0
    this.to = flags & HAS_TO ? readKey(bytes, toAt) : undefined
    this.key = flags & HAS_KEY ? Id.fromBytes(bytes, keyAt) : undefined
    this.bytes = bytes
    this.#jsonAt = hostAt + hostBytes
  }

  /** Errors: ERR_BAD_BODY. */
  message(): unknown {
    const json = textOf(this.bytes, this.#jsonAt, this.bytes.length)
    try {
      return parsed(json)
    } catch (cause) {
      throw new ChordError('ERR_BAD_BODY', 'the message is no JSON', { cause })
    }
  }

  /** The same message for whoever owns its key. */
  routed(): Uint8Array {
    const prefix = prefixOf(this.from, this.takesAnswer)
    return Buffer.concat([prefix, this.bytes.subarray(this.#jsonAt)])
  }
}

const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, end: number): string
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return start === end ? '' : utf8Slice.call(bytes, start, end)
}

let lastHost = ''

/** Mostly that of the message before. */
function hostOf(bytes: Uint8Array, start: number, end: number): string {
  if (end - start === lastHost.length) {
    let at = start
    while (at < end && bytes[at] === lastHost.charCodeAt(at - start)) at++
    if (at === end) return lastHost
  }
  lastHost = textOf(bytes, start, end)
  return lastHost
}

function writeKey(bytes: Buffer, at: number, key: Key): number {
  for (let i = 0; i < KEY_WORDS; i++) bytes.writeInt32LE(key[i]! | 0, at + 4 * i)
  return at + KEY_BYTES
}

function readKey(bytes: Uint8Array, at: number): Key {
  return [readWord(bytes, at), readWord(bytes, at + 4), readWord(bytes, at + 8), readWord(bytes, at + 12)]
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
