#include "../id160.h"

#include <array>

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

}  // namespace

int main() { between_agrees(); }
