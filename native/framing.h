// Which bytes are a frame. The same rules as src/wire/framing.ts; pure, no allocation, any bytes are safe to give it.
#pragma once

#include <cstdint>
#include <cstring>

#include "layout.h"

namespace chordite {

enum class Verdict : uint8_t { whole, partial, length, version, reserved, extensions, padding };

struct FrameCheck {
  Verdict verdict;
  /** Unpadded; of a whole frame, or of a partial one whose header is there and good. Else 0. */
  uint32_t length;
};

inline uint32_t load32(const uint8_t* at) {
  uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

inline uint16_t load16(const uint8_t* at) {
  uint16_t half;
  std::memcpy(&half, at, sizeof half);
  return half;
}

/** Bytes of the extensions in `set`, of the last one, ORIGIN or OWNER, only what comes before its address. */
constexpr uint32_t extension_bytes_fixed(uint32_t set) {
  return ((set & EXT_TARGET) != 0 ? TARGET_BYTES : 0) + ((set & EXT_DEADLINE) != 0 ? DEADLINE_BYTES : 0) +
         ((set & EXT_TRACE) != 0 ? TRACE_BYTES : 0) + ((set & EXT_FRAGMENT) != 0 ? FRAGMENT_BYTES : 0) +
         ((set & EXT_ORIGIN) != 0 ? ORIGIN_FIXED_BYTES : 0) + ((set & EXT_OWNER) != 0 ? OWNER_FIXED_BYTES : 0);
}

/** Of these two a frame has one at most; either begins with the length of its address. */
inline constexpr uint32_t kLast = EXT_ORIGIN | EXT_OWNER;
static_assert(ORIGIN_ADDRESS_BYTES == OWNER_ADDRESS_BYTES);

/** Bytes between header and body of a frame whose fixed extension bytes are known to be there. */
inline uint32_t extension_bytes(const uint8_t* frame) {
  const uint32_t set = load16(frame + AT_EXTENSIONS);
  const uint32_t fixed = extension_bytes_fixed(set);
  if ((set & kLast) == 0) return fixed;
  const uint32_t last = HEADER_BYTES + fixed - ((set & EXT_OWNER) != 0 ? OWNER_FIXED_BYTES : ORIGIN_FIXED_BYTES);
  return padded(fixed + load16(frame + last + ORIGIN_ADDRESS_BYTES));
}

/** Looks at the frame that starts at `frame`, of which `available` bytes have come. */
[[nodiscard]] inline FrameCheck check_frame(const uint8_t* frame, uint64_t available) {
  if (available < HEADER_BYTES) return {Verdict::partial, 0};
  const uint32_t length = load32(frame + AT_LENGTH);
  if (length < HEADER_BYTES || length > FRAME_BYTES_MAX) return {Verdict::length, 0};
  if (frame[AT_VERSION] != PROTOCOL_VERSION) return {Verdict::version, 0};
  const uint32_t set = load16(frame + AT_EXTENSIONS);
  const uint32_t unknown = (load16(frame + AT_FLAGS) & ~FLAGS_KNOWN) | (set & ~EXTENSIONS_KNOWN) | frame[AT_RESERVED];
  if (unknown != 0) return {Verdict::reserved, 0};
  if (set != 0 && ((set & kLast) == kLast || extension_bytes_fixed(set) > length - HEADER_BYTES)) {
    return {Verdict::extensions, 0};
  }

  const uint32_t size = padded(length);
  if (available < size) return {Verdict::partial, length};
  if (set != 0 && extension_bytes(frame) > length - HEADER_BYTES) return {Verdict::extensions, 0};
  for (uint32_t at = length; at < size; ++at) {
    if (frame[at] != 0) return {Verdict::padding, 0};
  }
  return {Verdict::whole, length};
}

/** Whether a whole frame may be the first of a connection: a hello whose body starts with the magic word. */
[[nodiscard]] inline bool is_hello(const uint8_t* frame) {
  if (load16(frame + AT_TYPE) != TYPE_HELLO) return false;
  const uint32_t body = HEADER_BYTES + extension_bytes(frame);
  return body + 4 <= load32(frame + AT_LENGTH) && load32(frame + body) == HELLO_MAGIC;
}

}  // namespace chordite
