/** Maintenance messages on the wire: which member of which process speaks to which. */

import type { Peer } from '../api.ts'
import type { Message } from '../core/messages.ts'
import { decodeMessage, encodeMessage, frameTypeOf, isQuestion, type PeerBook } from '../wire/codec.ts'
import {
  type FrameMemory,
  frameMemory,
  readExtensions,
  readHigh,
  readId,
  readIncarnation,
  readLow,
  readType,
  readVnode,
  writeHeader,
  writeTarget,
} from '../wire/frames.ts'
import { bodyOffset } from '../wire/framing.ts'
import { CLASS_MAINTENANCE, EXT_TARGET, HEADER_BYTES, TARGET_BYTES, TARGET_INCARNATION } from '../wire/layout.ts'
import type { Links } from './links.ts'
import type { Members } from './members.ts'
import type { Session } from './session.ts'

export interface MaintenanceOptions {
  links: () => Links
  members: () => Members
  book: PeerBook
  /** Addresses that the cores route by: connections to them last. */
  isRouting(address: string): boolean
  /** Answers to questions that the runtime asked itself. */
  answer(from: Peer, request: number, message: Message): void
  /** The peer does not keep the rules. */
  violation(session: Session, why: string): void
}

/** Questions of the cores are numbered below this, those of the runtime from here. */
export const RUNTIME_QUESTIONS = 2 ** 52

export class Maintenance {
  readonly stats = { sent: 0, received: 0, sentBytes: 0 }
  readonly #o: MaintenanceOptions
  /** What comes over a connection is answered over it: two processes may claim one address. */
  #answering: Session | undefined

  constructor(o: MaintenanceOptions) {
    this.#o = o
  }

  /** From our member `index`. Silence is the cores' business: what cannot be sent now is not sent. */
  transmit(index: number, to: Peer, request: number, message: Message): void {
    const links = this.#o.links()
    const body = encodeMessage(message, this.#o.book)
    const bytes = HEADER_BYTES + TARGET_BYTES + body.length
    const session = this.#answering?.address === to.address ? this.#answering : links.session(to.address)
    if (session !== undefined) {
      const at = links.reserve(session, bytes, 'control', CLASS_MAINTENANCE)
      if (at < 0) return
      write(links.tx, at, bytes, index, to, request, message, body)
      links.commit(session, at, bytes)
    } else {
      const memory = frameMemory(bytes)
      write(memory, 0, bytes, index, to, request, message, body)
      const purpose = this.#o.isRouting(to.address) ? 'routing' : 'reply'
      if (!links.send(to.address, memory.bytes, purpose, 'control')) return
    }
    this.stats.sent++
    this.stats.sentBytes += bytes
  }

  receive(session: Session, m: FrameMemory, at: number, length: number, nowMs: number): void {
    this.stats.received++
    if (session.role !== 'member') return this.#o.violation(session, 'clientMaintenance')
    const { members, book } = this.#o
    const seen = session.peers[readVnode(m, at)]
    const from = seen === undefined ? undefined : book.peer(seen.address, readVnode(m, at), seen.incarnation)
    if (from === undefined) return this.#o.violation(session, 'virtualNode')
    const type = readType(m, at)
    const request = (readLow(m, at) >>> 0) + (readHigh(m, at) >>> 0) * 2 ** 32
    const decoded = decodeMessage(type, m.bytes, bodyOffset(m, at), at + length, book)
    if (!decoded.ok) return this.#o.violation(session, 'maintenanceBody')
    if (request >= RUNTIME_QUESTIONS && !isQuestion(type)) return this.#o.answer(from, request, decoded.message)
    const core = this.#addressed(m, at)
    this.#answering = session.up ? session : undefined
    try {
      if (core !== undefined) members().message(core, from, request, decoded.message, nowMs)
      else if (isQuestion(type)) this.transmit(0, from, request, { type: 'notMember', joining: false })
    } finally {
      this.#answering = undefined
    }
  }

  /** The member that the frame is for; member 0 if it names none. */
  #addressed(m: FrameMemory, at: number) {
    const { cores } = this.#o.members()
    if ((readExtensions(m, at) & EXT_TARGET) === 0) return cores[0]
    const p = at + HEADER_BYTES
    const id = readId(m, p)
    const core = cores.find((one) => one.self.id.equals(id))
    return core !== undefined && core.self.incarnation === readIncarnation(m, p + TARGET_INCARNATION) ? core : undefined
  }
}

function write(
  m: FrameMemory,
  at: number,
  bytes: number,
  index: number,
  to: Peer,
  request: number,
  message: Message,
  body: Uint8Array,
): void {
  const high = Math.floor(request / 2 ** 32)
  writeHeader(m, at, bytes, frameTypeOf(message), 0, EXT_TARGET, index, request >>> 0, high)
  const p = writeTarget(m, at + HEADER_BYTES, to.id, to.incarnation)
  m.bytes.set(body, p)
}
