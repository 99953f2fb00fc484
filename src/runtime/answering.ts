/** Sending answers back to whoever asked: over the connection it came by, over another to the originator, or routed. */

import type { Owner } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import { classOf } from '../transports/classes.ts'
import { encodeFailure, encodeFound, FAIL_REMOTE } from '../wire/answers.ts'
import type { PeerBook } from '../wire/codec.ts'
import {
  canCopyShort,
  copyShort,
  type FrameMemory,
  frameMemory,
  isForKey,
  ownerBytes,
  readExtensions,
  readFinalSteps,
  readFlags,
  readHigh,
  readHops,
  readLow,
  readType,
  writeHeader,
  writeOwner,
  writeTarget,
} from '../wire/frames.ts'
import {
  AT_REQUEST_HIGH,
  AT_REQUEST_LOW,
  CLASS_APPLICATION,
  CLASS_BULK,
  CLASS_LOOKUP,
  EXT_ORIGIN,
  EXT_OWNER,
  EXT_TARGET,
  FLAG_CLASS_MASK,
  FLAG_CLASS_SHIFT,
  FLAG_FINAL,
  FLAG_ONE_WAY,
  FLAG_UNCACHED,
  FRAME_BYTES_MAX,
  HEADER_BYTES,
  TARGET_BYTES,
  TYPE_FAILURE,
  TYPE_FOUND,
  TYPE_REPLY,
} from '../wire/layout.ts'
import type { Holding } from './holding.ts'
import type { Links } from './links.ts'
import { type Origin, Origins } from './origins.ts'
import type { OwnFrames } from './own-frames.ts'
import type { Session } from './session.ts'

/** Where the answer to a frame goes. `origin` is absent if it came straight from the originator, `session` too if that is this process. */
export interface ReturnPath {
  readonly session: Session | undefined
  readonly origin: Origin | undefined
  readonly low: number
  readonly high: number
  /** Only that it arrived is wanted. */
  readonly oneWay: boolean
  /** Whoever asked did not know who owns the key, and is told. */
  readonly tells: boolean
  /** One of many that were asked at a time. */
  readonly bulk: boolean
  /** UNCACHED of the frame: the answer repeats it, so that who asked knows that it is to another attempt than the first. */
  readonly uncached: number
}

/** Whether the originator has sent it to us as the owner of its key; a client, its entry hop, unless that was taken for the owner itself. */
function knewOwner({ client }: Origin, m: FrameMemory, at: number): boolean {
  return (readFlags(m, at) & FLAG_FINAL) !== 0 && readHops(m, at) <= (client ? 1 : 0) && readFinalSteps(m, at) === 0
}

/** Whether the frame comes from who asks, who has sent it to us as the owner of its key: that one only asks again with proof. */
export function cameStraight(session: Session | undefined, m: FrameMemory, at: number): boolean {
  return session?.role === 'member' && readHops(m, at) === 0 && (readFlags(m, at) & FLAG_FINAL) !== 0
}

/** Where on the ring who asks is, if it is a member. */
function idOfMember({ origin, session }: ReturnPath): Id | undefined {
  if (origin !== undefined) return origin.client ? undefined : origin.id
  return session?.role === 'member' ? session.ids[0] : undefined
}

/** Originators that want no answer at all send request id 0. */
export function wantsAnswer(path: ReturnPath): boolean {
  return path.low !== 0 || path.high !== 0
}

export interface AnsweringOptions {
  links: () => Links
  book: PeerBook
  holding: Holding
  /** Empty for a client. */
  cores(): readonly ChordNode[]
  /** Our own address: what is for us does not leave. */
  address(): string
  /** For frames of our own for ourselves; not those of a client. */
  own: OwnFrames | undefined
  payloadBytesMax: number
}

export class Answering {
  dropped = 0
  readonly #o: AnsweringOptions
  readonly #origins = new Origins()

  constructor(o: AnsweringOptions) {
    this.#o = o
  }

