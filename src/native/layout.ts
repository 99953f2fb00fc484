/**
 * The memory that the native endpoint and `transports/native.ts` share: the TypeScript side of `native/layout.h`, beside
 * the frame layout in `wire/layout.ts`. An addon that was built from other numbers is refused when it loads.
 */
import * as wire from '../wire/layout.ts'

/** One descriptor an event of a batch: link index | kind << KIND_SHIFT, generation, offset or detail, length. */
export const DESCRIPTOR_WORDS = 4
export const DESCRIPTORS_MAX = 8192
export const KIND_SHIFT = 24
export const KIND_FRAME = 0
export const KIND_OPENED = 1
export const KIND_DRAINED = 2
export const KIND_CLOSED = 3

/** One run of committed frames for one link: index, generation, offset, bytes. */
export const RUN_WORDS = 4
export const RUNS_MAX = 8192

/** Words of one link, its own for as long as its generation stands there. */
export const LINK_WORDS = 16
export const LINK_GENERATION = 0
export const LINK_QUEUED = 1
export const LINK_REFUSED = 2
/** What C++ may do with frames by key: pass on those that come from it, pass on others to it. */
export const LINK_ROUTE = 3
/** How many it has passed on, modulo 2³²: that came from it, that went to it. */
export const LINK_PASSED_IN = 4
export const LINK_PASSED_OUT = 5
/** Of each class, how many bytes wait in it and in the more urgent ones. */
export const LINK_WAITING = 6
export const ROUTE_FROM = 1
export const ROUTE_TO = 2

/**
 * Words of the endpoint: descriptors of this batch, runs to flush, bytes of the receive ring that this batch uses, whether frames are
 * passed on.
 */
export const CONTROL_WORDS = 8
export const CONTROL_DESCRIPTORS = 0
export const CONTROL_RUNS = 1
export const CONTROL_RECEIVED = 2
export const CONTROL_ROUTING = 3

/** Routes as C++ takes them; see `native/route_table.h`. */
export const ROUTE_HEAD_WORDS = 4
export const ROUTE_WAYS = 3
export const ROUTE_STEPS_SHIFT = 24
export const ROUTE_FINAL = 0x80000000
export const ROUTE_NONE = 0xffffffff

/** Indexes of the counters, which are doubles: what has happened so far. */
export const COUNT_WAKEUPS = 0
export const COUNT_BATCHES = 1
export const COUNT_FLUSHES = 2
export const COUNT_FRAMES_IN = 3
export const COUNT_BYTES_IN = 4
export const COUNT_BYTES_OUT = 5
export const COUNT_TAIL_BYTES_COPIED = 6
export const COUNT_READS = 7
export const COUNT_READS_EMPTY = 8
export const COUNT_WRITES = 9
export const COUNT_WRITES_PARTIAL = 10
export const COUNT_REFUSALS = 11
export const COUNT_ACCEPTED = 12
export const COUNT_ACCEPT_PAUSES = 13
export const COUNT_DIALED = 14
/** Gauges, and the highest that they have been. */
export const COUNT_OPEN = 15
export const COUNT_OPEN_MAX = 16
export const COUNT_QUEUED_BYTES = 17
export const COUNT_QUEUED_BYTES_MAX = 18
export const COUNT_TAIL_BYTES = 19
/** Frames passed on here; those that could not be, all ways being shut, and went to JavaScript. */
export const COUNT_PASSED_ON = 20
export const COUNT_NOT_PASSED_ON = 21
/** Batches by how many frames they had: none, then from each power of two up to the next. */
export const COUNT_BATCH_FRAMES = 22
export const BATCH_SIZES = 14
/** Closed connections, by reason. */
export const COUNT_REASONS = 36

/** Reasons for closing, as indexes from COUNT_REASONS. */
export const REASON_LOCAL = 0
export const REASON_ENDED = 1
export const REASON_RESET = 2
export const REASON_REFUSED = 3
export const REASON_UNREACHABLE = 4
export const REASON_LENGTH = 5
export const REASON_VERSION = 6
export const REASON_RESERVED = 7
export const REASON_EXTENSIONS = 8
export const REASON_PADDING = 9
export const REASON_HELLO = 10
export const REASON_MEMORY = 11
export const REASON_CONNECTIONS = 12
export const COUNTERS = 49

