/**
 * Frames of streams (type 69), as bytes and back. The low half of the request id is the number of the stream, the high half
 * says what the frame is and which of the two sides it comes from. Decoding never throws.
 */
import type { Id } from '../core/id.ts'
import { decodeFailure, encodeFailure, type Failure } from './answers.ts'
import {
  type FrameMemory,
  isForKey,
  readExtensions,
  readFlags,
  readHigh,
  readId,
  readIncarnation,
  readLow,
  writeDeadline,
  writeHeader,
  writeMethod,
  writeTarget,
} from './frames.ts'
import { bodyOffset } from './framing.ts'
import {
  CLASS_BULK,
  CLASS_LOOKUP,
  DEADLINE_BYTES,
  EXT_DEADLINE,
  EXT_TARGET,
  FLAG_CLASS_MASK,
  FLAG_CLASS_SHIFT,
  HEADER_BYTES,
  TARGET_BYTES,
  TARGET_INCARNATION,
  TYPE_STREAM,
} from './layout.ts'

/** What a frame is. Numbers travel: never change one. */
export const STREAM_OPEN = 1
export const STREAM_ACCEPT = 2
export const STREAM_DATA = 3
export const STREAM_WINDOW = 4
export const STREAM_END = 5
export const STREAM_RESET = 6

/** In the high half: the sender has not opened the stream, but accepted it. */
const FROM_ACCEPTOR = 0x100
const KIND_MASK = 0xff

/** Data of one frame at most: what comes behind it does not wait long. */
export const CHUNK_BYTES_MAX = 32_768
/** What may be said with the opening. */
export const HEAD_BYTES_MAX = 16_384
/** What one side may be allowed to send at any time. */
export const CREDIT_MAX = 2 ** 31 - 1

const CREDIT_BYTES = 8

/** A decoded frame. The memory is borrowed; `readStreamFrame` fills the same object again and again. */
export interface StreamFrame {
  m: FrameMemory
  at: number
  kind: number
  number: number
  /** About a stream that its receiver has opened. */
  answers: boolean
  /** Of OPEN, ACCEPT and WINDOW. */
  credit: number
  /** Of OPEN its head, of DATA the data, of RESET why. */
  start: number
  end: number
}

export function newStreamFrame(m: FrameMemory): StreamFrame {
  return { m, at: 0, kind: 0, number: 0, answers: false, credit: 0, start: 0, end: 0 }
}

/** False: it is none that anybody may send. */
export function readStreamFrame(m: FrameMemory, at: number, length: number, into: StreamFrame): boolean {
  const high = readHigh(m, at)
  const kind = high & KIND_MASK
  const allowed = kind === STREAM_OPEN ? EXT_TARGET | EXT_DEADLINE : 0
  if ((high & ~(KIND_MASK | FROM_ACCEPTOR)) !== 0 || (readExtensions(m, at) & ~allowed) !== 0) return false
  if ((readFlags(m, at) & ~FLAG_CLASS_MASK) !== 0) return false
  into.m = m
  into.at = at
  into.kind = kind
  into.number = readLow(m, at) >>> 0
  into.answers = (high & FROM_ACCEPTOR) !== 0
  into.credit = 0
  into.start = kind === STREAM_OPEN ? bodyOffset(m, at) : at + HEADER_BYTES
  into.end = at + length
  return readBody(m, into)
}

function readBody(m: FrameMemory, into: StreamFrame): boolean {
  const bytes = into.end - into.start
  switch (into.kind) {
    case STREAM_OPEN:
      return !into.answers && readCredit(m, into) && bytes <= CREDIT_BYTES + HEAD_BYTES_MAX
    case STREAM_ACCEPT:
      return into.answers && readCredit(m, into) && bytes === CREDIT_BYTES
    case STREAM_WINDOW:
      return readCredit(m, into) && bytes === CREDIT_BYTES && into.credit > 0
    case STREAM_DATA:
      return bytes > 0 && bytes <= CHUNK_BYTES_MAX
    case STREAM_END:
      return bytes === 0
    case STREAM_RESET:
      return readReason(into) !== undefined
    default:
      return false
  }
}

