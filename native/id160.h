// 160-bit identifiers as they travel, 20 big-endian bytes, and the ring's interval arithmetic on many of them.
#pragma once

#include <cstdint>
#include <cstring>

namespace chordite {

inline constexpr uint32_t kIdBytes = 20;

/** As three machine words, most significant first: compares in one or two steps. */
struct Id160 {
  uint64_t high;
  uint64_t middle;
  uint32_t low;
};

inline Id160 load_id(const uint8_t* bytes) {
  Id160 id;
  std::memcpy(&id.high, bytes, 8);
  std::memcpy(&id.middle, bytes + 8, 8);
  std::memcpy(&id.low, bytes + 16, 4);
  return {__builtin_bswap64(id.high), __builtin_bswap64(id.middle), __builtin_bswap32(id.low)};
}

inline bool is_below(const Id160& a, const Id160& b) {
  if (a.high != b.high) return a.high < b.high;
  if (a.middle != b.middle) return a.middle < b.middle;
  return a.low < b.low;
}

/** Whether x lies in the open interval (after, before) of the ring; everything but `after` when both are the same. */
inline bool is_between(const Id160& x, const Id160& after, const Id160& before) {
  if (is_below(after, before)) return is_below(after, x) && is_below(x, before);
  return is_below(after, x) || is_below(x, before);
}

inline void is_between_batch(const uint8_t* ids, uint32_t count, const uint8_t* after, const uint8_t* before,
                             uint8_t* answers) {
  const Id160 a = load_id(after);
  const Id160 b = load_id(before);
  for (uint32_t i = 0; i < count; ++i) answers[i] = is_between(load_id(ids + uint64_t{i} * kIdBytes), a, b) ? 1 : 0;
}

}  // namespace chordite
