// Keys of any lengths in any order, and offsets that are none: every way of hashing must do as the portable one.

#include "../sha1_batch.h"

#include <cstring>
#include <vector>

#include "reference.h"

using namespace chordite;

namespace {

/** One byte of each eight says how long the next key is; the keys share the input's bytes. */
std::vector<uint32_t> offsets_of(const uint8_t* bytes, size_t size) {
  std::vector<uint32_t> offsets{0};
  for (size_t at = 1; at < size && offsets.back() < size; at += 8) {
    const uint32_t left = static_cast<uint32_t>(size) - offsets.back();
    const uint32_t wanted = bytes[at] < 224 ? bytes[at] % 64U : bytes[at];
    offsets.push_back(offsets.back() + (wanted < left ? wanted : left));
  }
  // Some are wrong.
  if (bytes[0] >= 240 && size >= 4) offsets[bytes[1] % offsets.size()] = reference::number(bytes, 4);
  if (bytes[0] >= 224 && size >= 4) offsets[bytes[1] % offsets.size()] = bytes[2];
  return offsets;
}

bool ascend(const std::vector<uint32_t>& offsets, size_t size) {
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] > size || (i > 0 && offsets[i] < offsets[i - 1])) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::vector<uint32_t> offsets = offsets_of(bytes, size);
  const auto count = static_cast<uint32_t>(offsets.size() - 1);
  const PackedKeys keys{bytes, size, offsets.data(), count};
  std::vector<uint8_t> expected(size_t{20} * count);
  const uint32_t ways = sha1_ways();
  const bool good = sha1_batch_by(ways - 1, keys, expected.data());
  REQUIRE(good == ascend(offsets, size));
  for (uint32_t way = 0; way + 1 < ways; ++way) {
    std::vector<uint8_t> hashes(size_t{20} * count);
    REQUIRE(sha1_batch_by(way, keys, hashes.data()) == good);
    REQUIRE(!good || count == 0 || std::memcmp(expected.data(), hashes.data(), hashes.size()) == 0);
  }
  return 0;
}
