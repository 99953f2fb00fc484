// Tables of arcs against looking through all of them, byte by byte; and words that are no table.
#include "../arc_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "check.h"

using namespace chordite;
using Bytes = std::array<uint8_t, kIdBytes>;

namespace {

uint32_t word_of(const Bytes& id, uint32_t index) {
  const uint8_t* at = id.data() + size_t{4} * index;
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

/** What src/core/arc-table.ts prepares, written once more. Arc i has the number i. */
std::vector<uint32_t> prepare(const std::vector<Bytes>& ends) {
  const auto n = static_cast<uint32_t>(ends.size());
  uint32_t bits = 1;
  while ((1U << bits) < 2 * n) ++bits;
  std::vector<uint32_t> words(2 + 6 * n + (1U << (bits - 1)) + 1);
  words[0] = n;
  words[1] = bits;
  auto* starts = reinterpret_cast<uint16_t*>(words.data() + 2 + 6 * n);
  for (uint32_t i = 0; i < n; ++i) {
    words[2 + i] = word_of(ends[i], 0);
    words[2 + n + i] = i;
    for (uint32_t j = 0; j < 4; ++j) words[2 + 2 * n + 4 * i + j] = word_of(ends[i], j + 1);
  }
  for (uint32_t bucket = 0; bucket <= 1U << bits; ++bucket) {
    uint32_t arc = 0;
    while (arc < n && words[2 + arc] >> (32 - bits) < bucket) ++arc;
    starts[bucket] = static_cast<uint16_t>(arc);
  }
  return words;
}

/** Half of them share their first word with others. */
std::vector<Bytes> random_ids(Random& random, uint32_t count) {
  std::vector<Bytes> ids(count);
  for (Bytes& id : ids) {
    for (uint8_t& byte : id) byte = static_cast<uint8_t>(random.next());
    if (random.below(2) == 0) std::memset(id.data(), random.below(2) == 0 ? 0 : 0xff, 4);
    if (random.below(4) == 0) std::memset(id.data(), 0xff, 8 + random.below(13));
  }
  return ids;
}

int32_t arc_of(const std::vector<Bytes>& ends, const Bytes& key) {
  if (ends.empty()) return ArcTable::kNoArc;
  const auto end = std::lower_bound(ends.begin(), ends.end(), key);
  return end == ends.end() ? 0 : static_cast<int32_t>(end - ends.begin());
}

void finds_what_looking_through_finds() {
  Random random;
  for (uint32_t round = 0; round < 300; ++round) {
    std::vector<Bytes> ends = random_ids(random, random.below(round % 10 == 0 ? 2000 : 40));
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    const std::vector<uint32_t> words = prepare(ends);
    ArcTable table;
    CHECK(table.open(words.data(), words.size()));
    CHECK(table.is_sound());
    std::vector<Bytes> keys = random_ids(random, 100);
    keys.insert(keys.end(), ends.begin(), ends.end());
    std::vector<int32_t> found(keys.size());
    find_arcs(table, keys.data()->data(), static_cast<uint32_t>(keys.size()), found.data());
    for (size_t i = 0; i < keys.size(); ++i) CHECK(found[i] == arc_of(ends, keys[i]));
  }
}

/** AddressSanitizer watches the borders of the words. */
void survives_any_words() {
  Random random;
  for (uint32_t round = 0; round < 20000; ++round) {
    std::vector<Bytes> ends = random_ids(random, 1 + random.below(30));
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    std::vector<uint32_t> words = prepare(ends);
    const uint32_t at = random.below(static_cast<uint32_t>(words.size()));
    words[at] = random.below(4) == 0 ? random.below(70000) : random.next();
    ArcTable table;
    if (!table.open(words.data(), words.size())) continue;
    const bool sound = table.is_sound();
    for (const Bytes& key : random_ids(random, 20)) {
      const int32_t number = table.find(key.data());
      // Whatever was changed in a sound one was a number, or an end that is still in order.
      if (sound) CHECK(number >= 0 || at >= 2 + ends.size());
    }
  }
}

void refuses_what_is_none() {
  ArcTable table;
  std::vector<uint32_t> words = prepare({Bytes{}});
  CHECK(table.open(words.data(), words.size()));
  CHECK(!table.open(words.data(), words.size() - 1));
  CHECK(!table.open(words.data(), 1));
  words[0] = ArcTable::kArcsMax + 1;
  CHECK(!table.open(words.data(), words.size()));
  words[0] = 1;
  for (const uint32_t bits : {0U, 18U, 40U}) {
    words[1] = bits;
    CHECK(!table.open(words.data(), words.size()));
  }
}

void hashes_and_finds() {
  const std::vector<uint32_t> words = prepare({Bytes{0x40}, Bytes{0x80}, Bytes{0xc0}});
  ArcTable table;
  CHECK(table.open(words.data(), words.size()));
  constexpr uint32_t kKeys = 1300;
  std::vector<uint8_t> bytes(kKeys * 3);
  std::vector<uint32_t> offsets(kKeys + 1);
  for (uint32_t i = 0; i < kKeys; ++i) {
    bytes[3 * i] = static_cast<uint8_t>(i);
    bytes[3 * i + 1] = static_cast<uint8_t>(i >> 8);
    offsets[i + 1] = 3 * (i + 1);
  }
  std::vector<int32_t> numbers(kKeys);
  std::vector<int32_t> again(kKeys);
  std::vector<uint8_t> ids(kKeys * kIdBytes);
  const PackedKeys keys{bytes.data(), bytes.size(), offsets.data(), kKeys};
  CHECK(hash_and_find_arcs(table, keys, numbers.data(), ids.data()));
  CHECK(hash_and_find_arcs(table, keys, again.data(), nullptr));
  for (uint32_t i = 0; i < kKeys; ++i) {
    CHECK(numbers[i] == table.find(ids.data() + size_t{i} * kIdBytes));
    CHECK(again[i] == numbers[i]);
  }
  offsets[700] = 5000;
  CHECK(!hash_and_find_arcs(table, keys, numbers.data(), nullptr));
}

}  // namespace

int main() {
  finds_what_looking_through_finds();
  survives_any_words();
  refuses_what_is_none();
  hashes_and_finds();
  return 0;
}
