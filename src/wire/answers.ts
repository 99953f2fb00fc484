/** What answers to routed and application frames say: the bodies of FOUND and FAILURE, and the extension OWNER. */
import type { Id } from '../core/id.ts'
import type { Peer, Range } from '../core/messages.ts'
import { Reader, Writer } from './body.ts'
import { type PeerBook, readPeer, writePeer } from './codec.ts'
import { type FrameMemory, readAscii, readExtensions, readId, readIncarnation } from './frames.ts'
import { extensionOffset } from './framing.ts'
import {
  ADDRESS_BYTES_MAX,
  EXT_OWNER,
  OWNER_ADDRESS,
  OWNER_ADDRESS_BYTES,
  OWNER_AFTER,
  OWNER_EPOCH,
  OWNER_INCARNATION,
  OWNER_VNODE,
} from './layout.ts'

/** Why a routed or application frame was not served. Numbers travel: never change one. */
export const FAIL_UNSETTLED = 1
export const FAIL_BUSY = 2
export const FAIL_HOP_LIMIT = 3
export const FAIL_NOT_MEMBER = 4
export const FAIL_NO_HANDLER = 5
export const FAIL_REMOTE = 6
export const FAIL_BAD_BODY = 7
export const FAIL_ISOLATED = 8
/** Of streams only: the other side has given it up. */
export const FAIL_ABORTED = 9

/** A connection on its way broke: somebody may have it, and answer it, or nobody. */
export const FAIL_LOST = 10

/** These prove that no handler saw the message, and that another try may fare better. */
export function provesUndelivered(code: number): boolean {
  return code === FAIL_UNSETTLED || code === FAIL_BUSY || code === FAIL_HOP_LIMIT
}

export const FAILURE_TEXT_MAX = 1_024

export interface Found {
  owner: Peer
  range: Range
  epoch: bigint
  hops: number
}

export interface Failure {
  code: number
  message: string
}

/** Hops (1), zero (1), owner, start of its range (20), epoch (8). A view that the next call overwrites. */
export function encodeFound(owner: Peer, after: Id, epoch: bigint, hops: number, book: PeerBook): Uint8Array {
  writer.reset()
  writer.u8(Math.min(255, hops))
  writer.u8(0)
  writePeer(writer, owner, book)
  writer.id(after)
  writer.u64(epoch)
  return writer.done()
}

export function decodeFound(bytes: Uint8Array, at: number, end: number, book: PeerBook): Found | undefined {
  reader.open(bytes, at, end)
  const hops = reader.u8()
  reader.flags(0)
  const owner = readPeer(reader, book)
  const after = reader.id()
  const epoch = reader.u64()
  if (!reader.finished() || owner === undefined) return undefined
  return { owner, range: { after, upTo: owner.id }, epoch, hops }
}

/** Who owns the key of the question, as the answer at `at` says, but not after how many hops (1); undefined if it does not, or names nobody who can. */
export function readOwner(m: FrameMemory, at: number, book: PeerBook): Found | undefined {
  if ((readExtensions(m, at) & EXT_OWNER) === 0) return undefined
  const p = extensionOffset(m, at, EXT_OWNER)
  const addressBytes = m.halves[(p + OWNER_ADDRESS_BYTES) >>> 1]!
  const index = m.halves[(p + OWNER_VNODE) >>> 1]!
  if (addressBytes > ADDRESS_BYTES_MAX || index > 255) return undefined
  const address = readAscii(m.bytes, p + OWNER_ADDRESS, addressBytes)
  const owner = book.peer(address, index, readIncarnation(m, p + OWNER_INCARNATION))
  if (owner === undefined) return undefined
  const after = readId(m, p + OWNER_AFTER)
  return { owner, range: { after, upTo: owner.id }, epoch: readIncarnation(m, p + OWNER_EPOCH), hops: 1 }
}

/** Code (2), then a text for people. A view that the next call overwrites. */
export function encodeFailure(code: number, message: string): Uint8Array {
  writer.reset()
  writer.u16(code)
  const text = encoder.encode(message)
  writer.bytes(text.length > FAILURE_TEXT_MAX ? text.subarray(0, FAILURE_TEXT_MAX) : text)
  return writer.done()
}

export function decodeFailure(bytes: Uint8Array, at: number, end: number): Failure | undefined {
  reader.open(bytes, at, end)
  const code = reader.u16()
  const text = reader.rest()
  if (!reader.finished() || text.length > FAILURE_TEXT_MAX) return undefined
  return { code, message: decoder.decode(text) }
}

const writer = new Writer(FAILURE_TEXT_MAX + 64)
const reader = new Reader()
const encoder = new TextEncoder()
const decoder = new TextDecoder()
