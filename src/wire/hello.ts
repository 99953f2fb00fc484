/** The first frame of each direction of a connection, and the last: who is there, and why it goes. `docs/wire.md`. */
import { makeRing, type Ring } from './framing.ts'
import * as L from './layout.ts'

/** In the order of their codes; code 0 accepts. */
export const REFUSALS = ['none', 'network', 'version', 'self', 'duplicate', 'connections', 'leaving', 'hello'] as const
export type Refusal = (typeof REFUSALS)[number]

/** In the order of their codes; code 0 is not used. */
export const GOODBYES = ['none', 'idle', 'leaving', 'closing'] as const
export type Goodbye = Exclude<(typeof GOODBYES)[number], 'none'>

export interface Hello {
  /** Protocol versions spoken, from and to. */
  protocolMin: number
  protocolMax: number
  /** Bits of what the sender can do beyond its protocol version. None are defined. */
  features: number
  role: 'member' | 'client'
  /** In the answer to a hello that does not suit: why the connection closes now. */
  refusal: Refusal
  /** Drawn once per process: a connection to oneself shows by it. */
  nonce: bigint
  network: string
  /** What a member advertises; empty for a client. */
  address: string
  /** Numeric host that the sender sees the receiver at. */
  observedHost: string
  /** Of each virtual node of a member, in order; none for a client. */
  incarnations: readonly bigint[]
  /** 20 bytes; of a client only. */
  clientId: Uint8Array | undefined
}

export type HelloResult = { ok: true; value: Hello } | { ok: false; fault: string }

export const CLIENT_ID_BYTES = 20
export const NETWORK_BYTES_MAX = 255
export const VIRTUAL_NODES_MAX = 256

const AT_PROTOCOL_MIN = 4
const AT_PROTOCOL_MAX = 6
const AT_FEATURES = 8
const AT_ROLE = 12
const AT_REFUSAL = 13
const AT_NONCE = 16
const AT_NETWORK_BYTES = 24
const AT_ADDRESS_BYTES = 26
const AT_HOST_BYTES = 28
const AT_INCARNATIONS = 30
const AT_CLIENT_ID = 32
const FIXED_BYTES = 56

const encoder = new TextEncoder()

/** The whole frame. Text that is too long is our own bug: options are checked before. */
export function encodeHello(hello: Hello): Uint8Array {
  const texts = [hello.network, hello.address, hello.observedHost].map((text) => encoder.encode(text)) as Texts
  const textBytes = texts.reduce((sum, text) => sum + text.length, 0)
  const [frame, body] = connectionFrame(L.TYPE_HELLO, FIXED_BYTES + 8 * hello.incarnations.length + textBytes)
  body.setUint32(0, L.HELLO_MAGIC, true)
  body.setUint16(AT_PROTOCOL_MIN, hello.protocolMin, true)
  body.setUint16(AT_PROTOCOL_MAX, hello.protocolMax, true)
  body.setUint32(AT_FEATURES, hello.features, true)
  body.setUint8(AT_ROLE, hello.role === 'member' ? L.ROLE_MEMBER : L.ROLE_CLIENT)
  body.setUint8(AT_REFUSAL, REFUSALS.indexOf(hello.refusal))
  body.setBigUint64(AT_NONCE, hello.nonce, true)
  body.setUint16(AT_NETWORK_BYTES, texts[0].length, true)
  body.setUint16(AT_ADDRESS_BYTES, texts[1].length, true)
  body.setUint16(AT_HOST_BYTES, texts[2].length, true)
  body.setUint16(AT_INCARNATIONS, hello.incarnations.length, true)
  if (hello.clientId !== undefined) frame.set(hello.clientId, L.HEADER_BYTES + AT_CLIENT_ID)
  hello.incarnations.forEach((incarnation, index) => {
    body.setBigUint64(FIXED_BYTES + 8 * index, incarnation, true)
  })
  let at = L.HEADER_BYTES + FIXED_BYTES + 8 * hello.incarnations.length
  for (const text of texts) {
    frame.set(text, at)
    at += text.length
  }
  return frame.subarray(0, at)
}

type Texts = [Uint8Array, Uint8Array, Uint8Array]

/**
 * Reads a checked frame that starts with the magic word. Bytes after the known ones are for later versions, and ignored.
 * Of a hello that has no protocol version in common with ours only the versions can be trusted.
 */
