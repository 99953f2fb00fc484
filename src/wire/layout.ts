/**
 * The frame layout, in bytes: the TypeScript side of `native/layout.h`. Both are compared when the addon loads.
 *
 *   0       4     6     8                16   17   18    20   21   22    24              32
 *   | length | type|flags|   request id   |hops|ver.| ext.|steps| 0 |vnode|  method (64)  | extensions | body | zeros to 8
 *
 * Little-endian. `length` covers header, extensions and body, not the padding. Every frame starts 8-byte aligned.
 */
export const LAYOUT_VERSION = 5
export const PROTOCOL_VERSION = 1

export const HEADER_BYTES = 32
export const FRAME_BYTES_MAX = 65_536
export const FRAME_ALIGN = 8

/** Offsets of header fields. */
export const AT_LENGTH = 0
export const AT_TYPE = 4
export const AT_FLAGS = 6
/** Low half: slot of the sender's pending table. */
export const AT_REQUEST_LOW = 8
/** High half: generation and randomness, so that a stale or forged answer finds no slot. */
export const AT_REQUEST_HIGH = 12
export const AT_HOPS = 16
export const AT_VERSION = 17
export const AT_EXTENSIONS = 18
export const AT_FINAL_STEPS = 20
export const AT_RESERVED = 21
/** Index of the virtual node that sent the frame; the connection's hello says the rest of who it is. */
export const AT_FROM_VNODE = 22
/** First 8 bytes of SHA-1 of the application's message name; zero in other frames. */
export const AT_METHOD_LOW = 24
export const AT_METHOD_HIGH = 28

/** Header flags. */
export const FLAG_FINAL = 1 // the sender believes that the receiver owns the key
export const FLAG_ONE_WAY = 2 // no value wanted; acknowledged unless the request id is zero
export const FLAG_IDEMPOTENT = 4 // may be handled more than once
export const FLAG_UNCACHED = 8 // not the first attempt: nobody on the way goes by a remembered range. Answers repeat it
export const FLAG_CLASS_SHIFT = 4 // two bits: traffic class
export const FLAG_CLASS_MASK = 0x30
export const FLAGS_KNOWN = 0x3f

/** Traffic classes, most urgent first: what has to wait leaves in this order; see `transports/classes.ts`. */
export const CLASS_MAINTENANCE = 0
export const CLASS_LOOKUP = 1
export const CLASS_APPLICATION = 2
export const CLASS_BULK = 3
export const CLASSES = 4

/** Extensions, in the order in which they follow the header; each 8-byte aligned. */
export const EXT_TARGET = 1 // 32 bytes: id (20), zero (4), incarnation (8; 0 = a key, or any)
export const EXT_DEADLINE = 2 // 8 bytes: remaining milliseconds (4), zero (4)
export const EXT_TRACE = 4 // 24 bytes: trace id (16), span id (8); carried along, not read
export const EXT_FRAGMENT = 8 // 16 bytes: total (4), offset (4), message number (4), zero (4)
export const EXT_ORIGIN = 16 // 40 bytes + address, padded: who asks; see below
export const EXT_OWNER = 32 // 48 bytes + address, padded: who answers; see below. Never beside ORIGIN
export const EXTENSIONS_KNOWN = 63

export const TARGET_BYTES = 32
export const TARGET_INCARNATION = 24
export const DEADLINE_BYTES = 8
export const TRACE_BYTES = 24
export const FRAGMENT_BYTES = 16
/** Origin: address bytes (2), virtual node (2), role (4), incarnation (8), id (20), zero (4), then the address. */
export const ORIGIN_FIXED_BYTES = 40
export const ORIGIN_ADDRESS_BYTES = 0
export const ORIGIN_VNODE = 2
export const ORIGIN_ROLE = 4
export const ORIGIN_INCARNATION = 8
export const ORIGIN_ID = 16
export const ORIGIN_ADDRESS = 40
/** Owner: address bytes (2), virtual node (2), zero (4), incarnation (8), start of range (20), zero (4), epoch (8), address. */
export const OWNER_FIXED_BYTES = 48
export const OWNER_ADDRESS_BYTES = 0
export const OWNER_VNODE = 2
export const OWNER_INCARNATION = 8
export const OWNER_AFTER = 16
export const OWNER_EPOCH = 40
export const OWNER_ADDRESS = 48
export const ADDRESS_BYTES_MAX = 255

export const ROLE_MEMBER = 0
/** The address is that of the entry hop, which hands the answer on; the id is the client's own. */
export const ROLE_CLIENT = 1

/** Frame types. Below 16: the connection's own; 16 to 63: maintenance between nodes; from 64: routed and application. */
export const TYPE_HELLO = 1
export const TYPE_GOODBYE = 2
export const TYPE_FRAGMENT = 3
export const TYPE_MAINTENANCE_FIRST = 16
export const TYPE_MAINTENANCE_LAST = 63
export const TYPE_LOOKUP = 64
export const TYPE_FOUND = 65
export const TYPE_REQUEST = 66
export const TYPE_REPLY = 67
export const TYPE_FAILURE = 68
export const TYPE_STREAM = 69

/** First word of a hello's body: "CHRD". */
export const HELLO_MAGIC = 0x44524843

export function padded(bytes: number): number {
  return (bytes + FRAME_ALIGN - 1) & ~(FRAME_ALIGN - 1)
}
