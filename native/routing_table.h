// A prepared routing table as src/core/routing-table.ts lays it out, and the search for one key.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "id160.h"

namespace chordite {

/** First 32-bit word in which a key differs from the node, as a difference, and the words that follow in `depth`. */
struct Difference {
  static constexpr uint32_t kFirstWord = 4;
  static constexpr uint32_t kBehind = 5;
  uint32_t word;
  uint32_t depth;
};

/**
 * Borrows the words, from JavaScript, for the length of one call. They may hold anything, also something else from one
 * read to the next: answers are then wrong, but nothing outside is read and every search ends.
 */
class RoutingTable {
 public:
  static constexpr uint32_t kAtSelf = 1;
  static constexpr uint32_t kAtCodes = 6;
  static constexpr uint32_t kFineBits = 3;
  static constexpr uint32_t kBuckets = 160U << kFineBits;
  static constexpr uint32_t kBucketWords = (kBuckets + 2) / 2;
  static constexpr uint32_t kEntriesMax = 0xffff;

  RoutingTable() = default;

  /** False if they are no prepared table. */
  [[nodiscard]] bool open(const uint32_t* words, size_t size) {
    if (size < kAtCodes) return false;
    entries_ = words[0];
    if (entries_ > kEntriesMax) return false;
    if (size != size_t{kAtCodes} + 2 * (entries_ + 1) + 5 * entries_ + kBucketWords) return false;
    std::memcpy(self_, words + kAtSelf, sizeof self_);
    codes_ = words + kAtCodes;
    exact_ = codes_ + size_t{2} * (entries_ + 1);
    buckets_ = reinterpret_cast<const uint16_t*>(exact_ + size_t{5} * entries_);
    return true;
  }

  [[nodiscard]] uint32_t entries() const { return entries_; }
  [[nodiscard]] const uint32_t* self() const { return self_; }
  [[nodiscard]] uint64_t code(uint32_t entry) const {
    uint64_t code;
    std::memcpy(&code, codes_ + size_t{2} * entry, sizeof code);
    return code;
  }

  /** Index of the last entry in (node, key); -1 if there is none. */
  [[nodiscard]] int32_t preceding(const uint8_t* key) const {
    const uint32_t word = load_word(key) - self_[0];
    if (word == 0) [[unlikely]]
      return preceding_deep(key);
    return preceding({word, Difference::kFirstWord}, key);
  }

  /** The same where the difference is known: not zero, and ahead of the node. */
  [[nodiscard]] int32_t preceding(Difference difference, const uint8_t* key) const {
    // A floating-point number begins with its bit length and then the bits after the first, which is the bucket.
    constexpr uint64_t kBias = uint64_t{1023} << kFineBits;
    const auto bits = std::bit_cast<uint64_t>(static_cast<double>(difference.word));
    const uint64_t bucket = (bits >> (52 - kFineBits)) - kBias + (uint64_t{difference.depth} << (5 + kFineBits));
    const uint64_t wanted = uint64_t{difference.depth} << 32 | difference.word;
    uint32_t entry = buckets_[bucket];
    if (entry > entries_) [[unlikely]]
      return -1;
    // The first by arithmetic: whether an entry lies before a key cannot be foreseen, but more than one seldom do. Only
    // within the table, or at the code behind it.
    entry += static_cast<uint32_t>((code(entry) - wanted) >> 63);
    while (entry < entries_ && code(entry) < wanted) ++entry;
    if (entry < entries_ && code(entry) == wanted) [[unlikely]]
      return preceding_from(entry, key);
    return static_cast<int32_t>(entry < entries_ ? entry : entries_) - 1;
  }

  /** Of a key that shares its first word with the node. */
  [[nodiscard, gnu::noinline]] int32_t preceding_deep(const uint8_t* key) const {
    for (uint32_t index = 1; index < 5; ++index) {
      const uint32_t word = load_word(key + size_t{4} * index);
      if (word > self_[index]) return preceding({word - self_[index], Difference::kFirstWord - index}, key);
      if (word < self_[index]) break;
    }
    return preceding_behind(key);
  }

  /** Of a key that is the node, or lies behind it in the last words only: everything else precedes it. */
  [[nodiscard]] int32_t preceding_behind(const uint8_t* key) const { return preceding_from(buckets_[kBuckets], key); }

 private:
  /** By all 160 bits, where the entries below `entry` are known to precede the key. */
  [[nodiscard, gnu::noinline]] int32_t preceding_from(uint32_t entry, const uint8_t* key) const {
    uint32_t distance[5];
    uint64_t borrow = 1;
    for (int i = 4; i >= 0; --i) {
      const uint64_t difference = uint64_t{load_word(key + size_t{4} * i)} - self_[i] - borrow;
      distance[i] = static_cast<uint32_t>(difference);
      borrow = difference >> 63;
    }
    while (entry < entries_ && is_below(exact_ + size_t{5} * entry, distance)) ++entry;
    return static_cast<int32_t>(entry < entries_ ? entry : entries_) - 1;
  }

  static uint32_t load_word(const uint8_t* bytes) {
    uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return __builtin_bswap32(word);
  }

  static bool is_below(const uint32_t* a, const uint32_t* b) {
    for (int i = 0; i < 5; ++i) {
      if (a[i] != b[i]) return a[i] < b[i];
    }
    return false;
  }

  const uint32_t* codes_ = nullptr;
  const uint32_t* exact_ = nullptr;
  const uint16_t* buckets_ = nullptr;
  uint32_t self_[5] = {};
  uint32_t entries_ = 0;
};

}  // namespace chordite
