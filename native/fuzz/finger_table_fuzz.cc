// Searches of prepared routing tables: of right ones as counting says, byte by byte; of words that are no table
// whatever comes, as long as nothing outside is read and every search ends.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "../closest_preceding.h"
#include "reference.h"

using namespace chordite;

namespace {

using Bytes = std::array<uint8_t, kIdBytes>;

class Script {
 public:
  Script(const uint8_t* bytes, size_t size) : bytes_(bytes), size_(size) {}
  uint8_t byte() { return at_ < size_ ? bytes_[at_++] : 0; }

 private:
  const uint8_t* bytes_;
  size_t size_;
  size_t at_ = 0;
};

/** a - b - less, around the ring. */
Bytes minus(const Bytes& a, const Bytes& b, int less) {
  Bytes difference{};
  int borrow = less;
  for (int i = kIdBytes - 1; i >= 0; --i) {
    const int byte = a[i] - b[i] - borrow;
    difference[i] = static_cast<uint8_t>(byte);
    borrow = byte < 0 ? 1 : 0;
  }
  return difference;
}

uint32_t word_of(const Bytes& id, int index) {
  return uint32_t{id[4 * index]} << 24 | uint32_t{id[4 * index + 1]} << 16 | uint32_t{id[4 * index + 2]} << 8 |
         id[4 * index + 3];
}

/** Near another id: the same up to a byte that the script names, which then decides with those after it. */
Bytes near(const Bytes& other, Script& script) {
  Bytes id = other;
  const uint32_t from = script.byte() % (kIdBytes + 1);
  const uint32_t bytes = 1 + script.byte() % 3U;
  for (uint32_t i = from; i < kIdBytes && i < from + bytes; ++i) id[i] = script.byte();
  return id;
}

struct Ids {
  Bytes self{};
  std::vector<Bytes> entries;
  std::vector<Bytes> keys;

  explicit Ids(Script& script) {
    for (uint8_t& byte : self) byte = script.byte() % 3 == 0 ? 0 : 255;
    const uint32_t count = script.byte() % 48U;
    for (uint32_t i = 0; i < count; ++i) entries.push_back(near(self, script));
    std::sort(entries.begin(), entries.end(),
              [this](const Bytes& a, const Bytes& b) { return minus(a, self, 1) < minus(b, self, 1); });
    const uint32_t wanted = 1 + script.byte() % 40U;
    for (uint32_t i = 0; i < wanted; ++i) {
      const uint8_t choice = script.byte();
      keys.push_back(entries.empty() || choice < 64 ? near(self, script) : near(entries[choice % count], script));
      if (choice % 8 == 0 && count > 0) keys.back() = entries[choice % count];
    }
  }

  [[nodiscard]] int32_t preceding(const Bytes& key) const {
    const Bytes distance = minus(key, self, 1);
    return static_cast<int32_t>(std::count_if(entries.begin(), entries.end(),
                                              [&](const Bytes& id) { return minus(id, self, 1) < distance; })) -
           1;
  }
};

/** As src/core/routing-table.ts prepares it. */
std::vector<uint32_t> prepare(const Ids& ids) {
  const auto n = static_cast<uint32_t>(ids.entries.size());
  std::vector<uint32_t> words(RoutingTable::kAtCodes + 2 * (n + 1) + 5 * n + RoutingTable::kBucketWords);
  words[0] = n;
  for (int i = 0; i < 5; ++i) words[RoutingTable::kAtSelf + i] = word_of(ids.self, i);
  uint32_t* codes = &words[RoutingTable::kAtCodes];
  uint32_t* exact = codes + 2 * (n + 1);
  codes[2 * n] = 0xffffffff;
  codes[2 * n + 1] = 0x7fffffff;
  std::vector<uint16_t> buckets(size_t{2} * RoutingTable::kBucketWords);
  uint32_t filled = 0;
  uint32_t ahead = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const Bytes& id = ids.entries[i];
    const Bytes distance = minus(id, ids.self, 1);
    for (int w = 0; w < 5; ++w) exact[5 * i + w] = word_of(distance, w);
    int at = 0;
    while (at < 5 && word_of(id, at) == word_of(ids.self, at)) ++at;
    const uint32_t difference = at == 5 ? 0 : word_of(id, at) - word_of(ids.self, at);
    const bool behind = at == 5 || (at > 0 && word_of(id, at) < word_of(ids.self, at));
    const uint32_t depth = behind ? Difference::kBehind : Difference::kFirstWord - static_cast<uint32_t>(at);
    codes[2 * i] = difference;
    codes[2 * i + 1] = depth;
    if (behind) continue;
    ahead = i + 1;
    const auto zeros = static_cast<uint32_t>(std::countl_zero(difference));
    const uint32_t fine =
        (difference << zeros >> (31 - RoutingTable::kFineBits)) & ((1U << RoutingTable::kFineBits) - 1);
    const uint32_t bucket = ((depth << 5 | (31 - zeros)) << RoutingTable::kFineBits) | fine;
    while (filled <= bucket) buckets[filled++] = static_cast<uint16_t>(i);
  }
  while (filled < buckets.size()) buckets[filled++] = static_cast<uint16_t>(ahead);
  std::memcpy(exact + size_t{5} * n, buckets.data(), buckets.size() * sizeof(uint16_t));
  return words;
}

void search(const std::vector<uint32_t>& words, const Ids& ids, bool right) {
  RoutingTable table;
  const bool opened = table.open(words.data(), words.size());
  REQUIRE(opened || !right);
  if (!opened) return;
  // Exactly as long as they may be.
  std::vector<uint8_t> keys;
  for (const Bytes& key : ids.keys) keys.insert(keys.end(), key.begin(), key.end());
  const auto count = static_cast<uint32_t>(ids.keys.size());
  std::vector<int32_t> indexes(count, -2);
  closest_preceding_batch(table, keys.data(), count, indexes.data());
  std::vector<int32_t> portable(count, -2);
  closest_preceding_portable(table, keys.data(), count, portable.data());
  for (uint32_t i = 0; i < count; ++i) {
    REQUIRE(indexes[i] >= -1 && indexes[i] < static_cast<int32_t>(table.entries()));
    REQUIRE(portable[i] >= -1 && portable[i] < static_cast<int32_t>(table.entries()));
    if (!right) continue;
    REQUIRE(indexes[i] == ids.preceding(ids.keys[i]));
    REQUIRE(portable[i] == indexes[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  Script script(bytes, size);
  const uint8_t kind = script.byte();
  const Ids ids(script);
  std::vector<uint32_t> words = prepare(ids);
  if (kind < 192) {
    search(words, ids, true);
    return 0;
  }
  // Any words, but mostly as many as there should be.
  if (kind % 16 == 0) words.resize(script.byte());
  const uint32_t changes = words.empty() ? 0 : script.byte() % 64U;
  for (uint32_t i = 0; i < changes; ++i) {
    const uint32_t place = uint32_t{script.byte()} << 8 | script.byte();
    const uint32_t value = script.byte() * 0x01010101U;
    words[place % words.size()] = (kind & 1) != 0 ? value : value & 0xff;
  }
  search(words, ids, false);
  return 0;
}