  /** Where the answer to the frame at `at` goes, which came over `session` or from this process. */
  path(session: Session | undefined, m: FrameMemory, at: number): ReturnPath {
    const flags = readFlags(m, at)
    const oneWay = (flags & FLAG_ONE_WAY) !== 0
    const origin = this.#origins.read(m, at)
    const tells = origin !== undefined && session !== undefined && !knewOwner(origin, m, at) && isForKey(m, at)
    return {
      session,
      origin,
      low: readLow(m, at),
      high: readHigh(m, at),
      oneWay,
      tells,
      bulk: isBulk(flags),
      uncached: flags & FLAG_UNCACHED,
    }
  }

  /** `index`: which of our members answers. */
  reply(path: ReturnPath, index: number, body: Uint8Array): void {
    if (body.length <= this.#o.payloadBytesMax) return this.#send(path, TYPE_REPLY, index, body, 'own')
    const text = `a reply of ${body.length} bytes is over limits.payloadBytes (${this.#o.payloadBytesMax})`
    this.failure(path, index, FAIL_REMOTE, text)
  }

  /**
   * As `reply` with `body[start .. end)` to the frame at `at`, for the plain case: it came straight from who asked, whose
   * connection is up, and the answer fits a frame. Allocates nothing. False: nothing was done.
   */
  replyStraight(
    session: Session | undefined,
    m: FrameMemory,
    at: number,
    index: number,
    body: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const length = end - start
    if (session === undefined || !session.up) return false
    if ((readExtensions(m, at) & EXT_ORIGIN) !== 0 && !cameStraight(session, m, at)) return false
    if (length > this.#o.payloadBytesMax || HEADER_BYTES + length > FRAME_BYTES_MAX) return false
    const low = readLow(m, at)
    const high = readHigh(m, at)
    if (low === 0 && high === 0) return true
    const bytes = HEADER_BYTES + length
    const links = this.#o.links()
    const trafficClass = isBulk(readFlags(m, at)) ? CLASS_BULK : CLASS_APPLICATION
    const place = reserve(links, session, bytes, 'own', trafficClass)
    if (place < 0) {
      this.dropped++
      return true
    }
    const { tx } = links
    const flags = (trafficClass << FLAG_CLASS_SHIFT) | (readFlags(m, at) & FLAG_UNCACHED)
    writeHeader(tx, place, bytes, TYPE_REPLY, flags, 0, index, low, high)
    if (body === m.bytes && canCopyShort(m, start, end)) copyShort(m, start, tx, place + HEADER_BYTES, length)
    else tx.bytes.set(start === 0 && end === body.length ? body : body.subarray(start, end), place + HEADER_BYTES)
    links.commit(session, place, bytes)
    return true
  }

  /** The answer that came for a client of ours, to the client, under its own request id. False: there is no room. */
  passBack(session: Session, m: FrameMemory, at: number, length: number, low: number, high: number): boolean {
    const links = this.#o.links()
    const isLarge = length > FRAME_BYTES_MAX
    const place = isLarge ? 0 : reserve(links, session, length, 'own', classOf(readType(m, at), readFlags(m, at)))
    if (place < 0) return false
    const out = isLarge ? frameMemory(length) : links.tx
    out.bytes.set(m.bytes.subarray(at, at + length), place)
    out.words[(place + AT_REQUEST_LOW) >>> 2] = low
    out.words[(place + AT_REQUEST_HIGH) >>> 2] = high
    if (isLarge) return links.sendOn(session, out.bytes, 'own')
    links.commit(session, place, length)
    return true
  }

  found(path: ReturnPath, index: number, owner: Owner): void {
    const body = encodeFound(owner.owner, owner.range.after, owner.epoch, owner.hops, this.#o.book)
    this.#send(path, TYPE_FOUND, index, body, 'own')
  }

  failure(path: ReturnPath, index: number, code: number, message: string): void {
    this.#send(path, TYPE_FAILURE, index, encodeFailure(code, message), 'control')
  }

  #send(path: ReturnPath, type: number, index: number, body: Uint8Array, lane: 'own' | 'control'): void {
    if (!wantsAnswer(path)) return
    const links = this.#o.links()
    const core = path.tells && type === TYPE_REPLY ? this.#o.cores()[index]?.core : undefined
    // It may have lost its range since the request came.
    const owner = core?.range === undefined ? undefined : core
    const bytes = HEADER_BYTES + body.length + (owner === undefined ? 0 : ownerBytes(owner.self.address))
    // A member that asked directly is answered even when its connection has gone; a client has no address.
    const address = path.origin?.address ?? path.session?.address ?? this.#o.address()
    if (this.#o.own !== undefined && address === this.#o.address()) {
      const memory = this.#o.own.add(bytes)
      return this.#write(memory, this.#o.own.at, bytes, type, index, path, owner, body)
    }
    const session =
      address === '' || path.session?.address === address ? this.#usable(path.session, address) : links.session(address)
    if (session !== undefined && bytes <= FRAME_BYTES_MAX) {
      const at = reserve(links, session, bytes, lane, classOfAnswer(type, path))
      if (at < 0) this.dropped++
      else {
        this.#write(links.tx, at, bytes, type, index, path, owner, body)
        links.commit(session, at, bytes)
      }
      return
    }
    const memory = frameMemory(bytes)
    this.#write(memory, 0, bytes, type, index, path, owner, body)
    if (session !== undefined) {
      if (!links.sendOn(session, memory.bytes, lane)) this.dropped++
    } else if (!this.#isDialable(path)) this.dropped++
    else this.#o.holding.hold(address, 'reply', memory, bytes, idOfMember(path))
  }

  #write(
    m: FrameMemory,
    at: number,
    bytes: number,
    type: number,
    index: number,
    path: ReturnPath,
    owner: ChordNode['core'] | undefined,
    body: Uint8Array,
  ): void {
    const flags = (classOfAnswer(type, path) << FLAG_CLASS_SHIFT) | path.uncached
    writeHeader(m, at, bytes, type, flags, owner === undefined ? 0 : EXT_OWNER, index, path.low, path.high)
    let p = at + HEADER_BYTES
    if (owner !== undefined) {
      const { self, range, epoch } = owner
      p = writeOwner(m, p, self.address, this.#o.book.indexOf(self), self.incarnation, range!.after, epoch)
    }
    m.bytes.set(body, p)
  }

  /** Who claims an address that no member can have gets no answer. */
  #isDialable({ origin, session }: ReturnPath): boolean {
    const { address, index, incarnation } = origin ?? { address: session?.address ?? '', index: 0, incarnation: 0n }
    return this.#o.book.peer(address, index, incarnation) !== undefined
  }

  /** The connection that it came by, or, if that has gone, another to a member at the same address. */
  #usable(session: Session | undefined, address: string): Session | undefined {
    if (session === undefined || session.up) return session
    const other = address === '' ? session.address : address
    return other === '' ? undefined : this.#o.links().session(other)
  }
}

/** An answer that is not sent makes an unknown outcome of work that was done: so it may use the control lane too. */
function reserve(links: Links, session: Session, bytes: number, lane: 'own' | 'control', trafficClass: number): number {
  const at = links.reserve(session, bytes, lane, trafficClass)
  return at < 0 && lane === 'own' ? links.reserve(session, bytes, 'control', trafficClass) : at
}

function isBulk(flags: number): boolean {
  return (flags & FLAG_CLASS_MASK) === FLAG_CLASS_MASK
}

/** An answer waits as its question did. That there is none is short, and somebody may try elsewhere. */
function classOfAnswer(type: number, path: ReturnPath): number {
  if (path.bulk) return CLASS_BULK
  return type === TYPE_REPLY ? CLASS_APPLICATION : CLASS_LOOKUP
}

/** The same answer as a frame that is routed to the originator's id, for when it cannot be reached directly. */
export function routedBack(m: FrameMemory, length: number, originId: Id): FrameMemory | undefined {
  const bytes = length + TARGET_BYTES
  if (bytes > FRAME_BYTES_MAX) return undefined
  const memory = frameMemory(bytes)
  memory.bytes.set(m.bytes.subarray(0, HEADER_BYTES))
  memory.words[0] = bytes
  memory.halves[9] = EXT_TARGET | readExtensions(m, 0)
  const p = writeTarget(memory, HEADER_BYTES, originId, 0n)
  memory.bytes.set(m.bytes.subarray(HEADER_BYTES, length), p)
  return memory
}
