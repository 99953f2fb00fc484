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

/** For each key the last entry of the ascending table that lies before it, around the ring; -1 from an empty table. */
inline void closest_preceding_batch(const uint8_t* keys, uint32_t count, const uint8_t* table, uint32_t entries,
                                    int32_t* indexes) {
  for (uint32_t i = 0; i < count; ++i) {
    const Id160 key = load_id(keys + uint64_t{i} * kIdBytes);
    // Halves the range without a branch that depends on random keys.
    uint32_t below = 0;
    for (uint32_t left = entries; left > 0;) {
      const uint32_t half = (left + 1) / 2;
      const bool advance = is_below(load_id(table + uint64_t{below + half - 1} * kIdBytes), key);
      below += advance ? half : 0;
      left = advance ? left - half : half - 1;
    }
    indexes[i] = static_cast<int32_t>(below == 0 ? entries : below) - 1;
  }
}

}  // namespace chordite
