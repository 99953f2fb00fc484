/** A call as a frame: how large it is, and its bytes. */
import type { Peer } from '../api.ts'
import {
  type FrameMemory,
  frameMemory,
  originBytes,
  writeDeadline,
  writeHeader,
  writeKey,
  writeMethod,
  writeOrigin,
  writeTarget,
} from '../wire/frames.ts'
import {
  CLASS_APPLICATION,
  CLASS_BULK,
  CLASS_LOOKUP,
  DEADLINE_BYTES,
  EXT_DEADLINE,
  EXT_ORIGIN,
  EXT_TARGET,
  FLAG_CLASS_SHIFT,
  FLAG_FINAL,
  FLAG_IDEMPOTENT,
  FLAG_ONE_WAY,
  FLAG_UNCACHED,
  FRAME_BYTES_MAX,
  HEADER_BYTES,
  ROLE_MEMBER,
  TARGET_BYTES,
  TYPE_LOOKUP,
  TYPE_REQUEST,
} from '../wire/layout.ts'
import type { Call } from './calls.ts'
import type { Links } from './links.ts'
import type { Session } from './session.ts'

/**
 * The originator that a frame names which others are to pass on: this process's member 0. What goes FINAL over a connection of its originator
 * names none, and neither does a client: that connection says who asks, and who has to pass the frame on after all writes it down.
 */
export type Originator = OriginBlock | undefined

/** ORIGIN, ready to be copied. */
export class OriginBlock {
  readonly peer: Peer
  readonly bytes: number
  readonly #words: Uint32Array

  constructor(peer: Peer) {
    this.peer = peer
    this.bytes = originBytes(peer.address)
    const memory = frameMemory(this.bytes)
    writeOrigin(memory, 0, peer.address, 0, ROLE_MEMBER, peer.incarnation, peer.id)
    this.#words = memory.words
  }

  write(m: FrameMemory, p: number): number {
    const words = this.#words
    const w = p >>> 2
    for (let i = 0; i < words.length; i++) m.words[w + i] = words[i]!
    return p + this.bytes
  }
}

export function requestBytes(call: Call, origin: Originator): number {
  let bytes = HEADER_BYTES + DEADLINE_BYTES + call.body.length
  if (call.key !== undefined || call.target !== undefined) bytes += TARGET_BYTES
  return origin === undefined ? bytes : bytes + origin.bytes
}

/** Calls that are made many at a time wait behind all others. */
export function classOfCall(call: Call): number {
  if (call.patient) return CLASS_BULK
  return call.wants === 'found' ? CLASS_LOOKUP : CLASS_APPLICATION
}

/** Over this session, in fragments if need be. False: its queue is full, or it went down just now. */
export function sendRequest(
  links: Links,
  session: Session,
  call: Call,
  origin: Originator,
  final: boolean,
  finalSteps: number,
  remainingMs: number,
): boolean {
  const bytes = requestBytes(call, origin)
  if (bytes > FRAME_BYTES_MAX) {
    const memory = frameMemory(bytes)
    writeRequest(memory, 0, bytes, call, origin, final, finalSteps, remainingMs)
    return links.sendOn(session, memory.bytes, 'own')
  }
  const at = links.reserve(session, bytes, 'own', classOfCall(call))
  if (at < 0) return false
  writeRequest(links.tx, at, bytes, call, origin, final, finalSteps, remainingMs)
  links.commit(session, at, bytes)
  return true
}

/** Writes the frame of `bytes` (from `requestBytes`) at `at`; the receiver has `remainingMs` for it. */
export function writeRequest(
  m: FrameMemory,
  at: number,
  bytes: number,
  call: Call,
  origin: Originator,
  final: boolean,
  finalSteps: number,
  remainingMs: number,
): void {
  const { key, target } = call
  const hasTarget = key !== undefined || target !== undefined
  const extensions = EXT_DEADLINE | (hasTarget ? EXT_TARGET : 0) | (origin === undefined ? 0 : EXT_ORIGIN)
  const lookup = call.wants === 'found'
  const wanted = call.wants !== 'nothing'
  const flags =
    (classOfCall(call) << FLAG_CLASS_SHIFT) |
    (final ? FLAG_FINAL : 0) |
    (call.wants === 'ack' || !wanted ? FLAG_ONE_WAY : 0) |
    (call.idempotent ? FLAG_IDEMPOTENT : 0) |
    (call.attempt > 0 && key !== undefined ? FLAG_UNCACHED : 0)
  const type = lookup ? TYPE_LOOKUP : TYPE_REQUEST
  writeHeader(m, at, bytes, type, flags, extensions, 0, wanted ? call.slot : 0, wanted ? call.high : 0)
  m.bytes[at + 20] = finalSteps
  if (!lookup) writeMethod(m, at, call.methodLow, call.methodHigh)
  let p = at + HEADER_BYTES
  if (key !== undefined) p = writeKey(m, p, key)
  else if (target !== undefined) p = writeTarget(m, p, target.id, target.incarnation)
  p = writeDeadline(m, p, remainingMs)
  if (origin !== undefined) p = origin.write(m, p)
  m.bytes.set(call.body, p)
}