export function decodeHello(ring: Ring, offset: number, length: number): HelloResult {
  const start = offset + L.HEADER_BYTES
  const bytes = length - L.HEADER_BYTES
  if (ring.halves[(offset + L.AT_EXTENSIONS) >>> 1] !== 0) return fault('extensions on a hello')
  if (bytes < FIXED_BYTES) return fault('shorter than its fixed part')
  const body = new DataView(ring.bytes.buffer, ring.bytes.byteOffset + start, bytes)
  const count = body.getUint16(AT_INCARNATIONS, true)
  const sizes = [AT_NETWORK_BYTES, AT_ADDRESS_BYTES, AT_HOST_BYTES].map((at) => body.getUint16(at, true))
  const [networkBytes, addressBytes, hostBytes] = sizes as [number, number, number]
  if (FIXED_BYTES + 8 * count + networkBytes + addressBytes + hostBytes > bytes) return fault('shorter than it says')
  const role = body.getUint8(AT_ROLE)
  const refusal = REFUSALS[body.getUint8(AT_REFUSAL)]
  if (role > L.ROLE_CLIENT) return fault('unknown role')
  if (refusal === undefined) return fault('unknown refusal')
  const member = role === L.ROLE_MEMBER
  if (count > VIRTUAL_NODES_MAX || networkBytes > NETWORK_BYTES_MAX || addressBytes > L.ADDRESS_BYTES_MAX) {
    return fault('a field is too long')
  }
  if (refusal === 'none' && (member ? count === 0 || addressBytes === 0 : count > 0 || addressBytes > 0)) {
    return fault(member ? 'a member without virtual nodes or address' : 'a client with virtual nodes or address')
  }
  const texts = start + FIXED_BYTES + 8 * count
  const network = text(ring, texts, networkBytes)
  const address = text(ring, texts + networkBytes, addressBytes)
  const observedHost = text(ring, texts + networkBytes + addressBytes, hostBytes)
  if (network === undefined || address === undefined || observedHost === undefined) return fault('text is not UTF-8')
  const value: Hello = {
    protocolMin: body.getUint16(AT_PROTOCOL_MIN, true),
    protocolMax: body.getUint16(AT_PROTOCOL_MAX, true),
    features: body.getUint32(AT_FEATURES, true),
    role: member ? 'member' : 'client',
    refusal,
    nonce: body.getBigUint64(AT_NONCE, true),
    network,
    address,
    observedHost,
    incarnations: Array.from({ length: count }, (_, index) => body.getBigUint64(FIXED_BYTES + 8 * index, true)),
    clientId: member ? undefined : ring.bytes.slice(start + AT_CLIENT_ID, start + AT_CLIENT_ID + CLIENT_ID_BYTES),
  }
  return { ok: true, value }
}

/** The whole frame. */
export function encodeGoodbye(reason: Goodbye): Uint8Array {
  const [frame, body] = connectionFrame(L.TYPE_GOODBYE, 8)
  body.setUint32(0, GOODBYES.indexOf(reason), true)
  return frame
}

/** Undefined if it makes no sense. A reason that is not known, of a later version, is taken for `closing`. */
export function decodeGoodbye(ring: Ring, offset: number, length: number): Goodbye | undefined {
  if (length < L.HEADER_BYTES + 8 || ring.halves[(offset + L.AT_EXTENSIONS) >>> 1] !== 0) return undefined
  const reason = GOODBYES[ring.words[(offset + L.HEADER_BYTES) >>> 2]!]
  return reason === undefined || reason === 'none' ? 'closing' : reason
}

/** A maintenance-class frame of the connection's own, and a view of its body. */
function connectionFrame(type: number, bodyBytes: number): [Uint8Array, DataView] {
  const ring = makeRing(L.HEADER_BYTES + bodyBytes)
  ring.words[0] = L.HEADER_BYTES + bodyBytes
  ring.halves[L.AT_TYPE >>> 1] = type
  ring.bytes[L.AT_VERSION] = L.PROTOCOL_VERSION
  return [ring.bytes, new DataView(ring.bytes.buffer, L.HEADER_BYTES, bodyBytes)]
}

function text(ring: Ring, at: number, bytes: number): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(ring.bytes.subarray(at, at + bytes))
  } catch {
    return undefined
  }
}

function fault(what: string): HelloResult {
  return { ok: false, fault: what }
}
