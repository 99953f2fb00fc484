// The closest preceding node by each way, against counting with the plainest arithmetic; and tables that are none.
#include "../closest_preceding.h"

#include <algorithm>
#include <array>
#include <vector>

#include "../cpu.h"
#include "check.h"

using namespace chordite;
using Bytes = std::array<uint8_t, kIdBytes>;

namespace {

/** a - b, or a + b, byte by byte. */
Bytes difference(const Bytes& a, const Bytes& b) {
  Bytes result{};
  int borrow = 0;
  for (int i = kIdBytes - 1; i >= 0; --i) {
    const int byte = a[i] - b[i] - borrow;
    borrow = byte < 0 ? 1 : 0;
    result[i] = static_cast<uint8_t>(byte);
  }
  return result;
}

Bytes sum(const Bytes& a, const Bytes& b) { return difference(a, difference(Bytes{}, b)); }

Bytes one() {
  Bytes bytes{};
  bytes[kIdBytes - 1] = 1;
  return bytes;
}

/** As far as it is round the ring from just after the node. */
Bytes way_to(const Bytes& self, const Bytes& id) { return difference(difference(id, self), one()); }

uint32_t word_of(const Bytes& id, uint32_t index) {
  const uint8_t* at = id.data() + size_t{4} * index;
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

struct Table {
  Bytes self;
  std::vector<Bytes> ids;
  /** To each of ids. */
  std::vector<Bytes> ways;
  std::vector<uint32_t> words;
};

uint32_t bucket_of(uint32_t depth, uint32_t difference) {
  uint32_t length = 0;
  while (length < 32 && difference >> length != 0) ++length;
  return (depth * 32 + length - 1) * 8 + (static_cast<uint32_t>((uint64_t{difference} << (32 - length)) >> 28) & 7);
}

/** What src/core/routing-table.ts prepares, written once more. */
Table prepare(const Bytes& self, std::vector<Bytes> ids) {
  std::sort(ids.begin(), ids.end(),
            [&self](const Bytes& a, const Bytes& b) { return way_to(self, a) < way_to(self, b); });
  const auto n = static_cast<uint32_t>(ids.size());
  Table table{self, ids, {}, std::vector<uint32_t>(8 + 7 * n + RoutingTable::kBucketWords)};
  table.words[0] = n;
  for (uint32_t i = 0; i < 5; ++i) table.words[1 + i] = word_of(self, i);
  table.words[6 + 2 * n] = UINT32_MAX;
  table.words[7 + 2 * n] = INT32_MAX;
  std::vector<uint32_t> buckets(n);
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t at = 0;
    while (at < 5 && word_of(ids[i], at) == word_of(self, at)) ++at;
    const uint32_t apart = at == 5 ? 0 : word_of(ids[i], at) - word_of(self, at);
    const bool behind = at == 5 || (at > 0 && word_of(ids[i], at) < word_of(self, at));
    table.words[6 + 2 * i] = apart;
    table.words[7 + 2 * i] = behind ? 5 : 4 - at;
    buckets[i] = behind ? RoutingTable::kBuckets : bucket_of(4 - at, apart);
    const Bytes way = way_to(self, ids[i]);
    table.ways.push_back(way);
    for (uint32_t word = 0; word < 5; ++word) table.words[8 + 2 * n + 5 * i + word] = word_of(way, word);
  }
  auto* firsts = reinterpret_cast<uint16_t*>(table.words.data() + 8 + 7 * n);
  for (uint32_t bucket = 0; bucket <= RoutingTable::kBuckets + 1; ++bucket) {
    firsts[bucket] = static_cast<uint16_t>(std::lower_bound(buckets.begin(), buckets.end(), bucket) - buckets.begin());
  }
  return table;
}

int32_t count_before(const Table& table, const Bytes& key) {
  const Bytes to_key = way_to(table.self, key);
  int32_t count = 0;
  for (const Bytes& way : table.ways) count += way < to_key ? 1 : 0;
  return count - 1;
}

void check(const Table& table, const std::vector<Bytes>& keys) {
  RoutingTable opened;
  CHECK(opened.open(table.words.data(), table.words.size()));
  // Exactly as large as they must be, for the sanitizer.
  const std::vector<Bytes> exact(keys);
  const auto* bytes = reinterpret_cast<const uint8_t*>(exact.data());
  const auto count = static_cast<uint32_t>(exact.size());
  std::vector<int32_t> portable(count, -7), best(count, -7);
  closest_preceding_portable(opened, bytes, count, portable.data());
  closest_preceding_batch(opened, bytes, count, best.data());
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t expected = count_before(table, exact[i]);
    CHECK(portable[i] == expected);
    CHECK(best[i] == expected);
  }
}