function readCredit(m: FrameMemory, into: StreamFrame): boolean {
  if (into.end - into.start < CREDIT_BYTES) return false
  const word = into.start >>> 2
  into.credit = m.words[word]!
  into.start += CREDIT_BYTES
  return into.credit <= CREDIT_MAX && m.words[word + 1] === 0
}

/** Of RESET. */
export function readReason({ m, start, end }: StreamFrame): Failure | undefined {
  return decodeFailure(m.bytes, start, end)
}

/** Whom an OPEN is for: a key, or a certain member; undefined: virtual node 0. */
export function readStreamTarget({ m, at }: StreamFrame): { id: Id; incarnation: bigint; isKey: boolean } | undefined {
  if ((readExtensions(m, at) & EXT_TARGET) === 0) return undefined
  const p = at + HEADER_BYTES
  return { id: readId(m, p), incarnation: readIncarnation(m, p + TARGET_INCARNATION), isKey: isForKey(m, at) }
}

/** What an OPEN says. */
export interface Opening {
  readonly low: number
  readonly high: number
  /** Incarnation 0: a key. */
  readonly target: { readonly id: Id; readonly incarnation: bigint } | undefined
  readonly timeoutMs: number
  readonly head: Uint8Array
}

export function openBytes({ target, head }: Opening): number {
  return HEADER_BYTES + (target === undefined ? 0 : TARGET_BYTES) + DEADLINE_BYTES + CREDIT_BYTES + head.length
}

/** `credit`: what the other side may send. */
export function writeOpen(m: FrameMemory, at: number, number: number, opening: Opening, credit: number): void {
  const { target, low, high, timeoutMs, head } = opening
  const extensions = EXT_DEADLINE | (target === undefined ? 0 : EXT_TARGET)
  writeHeader(m, at, openBytes(opening), TYPE_STREAM, URGENT, extensions, 0, number, STREAM_OPEN)
  writeMethod(m, at, low, high)
  let p = at + HEADER_BYTES
  if (target !== undefined) p = writeTarget(m, p, target.id, target.incarnation)
  p = writeDeadline(m, p, timeoutMs)
  writeCredit(m, p, credit)
  m.bytes.set(head, p + CREDIT_BYTES)
}

export const CREDIT_FRAME_BYTES = HEADER_BYTES + CREDIT_BYTES

/** ACCEPT and WINDOW. */
export function writeGrant(
  m: FrameMemory,
  at: number,
  kind: number,
  number: number,
  answers: boolean,
  credit: number,
): void {
  writeHeader(m, at, CREDIT_FRAME_BYTES, TYPE_STREAM, URGENT, 0, 0, number, highOf(kind, answers))
  writeCredit(m, at + HEADER_BYTES, credit)
}

/** The header of DATA, whose `bytes` follow it, and with none of them of END. */
export function writeData(m: FrameMemory, at: number, number: number, answers: boolean, bytes: number): void {
  const kind = bytes === 0 ? STREAM_END : STREAM_DATA
  writeHeader(m, at, HEADER_BYTES + bytes, TYPE_STREAM, BULK, 0, 0, number, highOf(kind, answers))
}

/** Why, as the body of RESET: code and text. */
export function encodeReason(code: number, message: string): Uint8Array {
  return encodeFailure(code, message).slice()
}

export function writeReset(m: FrameMemory, at: number, number: number, answers: boolean, reason: Uint8Array): void {
  const bytes = HEADER_BYTES + reason.length
  writeHeader(m, at, bytes, TYPE_STREAM, URGENT, 0, 0, number, highOf(STREAM_RESET, answers))
  m.bytes.set(reason, at + HEADER_BYTES)
}

function writeCredit(m: FrameMemory, p: number, credit: number): void {
  m.words[p >>> 2] = credit
  m.words[(p >>> 2) + 1] = 0
}

function highOf(kind: number, answers: boolean): number {
  return answers ? kind | FROM_ACCEPTOR : kind
}

/** What all wait for goes before data: of one class, so that their order among each other is kept. */
const URGENT = CLASS_LOOKUP << FLAG_CLASS_SHIFT
const BULK = CLASS_BULK << FLAG_CLASS_SHIFT