/** Everything that both sides must agree on. */
const SHARED: Readonly<Record<string, number>> = {
  LAYOUT_VERSION: wire.LAYOUT_VERSION,
  PROTOCOL_VERSION: wire.PROTOCOL_VERSION,
  HEADER_BYTES: wire.HEADER_BYTES,
  FRAME_BYTES_MAX: wire.FRAME_BYTES_MAX,
  FRAME_ALIGN: wire.FRAME_ALIGN,
  AT_LENGTH: wire.AT_LENGTH,
  AT_TYPE: wire.AT_TYPE,
  AT_FLAGS: wire.AT_FLAGS,
  AT_REQUEST_LOW: wire.AT_REQUEST_LOW,
  AT_REQUEST_HIGH: wire.AT_REQUEST_HIGH,
  AT_HOPS: wire.AT_HOPS,
  AT_VERSION: wire.AT_VERSION,
  AT_EXTENSIONS: wire.AT_EXTENSIONS,
  AT_FINAL_STEPS: wire.AT_FINAL_STEPS,
  AT_RESERVED: wire.AT_RESERVED,
  AT_FROM_VNODE: wire.AT_FROM_VNODE,
  AT_METHOD_LOW: wire.AT_METHOD_LOW,
  AT_METHOD_HIGH: wire.AT_METHOD_HIGH,
  FLAG_FINAL: wire.FLAG_FINAL,
  FLAG_UNCACHED: wire.FLAG_UNCACHED,
  FLAGS_KNOWN: wire.FLAGS_KNOWN,
  FLAG_CLASS_SHIFT: wire.FLAG_CLASS_SHIFT,
  CLASSES: wire.CLASSES,
  CLASS_MAINTENANCE: wire.CLASS_MAINTENANCE,
  CLASS_LOOKUP: wire.CLASS_LOOKUP,
  CLASS_APPLICATION: wire.CLASS_APPLICATION,
  CLASS_BULK: wire.CLASS_BULK,
  EXT_TARGET: wire.EXT_TARGET,
  EXT_DEADLINE: wire.EXT_DEADLINE,
  EXT_TRACE: wire.EXT_TRACE,
  EXT_FRAGMENT: wire.EXT_FRAGMENT,
  EXT_ORIGIN: wire.EXT_ORIGIN,
  EXT_OWNER: wire.EXT_OWNER,
  EXTENSIONS_KNOWN: wire.EXTENSIONS_KNOWN,
  TARGET_BYTES: wire.TARGET_BYTES,
  TARGET_INCARNATION: wire.TARGET_INCARNATION,
  DEADLINE_BYTES: wire.DEADLINE_BYTES,
  TRACE_BYTES: wire.TRACE_BYTES,
  FRAGMENT_BYTES: wire.FRAGMENT_BYTES,
  ORIGIN_FIXED_BYTES: wire.ORIGIN_FIXED_BYTES,
  ORIGIN_ADDRESS_BYTES: wire.ORIGIN_ADDRESS_BYTES,
  OWNER_FIXED_BYTES: wire.OWNER_FIXED_BYTES,
  OWNER_ADDRESS_BYTES: wire.OWNER_ADDRESS_BYTES,
  TYPE_HELLO: wire.TYPE_HELLO,
  TYPE_MAINTENANCE_FIRST: wire.TYPE_MAINTENANCE_FIRST,
  TYPE_LOOKUP: wire.TYPE_LOOKUP,
  TYPE_REQUEST: wire.TYPE_REQUEST,
  TYPE_REPLY: wire.TYPE_REPLY,
  HELLO_MAGIC: wire.HELLO_MAGIC,
  DESCRIPTOR_WORDS,
  DESCRIPTORS_MAX,
  KIND_SHIFT,
  KIND_FRAME,
  KIND_OPENED,
  KIND_DRAINED,
  KIND_CLOSED,
  RUN_WORDS,
  RUNS_MAX,
  LINK_WORDS,
  LINK_GENERATION,
  LINK_QUEUED,
  LINK_REFUSED,
  LINK_ROUTE,
  LINK_PASSED_IN,
  LINK_PASSED_OUT,
  LINK_WAITING,
  ROUTE_FROM,
  ROUTE_TO,
  CONTROL_WORDS,
  CONTROL_DESCRIPTORS,
  CONTROL_RUNS,
  CONTROL_RECEIVED,
  CONTROL_ROUTING,
  ROUTE_HEAD_WORDS,
  ROUTE_WAYS,
  ROUTE_STEPS_SHIFT,
  ROUTE_FINAL,
  ROUTE_NONE,
  COUNT_WAKEUPS,
  COUNT_BATCHES,
  COUNT_FLUSHES,
  COUNT_FRAMES_IN,
  COUNT_BYTES_IN,
  COUNT_BYTES_OUT,
  COUNT_TAIL_BYTES_COPIED,
  COUNT_READS,
  COUNT_READS_EMPTY,
  COUNT_WRITES,
  COUNT_WRITES_PARTIAL,
  COUNT_REFUSALS,
  COUNT_ACCEPTED,
  COUNT_ACCEPT_PAUSES,
  COUNT_DIALED,
  COUNT_OPEN,
  COUNT_OPEN_MAX,
  COUNT_QUEUED_BYTES,
  COUNT_QUEUED_BYTES_MAX,
  COUNT_TAIL_BYTES,
  COUNT_PASSED_ON,
  COUNT_NOT_PASSED_ON,
  COUNT_BATCH_FRAMES,
  BATCH_SIZES,
  COUNT_REASONS,
  REASON_LOCAL,
  REASON_ENDED,
  REASON_RESET,
  REASON_REFUSED,
  REASON_UNREACHABLE,
  REASON_LENGTH,
  REASON_VERSION,
  REASON_RESERVED,
  REASON_EXTENSIONS,
  REASON_PADDING,
  REASON_HELLO,
  REASON_MEMORY,
  REASON_CONNECTIONS,
  COUNTERS,
}

/** What an addon's layout has that ours has not, or has otherwise, in words; undefined if they are the same. */
export function layoutDifference(theirs: Readonly<Record<string, number>>): string | undefined {
  for (const name of new Set([...Object.keys(SHARED), ...Object.keys(theirs)])) {
    if (SHARED[name] !== theirs[name]) return `${name} is ${theirs[name]} in the addon and ${SHARED[name]} here`
  }
  return undefined
}
