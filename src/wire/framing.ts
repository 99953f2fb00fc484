/**
 * Which bytes are a frame: the same rules as `native/framing.h`. Nothing here throws on what came from the network, and
 * nothing allocates for a frame.
 */
import * as L from './layout.ts'

/** As in `transports/transport.ts`, said again because the wire knows no transports. */
export interface Ring {
  readonly bytes: Uint8Array
  readonly halves: Uint16Array
  readonly words: Uint32Array
}

/** Results of {@link checkFrame} below zero: why the connection must close. Index them as `FRAME_FAULTS[-result]`. */
export const FRAME_FAULTS = ['none', 'length', 'version', 'reserved', 'extensions', 'padding', 'hello'] as const
export type FrameFault = Exclude<(typeof FRAME_FAULTS)[number], 'none'>

const BAD_LENGTH = -1
const BAD_VERSION = -2
const BAD_RESERVED = -3
const BAD_EXTENSIONS = -4
const BAD_PADDING = -5
export const BAD_HELLO = -6

/** A fresh, zeroed ring of at least `bytes`. */
export function makeRing(bytes: number): Ring {
  return ringOver(new ArrayBuffer(L.padded(bytes)), 0, L.padded(bytes))
}

/** Views of memory that starts 8-byte aligned; what is behind the last multiple of 8 is not in the wider views. */
export function ringOver(buffer: ArrayBuffer, at: number, bytes: number): Ring {
  return {
    bytes: new Uint8Array(buffer, at, bytes),
    halves: new Uint16Array(buffer, at, bytes >>> 1),
    words: new Uint32Array(buffer, at, bytes >>> 2),
  }
}

/**
 * Looks at the frame that starts at `offset` (8-byte aligned), of which `available` bytes have come.
 * Above zero: it is whole and good, and takes so many bytes with its padding. Zero: not all of it is there.
 * Below zero: it breaks a rule; see {@link FRAME_FAULTS}. `bytesMax` is above FRAME_BYTES_MAX for assembled messages only.
 */
export function checkFrame(ring: Ring, offset: number, available: number, bytesMax = L.FRAME_BYTES_MAX): number {
  if (available < L.HEADER_BYTES) return 0
  const fault = checkHeader(ring, offset, bytesMax)
  if (fault < 0) return fault
  const length = ring.words[offset >>> 2]!
  const size = L.padded(length)
  if (available < size) return 0
  if (extensionBytes(ring, offset) > length - L.HEADER_BYTES) return BAD_EXTENSIONS
  for (let at = offset + length; at < offset + size; at++) if (ring.bytes[at] !== 0) return BAD_PADDING
  return size
}

/** The part of {@link checkFrame} that needs the header only, so that nothing is kept for a frame that is none. */
function checkHeader(ring: Ring, offset: number, bytesMax: number): number {
  const length = ring.words[offset >>> 2]!
  if (length < L.HEADER_BYTES || length > bytesMax) return BAD_LENGTH
  if (ring.bytes[offset + L.AT_VERSION] !== L.PROTOCOL_VERSION) return BAD_VERSION
  if ((ring.halves[(offset + L.AT_FLAGS) >>> 1]! & ~L.FLAGS_KNOWN) !== 0) return BAD_RESERVED
  const extensions = ring.halves[(offset + L.AT_EXTENSIONS) >>> 1]!
  if ((extensions & ~L.EXTENSIONS_KNOWN) !== 0 || ring.bytes[offset + L.AT_RESERVED] !== 0) return BAD_RESERVED
  const last = LAST_FIXED_BYTES[extensions >>> 4]!
  return last < 0 || FIXED_BYTES[extensions & 15]! + last > length - L.HEADER_BYTES ? BAD_EXTENSIONS : 0
}

/** Bytes before the address of the last extension: none, ORIGIN or OWNER, which a frame does not have both. */
const LAST_FIXED_BYTES = [0, L.ORIGIN_FIXED_BYTES, L.OWNER_FIXED_BYTES, -1] as const

/** Bytes of the extensions below ORIGIN and OWNER, by which of them are present. */
const FIXED_BYTES = Array.from(
  { length: 16 },
  (_, set) =>
    ((set & L.EXT_TARGET) !== 0 ? L.TARGET_BYTES : 0) +
    ((set & L.EXT_DEADLINE) !== 0 ? L.DEADLINE_BYTES : 0) +
    ((set & L.EXT_TRACE) !== 0 ? L.TRACE_BYTES : 0) +
    ((set & L.EXT_FRAGMENT) !== 0 ? L.FRAGMENT_BYTES : 0),
)

/** Where extension `ext` of a checked frame starts, or -1 if the frame does not have it. */
export function extensionOffset(ring: Ring, offset: number, ext: number): number {
  const extensions = ring.halves[(offset + L.AT_EXTENSIONS) >>> 1]!
  if ((extensions & ext) === 0) return -1
  return offset + L.HEADER_BYTES + FIXED_BYTES[extensions & (ext - 1) & 15]!
}

