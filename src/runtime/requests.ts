/** A call as a frame: how large it is, and its bytes. */
import type { Peer } from '../api.ts'
import {
  type FrameMemory,
  frameMemory,
  originBytes,
  writeDeadline,
  writeHeader,
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

/** The originator that a routed frame names: this process's member 0. A client names none; its entry hop does. */
export type Originator = Peer | undefined

export function requestBytes(call: Call, origin: Originator): number {
  let bytes = HEADER_BYTES + DEADLINE_BYTES + call.body.length
  if (call.key !== undefined || call.target !== undefined) bytes += TARGET_BYTES
  if (origin !== undefined) bytes += originBytes(origin.address)
  return bytes
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
  const id = call.key ?? call.target?.id
  const extensions = EXT_DEADLINE | (id === undefined ? 0 : EXT_TARGET) | (origin === undefined ? 0 : EXT_ORIGIN)
  const lookup = call.wants === 'found'
  const wanted = call.wants !== 'nothing'
  const flags =
    (classOfCall(call) << FLAG_CLASS_SHIFT) |
    (final ? FLAG_FINAL : 0) |
    (call.wants === 'ack' || !wanted ? FLAG_ONE_WAY : 0) |
    (call.idempotent ? FLAG_IDEMPOTENT : 0) |
    (call.attempt > 0 && call.key !== undefined ? FLAG_UNCACHED : 0)
  const type = lookup ? TYPE_LOOKUP : TYPE_REQUEST
  writeHeader(m, at, bytes, type, flags, extensions, 0, wanted ? call.slot : 0, wanted ? call.high : 0)
  m.bytes[at + 20] = finalSteps
  if (!lookup) writeMethod(m, at, call.methodLow, call.methodHigh)
  let p = at + HEADER_BYTES
  if (id !== undefined) p = writeTarget(m, p, id, call.key === undefined ? call.target!.incarnation : 0n)
  p = writeDeadline(m, p, remainingMs)
  if (origin !== undefined) p = writeOrigin(m, p, origin.address, 0, ROLE_MEMBER, origin.incarnation, origin.id)
  m.bytes.set(call.body, p)
}
