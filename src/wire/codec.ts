/**
 * Maintenance messages as bytes: the body of a frame whose type names the message. Decoding never throws, checks
 * every bound, and refuses what is left over.
 */
import type { Id } from '../core/id.ts'
import type { Boundary, Message, Peer } from '../core/messages.ts'
import { Reader, Writer } from './body.ts'

/** Knows peers by what travels: address, virtual node and incarnation. Their ids are derived, so nobody can choose one. */
export interface PeerBook {
  /** Index of the peer's virtual node. */
  indexOf(peer: Peer): number
  /** Undefined: the address is none that a member can have. */
  peer(address: string, index: number, incarnation: bigint): Peer | undefined
}

export type Decoded = { ok: true; message: Message } | { ok: false; reason: string }

/** Entries of a list of peers at most: 4 times the longest successor list. */
export const PEERS_MAX = 256

/** Frame types. The compiler lists here what a new message still needs. */
const TYPES: Readonly<Record<Message['type'], number>> = {
  ping: 16,
  pong: 17,
  getNeighbors: 18,
  neighbors: 19,
  closest: 20,
  closestKnown: 21,
  grant: 22,
  granted: 23,
  handOver: 24,
  handedOver: 25,
  left: 26,
  goodbye: 27,
  notMember: 28,
  notify: 29,
  meet: 30,
  claim: 31,
}

const NAMES: readonly (Message['type'] | undefined)[] = (() => {
  const names: (Message['type'] | undefined)[] = []
  for (const name of Object.keys(TYPES) as Message['type'][]) names[TYPES[name]] = name
  return names
})()

/** Questions are even up to 26; whoever cannot take one answers `notMember`. */
export function isQuestion(frameType: number): boolean {
  return frameType <= TYPES.left && frameType % 2 === 0
}

export function frameTypeOf(message: Message): number {
  return TYPES[message.type]
}

/** The body; a view that the next call overwrites. */
export function encodeMessage(message: Message, book: PeerBook): Uint8Array {
  const out = writer
  out.reset()
  switch (message.type) {
    case 'ping':
    case 'pong':
    case 'getNeighbors':
    case 'goodbye':
      break
    case 'neighbors':
      out.u8(message.leaving ? 1 : 0)
      writeOptionalPeer(out, message.predecessor, book)
      writePeers(out, message.successors, book)
      break
    case 'closest':
      out.u8(message.joiner ? 1 : 0)
      out.id(message.key)
      break
    case 'closestKnown':
      out.u8(message.done ? 1 : 0)
      writeOptionalPeer(out, message.conflict, book)
      writePeers(out, message.successors, book)
      writePeers(out, message.next, book)
      break
    case 'grant':
      writeOptionalId(out, message.after)
      writeBoundary(out, message.boundary, book)
      break
    case 'granted':
      out.u8(message.accepted ? 1 : 0)
      break
    case 'handOver':
      out.id(message.after)
      writeBoundary(out, message.boundary, book)
      break
    case 'handedOver':
      out.u8((message.accepted ? 1 : 0) | (message.leaving ? 2 : 0))
      break
    case 'left':
      writePeers(out, message.successors, book)
      break
    case 'notMember':
      out.u8(message.joining ? 1 : 0)
      break
    case 'notify':
      out.u8((message.hasRange ? 1 : 0) | (message.skips ? 2 : 0))
      break
    case 'meet':
    case 'claim':
      writePeer(out, message.peer, book)
      break
    default:
      message satisfies never
  }
  return out.done()
}

/** Reads `bytes[at .. end)` as the body of a frame of that type. */
export function decodeMessage(frameType: number, bytes: Uint8Array, at: number, end: number, book: PeerBook): Decoded {
  const name = NAMES[frameType]
  if (name === undefined) return { ok: false, reason: 'type' }
  const body = reader
  body.open(bytes, at, end)
  const message = readMessage(name, body, book)
  if (!body.finished()) return { ok: false, reason: body.failed ? 'body' : 'trailing' }
  return { ok: true, message }
}