/** Bytes between header and body. The last extension's own length field must be there. */
export function extensionBytes(ring: Ring, offset: number): number {
  const extensions = ring.halves[(offset + L.AT_EXTENSIONS) >>> 1]!
  const fixed = FIXED_BYTES[extensions & 15]!
  if (extensions < L.EXT_ORIGIN) return fixed
  // Both begin with it.
  const address = ring.halves[(offset + L.HEADER_BYTES + fixed + L.ORIGIN_ADDRESS_BYTES) >>> 1]!
  return fixed + L.padded(LAST_FIXED_BYTES[extensions >>> 4]! + address)
}

/** Where the body of a checked frame starts; it ends at `offset` + length. */
export function bodyOffset(ring: Ring, offset: number): number {
  return offset + L.HEADER_BYTES + extensionBytes(ring, offset)
}

/** Whether a checked frame may be the first on a connection: a hello whose body starts with the magic word. */
export function isHello(ring: Ring, offset: number): boolean {
  if (ring.halves[(offset + L.AT_TYPE) >>> 1] !== L.TYPE_HELLO) return false
  const body = bodyOffset(ring, offset)
  return body + 4 <= offset + ring.words[offset >>> 2]! && ring.words[body >>> 2] === L.HELLO_MAGIC
}

/** Takes what a {@link FrameSplitter} finds. */
export interface FrameSink {
  /** False: take no more of this stream. The memory is the sink's; nothing is written there again. */
  frame(ring: Ring, offset: number, length: number): boolean
}

/**
 * Cuts one connection's stream of bytes into frames. Frames stay in the chunk that they came in; only one that spans
 * chunks, and what lies misaligned after it, is copied. A partial frame takes memory for its own length at most, and
 * bytes are appended to it once, however slowly they come.
 */
export class FrameSplitter {
  /** Bytes copied since the beginning. */
  bytesCopied = 0
  #greeted = false
  #tail: Ring | undefined
  #tailBytes = 0

  /** Memory held for the frame that is not complete. */
  get tailBytes(): number {
    return this.#tail?.bytes.length ?? 0
  }

  /** Zero, or below zero the fault after which the stream is of no use; good frames before it have been delivered. */
  push(chunk: Uint8Array, sink: FrameSink): number {
    const at = this.#tailBytes > 0 ? this.#complete(chunk, sink) : 0
    return at < 0 || at === chunk.length
      ? Math.min(at, 0)
      : this.#split(this.#aligned(chunk, at), chunk.length - at, sink)
  }

  /** Appends to the partial frame. Bytes of the chunk used; below zero a fault. */
  #complete(chunk: Uint8Array, sink: FrameSink): number {
    let at = 0
    let size = 0
    while (at < chunk.length && size === 0) {
      const tail = this.#tail!
      const take = Math.min(tail.bytes.length - this.#tailBytes, chunk.length - at)
      tail.bytes.set(chunk.subarray(at, at + take), this.#tailBytes)
      this.#tailBytes += take
      this.bytesCopied += take
      at += take
      if (this.#tailBytes < tail.bytes.length) return at
      size = checkFrame(tail, 0, this.#tailBytes)
      if (size === 0) this.#hold(tail.bytes)
    }
    if (size === 0) return at
    const tail = this.#tail!
    this.#tail = undefined
    this.#tailBytes = 0
    const fault = size < 0 ? size : this.#deliver(tail, 0, sink)
    return fault < 0 ? fault : fault === STOPPED ? chunk.length : at
  }

  #split(ring: Ring, end: number, sink: FrameSink): number {
    let at = 0
    while (at < end) {
      const size = checkFrame(ring, at, end - at)
      if (size < 0) return size
      if (size === 0) {
        this.#hold(ring.bytes.subarray(at, end))
        return 0
      }
      const fault = this.#deliver(ring, at, sink)
      if (fault !== 0) return fault === STOPPED ? 0 : fault
      at += size
    }
    return 0
  }

  #deliver(ring: Ring, at: number, sink: FrameSink): number {
    if (!this.#greeted) {
      if (!isHello(ring, at)) return BAD_HELLO
      this.#greeted = true
    }
    return sink.frame(ring, at, ring.words[at >>> 2]!) ? 0 : STOPPED
  }

  /** Keeps the beginning of a frame in memory for exactly the header or, once that is known, the frame. */
  #hold(part: Uint8Array): void {
    const header = part.length >= L.HEADER_BYTES
    const tail = makeRing(header ? L.padded(lengthOf(part)) : L.HEADER_BYTES)
    tail.bytes.set(part)
    this.bytesCopied += part.length
    this.#tail = tail
    this.#tailBytes = part.length
  }

  /** Frames must start at multiples of 8 bytes in memory, which those after a completed one may not. */
  #aligned(chunk: Uint8Array, at: number): Ring {
    const start = chunk.byteOffset + at
    const length = chunk.length - at
    if (start % L.FRAME_ALIGN === 0) return ringOver(chunk.buffer as ArrayBuffer, start, length)
    const ring = makeRing(length)
    ring.bytes.set(chunk.subarray(at))
    this.bytesCopied += length
    return ring
  }
}

const STOPPED = 1

function lengthOf(bytes: Uint8Array): number {
  return bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)
}
