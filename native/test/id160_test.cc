#include "../id160.h"

#include <algorithm>
#include <array>
#include <vector>

#include "check.h"

using namespace chordite;
using Bytes = std::array<uint8_t, kIdBytes>;

namespace {

/** The plainest form of each function. */
bool below(const Bytes& a, const Bytes& b) { return std::memcmp(a.data(), b.data(), kIdBytes) < 0; }

bool between(const Bytes& x, const Bytes& after, const Bytes& before) {
  if (below(after, before)) return below(after, x) && below(x, before);
  return below(after, x) || below(x, before);
}

/** Few distinct ids, which differ in one byte anywhere: ties and neighbors are common. */
Bytes random_id(Random& random) {
  Bytes id{};
  id.fill(0x7f);
  id[random.below(kIdBytes)] = static_cast<uint8_t>(0x7e + random.below(3));
  return id;
}

void between_agrees() {
  Random random;
  for (int round = 0; round < 50000; ++round) {
    const Bytes x = random_id(random), a = random_id(random), b = random_id(random);
    uint8_t answer = 2;
    is_between_batch(x.data(), 1, a.data(), b.data(), &answer);
    CHECK(answer == (between(x, a, b) ? 1 : 0));
    is_between_batch(x.data(), 1, a.data(), a.data(), &answer);
    CHECK(answer == (x != a ? 1 : 0));
    is_between_batch(x.data(), 1, x.data(), b.data(), &answer);
    CHECK(answer == 0 || x == b || below(x, b) == false);
  }
}

void closest_preceding_agrees() {
  Random random;
  for (int round = 0; round < 5000; ++round) {
    std::vector<Bytes> table(random.below(12));
    for (Bytes& id : table) id = random_id(random);
    std::sort(table.begin(), table.end(), below);
    table.erase(std::unique(table.begin(), table.end()), table.end());
    const Bytes key = random_id(random);
    int32_t expected = static_cast<int32_t>(table.size()) - 1;
    for (size_t i = 0; i < table.size() && below(table[i], key); ++i) expected = static_cast<int32_t>(i);
    int32_t index = -2;
    std::vector<uint64_t> highs(table.size());
    const uint8_t* bytes = table.empty() ? key.data() : table[0].data();
    closest_preceding_batch(key.data(), 1, bytes, static_cast<uint32_t>(table.size()), highs.data(), &index);
    CHECK(index == expected);
  }
}

}  // namespace

int main() {
  between_agrees();
  closest_preceding_agrees();
}
