// Every number that C++ and TypeScript must agree on: the twin of src/wire/layout.ts and src/native/layout.ts.
// The addon hands all of CHORDITE_LAYOUT to src/native/layout.ts when it loads, which refuses it on any difference.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace chordite {

static_assert(std::endian::native == std::endian::little, "frames are little-endian and read in place");

// clang-format off
#define CHORDITE_LAYOUT(X)                                                                          \
  X(LAYOUT_VERSION, 5)                                                                              \
  /* Frames, as on the wire. */                                                                     \
  X(PROTOCOL_VERSION, 1)                                                                            \
  X(HEADER_BYTES, 32)                                                                               \
  X(FRAME_BYTES_MAX, 65536)                                                                         \
  X(FRAME_ALIGN, 8)                                                                                 \
  X(AT_LENGTH, 0)                                                                                   \
  X(AT_TYPE, 4)                                                                                     \
  X(AT_FLAGS, 6)                                                                                    \
  X(AT_REQUEST_LOW, 8)                                                                              \
  X(AT_REQUEST_HIGH, 12)                                                                            \
  X(AT_HOPS, 16)                                                                                    \
  X(AT_VERSION, 17)                                                                                 \
  X(AT_EXTENSIONS, 18)                                                                              \
  X(AT_FINAL_STEPS, 20)                                                                             \
  X(AT_RESERVED, 21)                                                                                \
  X(AT_FROM_VNODE, 22)                                                                              \
  X(AT_METHOD_LOW, 24)                                                                              \
  X(AT_METHOD_HIGH, 28)                                                                             \
  X(FLAG_FINAL, 1)                                                                                  \
  X(FLAG_UNCACHED, 8)                                                                               \
  X(FLAG_CLASS_SHIFT, 4)                                                                            \
  X(CLASSES, 4)                                                                                     \
  X(CLASS_MAINTENANCE, 0)                                                                           \
  X(CLASS_LOOKUP, 1)                                                                                \
  X(CLASS_APPLICATION, 2)                                                                           \
  X(CLASS_BULK, 3)                                                                                  \
  X(FLAGS_KNOWN, 0x3f)                                                                              \
  X(EXT_TARGET, 1)                                                                                  \
  X(EXT_DEADLINE, 2)                                                                                \
  X(EXT_TRACE, 4)                                                                                   \
  X(EXT_FRAGMENT, 8)                                                                                \
  X(EXT_ORIGIN, 16)                                                                                 \
  X(EXT_OWNER, 32)                                                                                  \
  X(EXTENSIONS_KNOWN, 63)                                                                           \
  X(TARGET_BYTES, 32)                                                                               \
  X(TARGET_INCARNATION, 24)                                                                         \
  X(DEADLINE_BYTES, 8)                                                                              \
  X(TRACE_BYTES, 24)                                                                                \
  X(FRAGMENT_BYTES, 16)                                                                             \
  X(ORIGIN_FIXED_BYTES, 40)                                                                         \
  X(ORIGIN_ADDRESS_BYTES, 0)                                                                        \
  X(OWNER_FIXED_BYTES, 48)                                                                          \
  X(OWNER_ADDRESS_BYTES, 0)                                                                         \
  X(TYPE_HELLO, 1)                                                                                  \
  X(TYPE_MAINTENANCE_FIRST, 16)                                                                     \
  X(TYPE_LOOKUP, 64)                                                                                \
  X(TYPE_REQUEST, 66)                                                                               \
  X(TYPE_REPLY, 67)                                                                                 \
  X(HELLO_MAGIC, 0x44524843)                                                                        \
  /* One descriptor an event: link index | kind << KIND_SHIFT, generation, offset or reason, length. */   \
  X(DESCRIPTOR_WORDS, 4)                                                                            \
  X(DESCRIPTORS_MAX, 8192)                                                                          \
  X(KIND_SHIFT, 24)                                                                                 \
  X(KIND_FRAME, 0)                                                                                  \
  X(KIND_OPENED, 1)                                                                                 \
  X(KIND_DRAINED, 2)                                                                                \
  X(KIND_CLOSED, 3)                                                                                 \
  /* One run of committed frames for one link: index, generation, offset, bytes. */                 \
  X(RUN_WORDS, 4)                                                                                   \
  X(RUNS_MAX, 8192)                                                                                 \
  /* Words of one link, shared for as long as its generation stands there. */                       \
  X(LINK_WORDS, 16)                                                                                 \
  X(LINK_GENERATION, 0)                                                                             \
  X(LINK_QUEUED, 1)                                                                                 \
  X(LINK_REFUSED, 2)                                                                                \
  X(LINK_ROUTE, 3)                                                                                  \
  X(LINK_PASSED_IN, 4)                                                                              \
  X(LINK_PASSED_OUT, 5)                                                                             \
  X(LINK_WAITING, 6)                                                                                \
  X(ROUTE_FROM, 1)                                                                                  \
  X(ROUTE_TO, 2)                                                                                    \
  /* Words of the endpoint. */                                                                      \
  X(CONTROL_WORDS, 8)                                                                               \
  X(CONTROL_DESCRIPTORS, 0)                                                                         \
  X(CONTROL_RUNS, 1)                                                                                \
  X(CONTROL_RECEIVED, 2)                                                                            \
  X(CONTROL_ROUTING, 3)                                                                             \
  /* Routes: a head, rows of ways, a table of arcs or two; see route_table.h. A way is where, how, and a generation. */\
  X(ROUTE_HEAD_WORDS, 4)                                                                            \
  X(ROUTE_WAYS, 3)                                                                                  \
  X(ROUTE_STEPS_SHIFT, 24)                                                                          \
  X(ROUTE_FINAL, 0x80000000)                                                                        \
  X(ROUTE_NONE, 0xffffffff)                                                                         \
  /* Counters: doubles, exact to 2^53. After gauges and their highest values: batches by frames, closes by reason. */\
  X(COUNT_WAKEUPS, 0)                                                                               \
  X(COUNT_BATCHES, 1)                                                                               \
  X(COUNT_FLUSHES, 2)                                                                               \
  X(COUNT_FRAMES_IN, 3)                                                                             \
  X(COUNT_BYTES_IN, 4)                                                                              \
  X(COUNT_BYTES_OUT, 5)                                                                             \
  X(COUNT_TAIL_BYTES_COPIED, 6)                                                                     \
  X(COUNT_READS, 7)                                                                                 \
  X(COUNT_READS_EMPTY, 8)                                                                           \
  X(COUNT_WRITES, 9)                                                                                \
  X(COUNT_WRITES_PARTIAL, 10)                                                                       \
  X(COUNT_REFUSALS, 11)                                                                             \
  X(COUNT_ACCEPTED, 12)                                                                             \
  X(COUNT_ACCEPT_PAUSES, 13)                                                                        \
  X(COUNT_DIALED, 14)                                                                               \
  X(COUNT_OPEN, 15)                                                                                 \
  X(COUNT_OPEN_MAX, 16)                                                                             \
  X(COUNT_QUEUED_BYTES, 17)                                                                         \
  X(COUNT_QUEUED_BYTES_MAX, 18)                                                                     \
  X(COUNT_TAIL_BYTES, 19)                                                                           \
  X(COUNT_PASSED_ON, 20)                                                                            \
  X(COUNT_NOT_PASSED_ON, 21)                                                                        \
  X(COUNT_BATCH_FRAMES, 22)                                                                         \
  X(BATCH_SIZES, 14)                                                                                \
  X(COUNT_REASONS, 36)                                                                              \
  X(REASON_LOCAL, 0)                                                                                \
  X(REASON_ENDED, 1)                                                                                \
  X(REASON_RESET, 2)                                                                                \
  X(REASON_REFUSED, 3)                                                                              \
  X(REASON_UNREACHABLE, 4)                                                                          \
  X(REASON_LENGTH, 5)                                                                               \
  X(REASON_VERSION, 6)                                                                              \
  X(REASON_RESERVED, 7)                                                                             \
  X(REASON_EXTENSIONS, 8)                                                                           \
  X(REASON_PADDING, 9)                                                                              \
  X(REASON_HELLO, 10)                                                                               \
  X(REASON_MEMORY, 11)                                                                              \
  X(REASON_CONNECTIONS, 12)                                                                         \
  X(COUNTERS, 49)

