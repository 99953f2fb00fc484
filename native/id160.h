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

inline uint64_t load_high(const uint8_t* bytes) {
  uint64_t high;
  std::memcpy(&high, bytes, 8);
  return __builtin_bswap64(high);
}

/** How many of the ascending `entries` highs are below `high`. Halves without a branch that depends on random keys. */
inline uint32_t count_below(const uint64_t* highs, uint32_t entries, uint64_t high) {
  uint32_t below = 0;
  for (uint32_t left = entries; left > 0;) {
    const uint32_t half = (left + 1) / 2;
    below += half & (0U - static_cast<uint32_t>(highs[below + half - 1] < high));
    left -= half;
  }
  return below;
}

/**
 * For each key the last entry of the ascending table that lies before it, around the ring; -1 from an empty table.
 * `highs` is scratch for `entries` words: the table's first words, which nearly always decide.
 */
inline void closest_preceding_batch(const uint8_t* keys, uint32_t count, const uint8_t* table, uint32_t entries,
                                    uint64_t* highs, int32_t* indexes) {
  for (uint32_t i = 0; i < entries; ++i) highs[i] = load_high(table + uint64_t{i} * kIdBytes);
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t* key = keys + uint64_t{i} * kIdBytes;
    const uint64_t high = load_high(key);
    uint32_t below = count_below(highs, entries, high);
    while (below < entries && highs[below] == high &&
           is_below(load_id(table + uint64_t{below} * kIdBytes), load_id(key))) {
      ++below;
    }
    indexes[i] = static_cast<int32_t>(below == 0 ? entries : below) - 1;
  }
}

}  // namespace chordite
