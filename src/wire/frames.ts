/** Header fields and extensions of a frame, written and read in place: nothing here allocates but ids and strings. */
import { Id } from '../core/id.ts'
import { sha1Words } from '../core/sha1.ts'
import type { Ring } from './framing.ts'
import {
  DEADLINE_BYTES,
  EXT_TARGET,
  FLAG_FINAL,
  HEADER_BYTES,
  ORIGIN_ADDRESS,
  ORIGIN_FIXED_BYTES,
  ORIGIN_ID,
  ORIGIN_INCARNATION,
  OWNER_ADDRESS,
  OWNER_AFTER,
  OWNER_EPOCH,
  OWNER_FIXED_BYTES,
  OWNER_INCARNATION,
  PROTOCOL_VERSION,
  padded,
  TARGET_BYTES,
  TARGET_INCARNATION,
} from './layout.ts'

export type FrameMemory = Ring

/** Memory for one frame outside of the rings. */
export function frameMemory(bytes: number): FrameMemory {
  const buffer = new ArrayBuffer(padded(bytes))
  return { bytes: new Uint8Array(buffer, 0, bytes), halves: new Uint16Array(buffer), words: new Uint32Array(buffer) }
}

/** Views of a copy of a frame; the copy starts a buffer of its own. */
export function frameCopy(m: FrameMemory, at: number, length: number): FrameMemory {
  const copy = frameMemory(length)
  copy.bytes.set(m.bytes.subarray(at, at + length))
  return copy
}

/**
 * Copies `bytes` between two frame memories by words, for what is so short that views for `set` cost more than the copy.
 * Both places are multiples of 4; up to 3 bytes behind the end are written too, which padding overwrites.
 */
export function copyShort(from: FrameMemory, start: number, to: FrameMemory, place: number, bytes: number): void {
  const source = from.words
  const target = to.words
  const end = (start + bytes + 3) >>> 2
  for (let read = start >>> 2, write = place >>> 2; read < end; ) target[write++] = source[read++]!
}

/** Up to so many bytes {@link copyShort} is the faster way. */
const SHORT_BYTES_MAX = 128

/** Behind the last whole word of `from` it would find nothing. */
export function canCopyShort(from: FrameMemory, start: number, end: number): boolean {
  return end - start <= SHORT_BYTES_MAX && (start & 3) === 0 && (end + 3) >>> 2 <= from.words.length
}

/** Everything but the method; no hops yet. */
export function writeHeader(
  m: FrameMemory,
  at: number,
  length: number,
  type: number,
  flags: number,
  extensions: number,
  vnode: number,
  low: number,
  high: number,
): void {
  const words = m.words
  const w = at >>> 2
  words[w] = length
  words[w + 1] = type | (flags << 16)
  words[w + 2] = low
  words[w + 3] = high
  words[w + 4] = (PROTOCOL_VERSION << 8) | (extensions << 16)
  words[w + 5] = vnode << 16
  words[w + 6] = 0
  words[w + 7] = 0
}

export function writeMethod(m: FrameMemory, at: number, low: number, high: number): void {
  m.words[(at >>> 2) + 6] = low
  m.words[(at >>> 2) + 7] = high
}

/** What changes at each hop. */
export function patchHop(m: FrameMemory, at: number, final: boolean, finalSteps: number): void {
  const w = at >>> 2
  const flags = final ? FLAG_FINAL << 16 : 0
  m.words[w + 1] = (m.words[w + 1]! & ~(FLAG_FINAL << 16)) | flags
  m.bytes[at + 16] = Math.min(255, m.bytes[at + 16]! + 1)
  m.bytes[at + 20] = finalSteps
}

export const readType = (m: FrameMemory, at: number): number => m.halves[(at >>> 1) + 2]!
export const readFlags = (m: FrameMemory, at: number): number => m.halves[(at >>> 1) + 3]!
/** Halves of 64-bit numbers are read as signed integers: above 2³¹ they would be numbers on the heap. */
export const readLow = (m: FrameMemory, at: number): number => m.words[(at >>> 2) + 2]! | 0
export const readHigh = (m: FrameMemory, at: number): number => m.words[(at >>> 2) + 3]! | 0
export const readHops = (m: FrameMemory, at: number): number => m.bytes[at + 16]!
export const readExtensions = (m: FrameMemory, at: number): number => m.halves[(at >>> 1) + 9]!
export const readFinalSteps = (m: FrameMemory, at: number): number => m.bytes[at + 20]!
export const readVnode = (m: FrameMemory, at: number): number => m.halves[(at >>> 1) + 11]!

export const readMethodLow = (m: FrameMemory, at: number): number => m.words[(at >>> 2) + 6]! | 0
export const readMethodHigh = (m: FrameMemory, at: number): number => m.words[(at >>> 2) + 7]! | 0

/** Whether the frame's target is a key, which whoever owns it takes, and not a certain member. */
export function isForKey(m: FrameMemory, at: number): boolean {
  if ((readExtensions(m, at) & EXT_TARGET) === 0) return false
  const w = (at + HEADER_BYTES + TARGET_INCARNATION) >>> 2
  return m.words[w] === 0 && m.words[w + 1] === 0
}

/** Returns where the next extension starts, as all of these do. Incarnation 0: the id is a key. */
export function writeTarget(m: FrameMemory, p: number, id: Id, incarnation: bigint): number {
  writeId(m, p, id)
  m.words[(p >>> 2) + 5] = 0
  writeIncarnation(m, p + TARGET_INCARNATION, incarnation)
  return p + TARGET_BYTES
}