#define CHORDITE_CONSTANT(name, value) inline constexpr uint32_t name = value;
CHORDITE_LAYOUT(CHORDITE_CONSTANT)
#undef CHORDITE_CONSTANT
// clang-format on

static_assert(COUNT_REASONS == COUNT_BATCH_FRAMES + BATCH_SIZES);
static_assert(COUNTERS == COUNT_REASONS + REASON_CONNECTIONS + 1);

/** The header as a C++ struct, to prove the offsets; frames are read word by word, never through it. */
struct FrameHeader {
  uint32_t length;
  uint16_t type;
  uint16_t flags;
  uint32_t request_low;
  uint32_t request_high;
  uint8_t hops;
  uint8_t version;
  uint16_t extensions;
  uint8_t final_steps;
  uint8_t reserved;
  uint16_t from_vnode;
  uint32_t method_low;
  uint32_t method_high;
};
static_assert(sizeof(FrameHeader) == HEADER_BYTES);
static_assert(offsetof(FrameHeader, length) == AT_LENGTH);
static_assert(offsetof(FrameHeader, type) == AT_TYPE);
static_assert(offsetof(FrameHeader, flags) == AT_FLAGS);
static_assert(offsetof(FrameHeader, request_low) == AT_REQUEST_LOW);
static_assert(offsetof(FrameHeader, request_high) == AT_REQUEST_HIGH);
static_assert(offsetof(FrameHeader, hops) == AT_HOPS);
static_assert(offsetof(FrameHeader, version) == AT_VERSION);
static_assert(offsetof(FrameHeader, extensions) == AT_EXTENSIONS);
static_assert(offsetof(FrameHeader, final_steps) == AT_FINAL_STEPS);
static_assert(offsetof(FrameHeader, reserved) == AT_RESERVED);
static_assert(offsetof(FrameHeader, from_vnode) == AT_FROM_VNODE);
static_assert(offsetof(FrameHeader, method_low) == AT_METHOD_LOW);
static_assert(offsetof(FrameHeader, method_high) == AT_METHOD_HIGH);

constexpr uint32_t padded(uint32_t bytes) { return (bytes + FRAME_ALIGN - 1) & ~(FRAME_ALIGN - 1); }

}  // namespace chordite