/** What it returns counts only if the reader finished well. */
function readMessage(type: Message['type'], body: Reader, book: PeerBook): Message {
  switch (type) {
    case 'ping':
    case 'pong':
    case 'getNeighbors':
    case 'goodbye':
      return { type }
    case 'neighbors': {
      const leaving = body.flags(1) === 1
      const predecessor = readOptionalPeer(body, book)
      return { type, leaving, predecessor, successors: readPeers(body, book) }
    }
    case 'closest': {
      const joiner = body.flags(1) === 1
      return { type, joiner, key: body.id() }
    }
    case 'closestKnown': {
      const done = body.flags(1) === 1
      const conflict = readOptionalPeer(body, book)
      const successors = readPeers(body, book)
      return { type, done, conflict, successors, next: readPeers(body, book) }
    }
    case 'grant': {
      const after = body.flags(1) === 1 ? body.id() : undefined
      return { type, after, boundary: readBoundary(body, book, after) }
    }
    case 'granted':
      return { type, accepted: body.flags(1) === 1 }
    case 'handOver': {
      const after = body.id()
      return { type, after, boundary: readBoundary(body, book, after) }
    }
    case 'handedOver': {
      const flags = body.flags(3)
      return { type, accepted: (flags & 1) !== 0, leaving: (flags & 2) !== 0 }
    }
    case 'left':
      return { type, successors: readPeers(body, book) }
    case 'notMember':
      return { type, joining: body.flags(1) === 1 }
    case 'notify': {
      const flags = body.flags(3)
      return { type, hasRange: (flags & 1) !== 0, skips: (flags & 2) !== 0 }
    }
    case 'meet':
    case 'claim':
      return { type, peer: readPeer(body, book) as Peer }
    default:
      return type satisfies never
  }
}

/** Index (2), incarnation (8), then the address: its length (1) and bytes, or 0 and the place of one given before. */
export function writePeer(out: Writer, peer: Peer, book: PeerBook): void {
  out.u16(book.indexOf(peer))
  out.u64(peer.incarnation)
  out.address(peer.address)
}

/** Undefined only if the reader failed. */
export function readPeer(body: Reader, book: PeerBook): Peer | undefined {
  const index = body.u16()
  const incarnation = body.u64()
  const address = body.address()
  if (body.failed) return undefined
  const peer = index <= 255 ? book.peer(address, index, incarnation) : undefined
  if (peer === undefined) body.fail()
  return peer
}

function writeOptionalPeer(out: Writer, peer: Peer | undefined, book: PeerBook): void {
  out.u8(peer === undefined ? 0 : 1)
  if (peer !== undefined) writePeer(out, peer, book)
}

function readOptionalPeer(body: Reader, book: PeerBook): Peer | undefined {
  return body.flags(1) === 1 ? readPeer(body, book) : undefined
}

/** The best come first, so a list that would not fit ends early. */
function writePeers(out: Writer, peers: readonly Peer[], book: PeerBook): void {
  const countAt = out.skip(2)
  let count = 0
  for (const peer of peers) {
    if (count === PEERS_MAX || out.length > LIST_BYTES_MAX) break
    writePeer(out, peer, book)
    count++
  }
  out.setU16(countAt, count)
}

function readPeers(body: Reader, book: PeerBook): Peer[] {
  const peers: Peer[] = []
  const count = body.u16()
  if (count > PEERS_MAX) body.fail()
  for (let i = 0; i < count && !body.failed; i++) {
    const peer = readPeer(body, book)
    if (peer !== undefined) peers.push(peer)
  }
  return peers
}

function writeOptionalId(out: Writer, id: Id | undefined): void {
  out.u8(id === undefined ? 0 : 1)
  if (id !== undefined) out.id(id)
}

function writeBoundary(out: Writer, boundary: Boundary, book: PeerBook): void {
  out.u8(boundary.dead ? 1 : 0)
  writeOptionalPeer(out, boundary.peer, book)
}

/** A range that does not begin at the peer that is said to be there belongs to nobody, and no neighbor could ever end that. */
function readBoundary(body: Reader, book: PeerBook, after: Id | undefined): Boundary {
  const dead = body.flags(1) === 1
  const peer = readOptionalPeer(body, book)
  if (peer !== undefined && after !== undefined && !peer.id.equals(after)) body.fail()
  return { dead, peer }
}

/** Two lists and what surrounds them stay below a frame. */
const LIST_BYTES_MAX = 64_000

const writer = new Writer(LIST_BYTES_MAX + 1_024)
const reader = new Reader()
