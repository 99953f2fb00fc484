// Routes for tests, as src/transports/native-routing.ts writes them, and frames that go by them.
#pragma once

#include <cstring>
#include <vector>

#include "../layout.h"

namespace chordite {

/** One way of a row. */
struct Hop {
  uint32_t index;
  uint32_t generation;
  bool final;
  uint32_t steps;
};

/** Arcs of equal length, a power of two of them, arc i with numbers[i]. */
inline std::vector<uint32_t> arcs_of(const std::vector<int32_t>& numbers) {
  const auto n = static_cast<uint32_t>(numbers.size());
  uint32_t bits = 1;
  while ((1U << bits) < 2 * n) ++bits;
  std::vector<uint32_t> words(2 + 6 * n + (1U << (bits - 1)) + 1);
  words[0] = n;
  words[1] = bits;
  for (uint32_t i = 0; i < n; ++i) {
    words[2 + i] = static_cast<uint32_t>((uint64_t{i} + 1) * (uint64_t{1} << 32) / n - 1);
    words[2 + n + i] = static_cast<uint32_t>(numbers[i]);
    for (uint32_t j = 0; j < 4; ++j) words[2 + 2 * n + 4 * i + j] = UINT32_MAX;
  }
  auto* starts = reinterpret_cast<uint16_t*>(words.data() + 2 + 6 * n);
  for (uint32_t bucket = 0, arc = 0; bucket <= 1U << bits; ++bucket) {
    while (arc < n && words[2 + arc] >> (32 - bits) < bucket) ++arc;
    starts[bucket] = static_cast<uint16_t>(arc);
  }
  return words;
}

inline std::vector<uint32_t> routes_of(const std::vector<std::vector<Hop>>& rows, uint32_t hops,
                                       const std::vector<uint32_t>& decided,
                                       const std::vector<uint32_t>& remembered = {}) {
  std::vector<uint32_t> words{static_cast<uint32_t>(rows.size()), hops, static_cast<uint32_t>(decided.size()),
                              static_cast<uint32_t>(remembered.size())};
  for (const std::vector<Hop>& row : rows) {
    for (uint32_t i = 0; i < ROUTE_WAYS; ++i) {
      const bool is_there = i < row.size();
      words.push_back(!is_there ? ROUTE_NONE
                                : row[i].index | row[i].steps << ROUTE_STEPS_SHIFT | (row[i].final ? ROUTE_FINAL : 0));
      words.push_back(is_there ? row[i].generation : ROUTE_NONE);
    }
  }
  words.insert(words.end(), decided.begin(), decided.end());
  words.insert(words.end(), remembered.begin(), remembered.end());
  return words;
}

inline constexpr uint32_t kRoutedBytes = HEADER_BYTES + TARGET_BYTES + ORIGIN_FIXED_BYTES;

/** A request by a key that begins with `word`, with a body that says its number. */
inline std::vector<uint8_t> routed_frame(uint32_t word, uint32_t number, uint32_t body_bytes, uint8_t hops = 0) {
  std::vector<uint8_t> frame(kRoutedBytes + body_bytes);
  const auto length = static_cast<uint32_t>(frame.size());
  const uint16_t type = TYPE_REQUEST;
  const uint16_t set = EXT_TARGET | EXT_ORIGIN;
  const uint32_t key = __builtin_bswap32(word);
  std::memcpy(frame.data() + AT_LENGTH, &length, 4);
  std::memcpy(frame.data() + AT_TYPE, &type, 2);
  std::memcpy(frame.data() + AT_REQUEST_LOW, &number, 4);
  frame[AT_HOPS] = hops;
  frame[AT_VERSION] = PROTOCOL_VERSION;
  std::memcpy(frame.data() + AT_EXTENSIONS, &set, 2);
  std::memcpy(frame.data() + HEADER_BYTES, &key, 4);
  for (uint32_t i = 0; i < body_bytes; ++i) frame[kRoutedBytes + i] = static_cast<uint8_t>(number * 31 + i);
  return frame;
}

inline uint32_t number_of(const uint8_t* frame) {
  uint32_t number = 0;
  std::memcpy(&number, frame + AT_REQUEST_LOW, 4);
  return number;
}

/** The frame after one hop. */
inline std::vector<uint8_t> passed(std::vector<uint8_t> frame, bool final, uint8_t steps) {
  frame[AT_FLAGS] = static_cast<uint8_t>(final ? frame[AT_FLAGS] | FLAG_FINAL : frame[AT_FLAGS] & ~FLAG_FINAL);
  ++frame[AT_HOPS];
  frame[AT_FINAL_STEPS] = steps;
  return frame;
}

}  // namespace chordite