/** Words that are often equal, zero or all ones, so that ties, carries and every depth are common. */
Bytes crowded_id(Random& random) {
  static constexpr uint8_t kFills[] = {0, 1, 0x7f, 0x80, 0xff};
  Bytes id{};
  id.fill(kFills[random.below(5)]);
  for (uint32_t left = random.below(3); left > 0; --left) id[random.below(kIdBytes)] = kFills[random.below(5)];
  return id;
}

Bytes random_id(Random& random) {
  Bytes id{};
  for (uint8_t& byte : id) byte = static_cast<uint8_t>(random.next());
  return id;
}

/** At a distance whose bit length is anything from 0 to 160. */
Bytes at_any_distance(Random& random, const Bytes& from) {
  Bytes distance = random_id(random);
  const uint32_t zeros = random.below(161);
  for (uint32_t bit = 0; bit < zeros; ++bit) distance[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
  return sum(from, distance);
}

Bytes power(uint32_t bit) {
  Bytes bytes{};
  bytes[kIdBytes - 1 - bit / 8] = static_cast<uint8_t>(1U << bit % 8);
  return bytes;
}

/** The entries themselves, their neighbors on both sides, the node and its neighbors. */
std::vector<Bytes> borders(const Table& table) {
  std::vector<Bytes> keys;
  for (const Bytes& id : table.ids) {
    for (const Bytes& key : {id, sum(id, one()), difference(id, one())}) keys.push_back(key);
  }
  for (const Bytes& key : {table.self, sum(table.self, one()), difference(table.self, one())}) keys.push_back(key);
  return keys;
}

void tables_agree() {
  Random random;
  for (int round = 0; round < 3000; ++round) {
    const bool crowded = random.below(2) == 0;
    const Bytes self = crowded ? crowded_id(random) : random_id(random);
    const auto any = [&] { return crowded ? crowded_id(random) : at_any_distance(random, self); };
    std::vector<Bytes> ids(random.below(4) == 0 ? random.below(200) : random.below(40));
    for (Bytes& id : ids) id = any();
    for (uint32_t i = 1; i < ids.size(); ++i) {
      if (random.below(10) == 0) ids[i] = ids[random.below(i)];
    }
    if (random.below(3) == 0) ids.push_back(self);
    const Table table = prepare(self, ids);
    std::vector<Bytes> keys = borders(table);
    for (uint32_t left = random.below(50); left > 0; --left) keys.push_back(any());
    check(table, keys);
  }
}

void full_finger_tables_agree() {
  Random random;
  for (int round = 0; round < 20; ++round) {
    const Bytes self = round == 0 ? Bytes{} : round == 1 ? difference(Bytes{}, one()) : random_id(random);
    std::vector<Bytes> powers;
    std::vector<Bytes> beyond;
    for (uint32_t bit = 0; bit < 160; ++bit) {
      powers.push_back(sum(self, power(bit)));
      beyond.push_back(sum(powers.back(), power(random.below(bit + 1))));
    }
    for (const std::vector<Bytes>& ids : {powers, beyond, std::vector<Bytes>{powers[159]}, std::vector<Bytes>{}}) {
      const Table table = prepare(self, ids);
      std::vector<Bytes> keys = borders(table);
      for (int i = 0; i < 500; ++i) keys.push_back(at_any_distance(random, self));
      check(table, keys);
    }
  }
}

/** Memory that says anything: refused, or answered with some index within the table. */
void anything_is_survived() {
  Random random;
  for (int round = 0; round < 20000; ++round) {
    const uint32_t n = random.below(40);
    std::vector<uint32_t> words(8 + 7 * n + RoutingTable::kBucketWords);
    for (uint32_t& word : words) word = random.below(3) == 0 ? random.next() : random.below(n + 2);
    words[0] = n;
    RoutingTable table;
    CHECK(table.open(words.data(), words.size()));
    std::vector<Bytes> keys(random.below(40));
    for (Bytes& key : keys) key = random.below(2) == 0 ? crowded_id(random) : random_id(random);
    const auto* bytes = reinterpret_cast<const uint8_t*>(keys.data());
    const auto count = static_cast<uint32_t>(keys.size());
    std::vector<int32_t> indexes(count);
    for (const auto batch : {closest_preceding_portable, closest_preceding_batch}) {
      batch(table, bytes, count, indexes.data());
      for (const int32_t index : indexes) CHECK(index >= -1 && index < static_cast<int32_t>(n));
    }
    words[0] = random.below(2) == 0 ? n + 1 : random.next() | 0x10000;
    CHECK(!table.open(words.data(), words.size()));
    CHECK(!table.open(words.data(), random.below(8 + 7 * n)));
  }
}

}  // namespace

int main() {
#if CHORDITE_X86
  if (!cpu::read_features().avx512) std::printf("     closest: not by AVX-512, which this processor lacks\n");
#endif
  tables_agree();
  full_finger_tables_agree();
  anything_is_survived();
}
