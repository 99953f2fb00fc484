// The ring cut into arcs, each with a number, as src/core/arc-table.ts lays them out, and the search for one key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "id160.h"
#include "sha1_batch.h"

namespace chordite {

/**
 * Borrows the words. They may hold anything, also something else from one read to the next: answers are then wrong, but
 * nothing outside is read and every search ends. Whoever must rely on the answers asks is_sound() first.
 */
class ArcTable {
 public:
  static constexpr uint32_t kAtFirst = 2;
  static constexpr uint32_t kArcsMax = 0xffff;
  static constexpr uint32_t kBitsMax = 17;
  static constexpr int32_t kNoArc = -1;

  ArcTable() = default;

  /** False if they are no table. */
  [[nodiscard]] bool open(const uint32_t* words, size_t size) {
    if (size < kAtFirst) return false;
    const uint32_t arcs = words[0];
    const uint32_t bits = words[1];
    if (arcs > kArcsMax || bits < 1 || bits > kBitsMax) return false;
    if (size != kAtFirst + size_t{6} * arcs + (size_t{1} << (bits - 1)) + 1) return false;
    arcs_ = arcs;
    shift_ = 32 - bits;
    first_ = words + kAtFirst;
    numbers_ = reinterpret_cast<const int32_t*>(first_ + arcs);
    others_ = first_ + size_t{2} * arcs;
    starts_ = reinterpret_cast<const uint16_t*>(first_ + size_t{6} * arcs);
    return true;
  }

  /** Whether searches find what they should: ends ascend, and buckets begin where they must. */
  [[nodiscard]] bool is_sound() const {
    uint32_t arc = 0;
    for (uint32_t bucket = 0; bucket <= uint32_t{1} << (32 - shift_); ++bucket) {
      while (arc < arcs_ && first_[arc] >> shift_ < bucket) ++arc;
      if (starts_[bucket] != arc) return false;
    }
    for (uint32_t i = 1; i < arcs_; ++i) {
      if (first_[i - 1] > first_[i]) return false;
      if (first_[i - 1] == first_[i] && !is_below(others_ + size_t{4} * (i - 1), others_ + size_t{4} * i)) return false;
    }
    return true;
  }

  [[nodiscard]] uint32_t arcs() const { return arcs_; }
  [[nodiscard]] int32_t number(uint32_t arc) const { return numbers_[arc]; }

  /** The number of the arc that the key, 20 bytes, lies in; kNoArc in an empty table. */
  [[nodiscard]] int32_t find(const uint8_t* key) const {
    if (arcs_ == 0) return kNoArc;
    const uint32_t word = load_word(key);
    const uint32_t bucket = word >> shift_;
    uint32_t arc = starts_[bucket];
    uint32_t end = starts_[bucket + 1];
    if (arc > arcs_ || end > arcs_) [[unlikely]]
      return kNoArc;
    while (end > arc + kCrowd) [[unlikely]] {
        const uint32_t middle = (arc + end) / 2;
        if (first_[middle] < word) {
          arc = middle + 1;
        } else {
          end = middle;
        }
      }
    // The first by arithmetic: which side of an end a key is on cannot be foreseen. Behind the last end stand numbers.
    arc += static_cast<uint32_t>(arc < end) & static_cast<uint32_t>(first_[arc] < word);
    while (arc < end && first_[arc] < word) ++arc;
    if (arc == arcs_) return numbers_[0];
    if (first_[arc] == word) [[unlikely]]
      arc = deep(arc, word, key);
    return numbers_[arc];
  }

 private:
  /** More in one bucket are halved, not walked. */
  static constexpr uint32_t kCrowd = 8;

  /** From the first arc whose end has the first word of the key. */
  [[nodiscard, gnu::noinline]] uint32_t deep(uint32_t arc, uint32_t word, const uint8_t* key) const {
    uint32_t words[4];
    for (uint32_t i = 0; i < 4; ++i) words[i] = load_word(key + 4 + size_t{4} * i);
    while (arc < arcs_ && first_[arc] == word && is_below(others_ + size_t{4} * arc, words)) ++arc;
    return arc == arcs_ ? 0 : arc;
  }

  static uint32_t load_word(const uint8_t* bytes) {
    uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return __builtin_bswap32(word);
  }

  static bool is_below(const uint32_t* a, const uint32_t* b) {
    for (int i = 0; i < 4; ++i) {
      if (a[i] != b[i]) return a[i] < b[i];
    }
    return false;
  }

  uint32_t arcs_ = 0;
  uint32_t shift_ = 31;
  const uint32_t* first_ = nullptr;
  const uint32_t* others_ = nullptr;
  const int32_t* numbers_ = nullptr;
  const uint16_t* starts_ = nullptr;
};

/** For each packed id, 20 bytes, what find() says. Borrows all for the length of the call. */
inline void find_arcs(const ArcTable& table, const uint8_t* ids, uint32_t count, int32_t* numbers) {
  // A copy, since the compiler cannot know that numbers are not written over the table.
  const ArcTable own = table;
  for (uint32_t i = 0; i < count; ++i) numbers[i] = own.find(ids + uint64_t{i} * kIdBytes);
}

/** The same for the hashes of keys, which are kept in `ids` unless that is null. False if offsets are out of order. */
[[nodiscard]] inline bool hash_and_find_arcs(const ArcTable& table, const PackedKeys& keys, int32_t* numbers,
                                             uint8_t* ids) {
  // As many as stay in the cache nearest to the processor.
  constexpr uint32_t kAtOnce = 512;
  uint8_t scratch[kAtOnce * kIdBytes];
  for (uint32_t done = 0; done < keys.count; done += kAtOnce) {
    const uint32_t count = keys.count - done < kAtOnce ? keys.count - done : kAtOnce;
    uint8_t* hashes = ids == nullptr ? scratch : ids + uint64_t{done} * kIdBytes;
    if (!sha1_batch({keys.bytes, keys.size, keys.offsets + done, count}, hashes)) return false;
    find_arcs(table, hashes, count, numbers + done);
  }
  return true;
}

}  // namespace chordite
