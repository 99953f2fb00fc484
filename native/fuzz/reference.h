// The rules of frames as docs/wire.md tells them, one after the other and byte by byte: slow, and written without a
// look at framing.h, so that a mistake would have to be made twice.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "../layout.h"

#define REQUIRE(condition)                                                                 \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      std::fprintf(stderr, "%s:%d: REQUIRE(%s) failed\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)

namespace chordite::reference {

enum class Outcome : uint8_t { whole, partial, length, version, reserved, extensions, padding };

struct Frame {
  Outcome outcome;
  /** Unpadded; known as soon as the header is there and good. */
  uint32_t length = 0;
  uint32_t body_at = 0;
};

inline uint32_t number(const uint8_t* at, uint32_t bytes) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < bytes; ++i) value |= uint32_t{at[i]} << (8 * i);
  return value;
}

inline Frame look(const uint8_t* bytes, uint64_t available) {
  if (available < 32) return {Outcome::partial};
  const uint32_t length = number(bytes, 4);
  if (length < 32 || length > 65536) return {Outcome::length};
  if (bytes[17] != 1) return {Outcome::version};
  const uint32_t flags = number(bytes + 6, 2);
  const uint32_t extensions = number(bytes + 18, 2);
  if ((flags & 0xffc0) != 0 || extensions >= 64 || bytes[21] != 0) return {Outcome::reserved};

  if (extensions >= 48) return {Outcome::extensions};
  constexpr uint32_t kSizes[6] = {32, 8, 24, 16, 40, 48};
  uint32_t at = 32;
  uint32_t last = 0;
  for (uint32_t i = 0; i < 6; ++i) {
    if ((extensions >> i & 1) == 0) continue;
    last = at;
    at += kSizes[i];
    if (at > length) return {Outcome::extensions};
  }
  uint32_t size = length;
  while (size % 8 != 0) ++size;
  if (available < size) return {Outcome::partial, length};

  if (extensions >= 16) {
    at += number(bytes + last, 2);
    while (at % 8 != 0) ++at;
    if (at > length) return {Outcome::extensions};
  }
  for (uint32_t i = length; i < size; ++i) {
    if (bytes[i] != 0) return {Outcome::padding};
  }
  return {Outcome::whole, length, at};
}

/** Of a whole frame. */
inline bool is_hello(const uint8_t* bytes, const Frame& frame) {
  return number(bytes + 4, 2) == 1 && frame.length - frame.body_at >= 4 && bytes[frame.body_at] == 'C' &&
         bytes[frame.body_at + 1] == 'H' && bytes[frame.body_at + 2] == 'R' && bytes[frame.body_at + 3] == 'D';
}

}  // namespace chordite::reference