/** As `writeTarget` for a key. */
export function writeKey(m: FrameMemory, p: number, key: Id): number {
  writeId(m, p, key)
  const w = p >>> 2
  m.words[w + 5] = 0
  m.words[w + 6] = 0
  m.words[w + 7] = 0
  return p + TARGET_BYTES
}

export function writeDeadline(m: FrameMemory, p: number, remainingMs: number): number {
  m.words[p >>> 2] = remainingMs <= 0 ? 0 : remainingMs >= 0xffffffff ? 0xffffffff : Math.ceil(remainingMs)
  m.words[(p >>> 2) + 1] = 0
  return p + DEADLINE_BYTES
}

/** Addresses are ASCII: they were checked when they came in. */
export function writeOrigin(
  m: FrameMemory,
  p: number,
  address: string,
  vnode: number,
  role: number,
  incarnation: bigint,
  id: Id,
): number {
  const length = address.length
  m.words[p >>> 2] = length | (vnode << 16)
  m.words[(p >>> 2) + 1] = role
  writeIncarnation(m, p + ORIGIN_INCARNATION, incarnation)
  writeId(m, p + ORIGIN_ID, id)
  m.words[(p + ORIGIN_ID + 20) >>> 2] = 0
  const start = p + ORIGIN_ADDRESS
  const end = start + padded(length)
  for (let i = 0; i < length; i++) m.bytes[start + i] = address.charCodeAt(i)
  m.bytes.fill(0, start + length, end)
  return end
}

export function originBytes(address: string): number {
  return ORIGIN_FIXED_BYTES + padded(address.length)
}

/** Whose range (after, its id] the answer comes from, under which epoch. */
export function writeOwner(
  m: FrameMemory,
  p: number,
  address: string,
  vnode: number,
  incarnation: bigint,
  after: Id,
  epoch: bigint,
): number {
  const length = address.length
  m.words[p >>> 2] = length | (vnode << 16)
  m.words[(p >>> 2) + 1] = 0
  writeIncarnation(m, p + OWNER_INCARNATION, incarnation)
  writeId(m, p + OWNER_AFTER, after)
  m.words[(p + OWNER_AFTER + 20) >>> 2] = 0
  writeIncarnation(m, p + OWNER_EPOCH, epoch)
  const start = p + OWNER_ADDRESS
  const end = start + padded(length)
  for (let i = 0; i < length; i++) m.bytes[start + i] = address.charCodeAt(i)
  m.bytes.fill(0, start + length, end)
  return end
}

export function ownerBytes(address: string): number {
  return OWNER_FIXED_BYTES + padded(address.length)
}

/** Ids in frames start at multiples of 4. */
export function readId({ words }: FrameMemory, p: number): Id {
  const w = p >>> 2
  return new Id(swap(words[w]!), swap(words[w + 1]!), swap(words[w + 2]!), swap(words[w + 3]!), swap(words[w + 4]!))
}

function writeId({ words }: FrameMemory, p: number, id: Id): void {
  const w = p >>> 2
  words[w] = swap(id.w0)
  words[w + 1] = swap(id.w1)
  words[w + 2] = swap(id.w2)
  words[w + 3] = swap(id.w3)
  words[w + 4] = swap(id.w4)
}

/** Whether the id at `p` is in `(after, upTo]`. Nothing is made of it where first words decide, as they nearly always do. */
export function isIdBetweenOrEnd(m: FrameMemory, p: number, after: Id, upTo: Id): boolean {
  const first = swap(m.words[p >>> 2]!) >>> 0
  const low = after.w0 >>> 0
  const high = upTo.w0 >>> 0
  if (first === low || first === high || low === high) return readId(m, p).isBetweenOrEnd(after, upTo)
  return low < high ? low < first && first < high : low < first || first < high
}

export function readAscii(bytes: Uint8Array, p: number, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[p + i]!)
  return text
}

export function writeIncarnation(m: FrameMemory, p: number, incarnation: bigint): void {
  if (incarnation !== lastIncarnation) {
    lastIncarnation = incarnation
    lastLow = Number(BigInt.asUintN(32, incarnation))
    lastHigh = Number(BigInt.asUintN(32, incarnation >> 32n))
  }
  m.words[p >>> 2] = lastLow
  m.words[(p >>> 2) + 1] = lastHigh
}

// Nearly every frame carries the incarnation of the one before, and taking a bigint apart costs as much as the rest of the header.
let lastIncarnation = 0n
let lastLow = 0
let lastHigh = 0

export function readIncarnation(m: FrameMemory, p: number): bigint {
  return joinWords(m.words[p >>> 2]!, m.words[(p >>> 2) + 1]!)
}

export function joinWords(low: number, high: number): bigint {
  return high < 2 ** 21 ? BigInt(high * 2 ** 32 + low) : (BigInt(high) << 32n) | BigInt(low)
}

/** A message name as it travels: the first 8 bytes of its SHA-1. Signed, so that neither half is a number on the heap. */
export interface Method {
  readonly low: number
  readonly high: number
}

export function methodOf(name: string): Method {
  const bytes = new TextEncoder().encode(name)
  const words = sha1Words(bytes, 0, bytes.length)
  return { low: swap(words[0]!), high: swap(words[1]!) }
}

/** The words of ids and hashes are big-endian, those of a frame little-endian. */
function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}
