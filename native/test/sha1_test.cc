// Every way to compute SHA-1 that this processor has, against published hashes and against the portable one.
#include "../sha1_batch.h"

#include <string>
#include <vector>

#include "check.h"

using namespace chordite;

namespace {

using Keys = std::vector<std::string>;

Keys hash(uint32_t way, const Keys& keys) {
  std::string bytes;
  std::vector<uint32_t> offsets{0};
  for (const std::string& key : keys) {
    bytes += key;
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
  // Exactly as large as they must be, for the sanitizer.
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  std::vector<uint8_t> hashes(keys.size() * 20);
  CHECK(sha1_batch_by(way, {exact.data(), exact.size(), offsets.data(), static_cast<uint32_t>(keys.size())},
                      hashes.data()));
  Keys hex;
  for (size_t i = 0; i < keys.size(); ++i) {
    std::string text;
    for (size_t j = 0; j < 20; ++j) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", hashes[20 * i + j]);
      text += digits;
    }
    hex.push_back(text);
  }
  return hex;
}

uint32_t portable() { return sha1_ways() - 1; }

std::string random_key(Random& random, size_t length) {
  std::string key(length, 0);
  for (char& c : key) c = static_cast<char>(random.next());
  return key;
}

/** FIPS 180-4 examples and NIST's test vectors, each alone and all together. */
void vectors(uint32_t way) {
  const Keys keys{"", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", std::string(1000000, 'a'),
                  "The quick brown fox jumps over the lazy dog"};
  const Keys expected{"da39a3ee5e6b4b0d3255bfef95601890afd80709", "a9993e364706816aba3e25717850c26c9cd0d89d",
                      "84983e441c3bd26ebaae4aa1f95129e5e54670f1", "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
                      "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"};
  CHECK(hash(way, keys) == expected);
  for (size_t i = 0; i < keys.size(); ++i) CHECK(hash(way, {keys[i]}) == Keys{expected[i]});
}

/** Every length over the block borders, in batches that fill lanes, leave them over, and mix short and long. */
void lengths_agree(uint32_t way) {
  Random random;
  Keys rising;
  for (size_t length = 0; length <= 300; ++length) rising.push_back(random_key(random, length));
  CHECK(hash(way, rising) == hash(portable(), rising));
  for (size_t length = 0; length <= 130; ++length) {
    const Keys same(20, random_key(random, length));
    CHECK(hash(way, same) == hash(portable(), same));
  }
  for (uint32_t round = 0; round < 300; ++round) {
    Keys mixed;
    for (uint32_t left = random.below(70); left > 0; --left) {
      const uint32_t most = random.below(4) == 0 ? 2000 : 70;
      mixed.push_back(random_key(random, random.below(most)));
    }
    CHECK(hash(way, mixed) == hash(portable(), mixed));
  }
}

/** Each number of keys up to several times the lanes, short ones and long ones. */
void counts_agree(uint32_t way) {
  Random random;
  for (const size_t length : {size_t{55}, size_t{56}, size_t{64}, size_t{200}}) {
    Keys keys;
    for (uint32_t count = 0; count <= 50; ++count) {
      CHECK(hash(way, keys) == hash(portable(), keys));
      keys.push_back(random_key(random, length - random.below(2)));
    }
  }
}

/** Keys need not begin at the start of the bytes, nor reach their end, and nothing beyond them may count. */
void parts_of_a_buffer(uint32_t way) {
  Random random;
  const std::string text = random_key(random, 400);
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const uint32_t offsets[] = {7, 40, 40, 140, 333};
  uint8_t hashes[80];
  CHECK(sha1_batch_by(way, {bytes, text.size(), offsets, 4}, hashes));
  const Keys apart = hash(portable(), {text.substr(7, 33), "", text.substr(40, 100), text.substr(140, 193)});
  for (size_t i = 0; i < 4; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", hashes[20 * i]);
    CHECK(apart[i].compare(0, 2, digits) == 0);
  }
}

void bad_offsets_are_refused(uint32_t way) {
  const uint8_t bytes[4] = {};
  uint8_t hashes[60];
  const uint32_t back[] = {0, 3, 2, 4};
  const uint32_t beyond[] = {0, 1, 2, 5};
  const uint32_t far_start[] = {9, 9, 9, 9};
  const uint32_t good[] = {0, 0, 4, 4};
  CHECK(!sha1_batch_by(way, {bytes, 4, back, 3}, hashes));
  CHECK(!sha1_batch_by(way, {bytes, 4, beyond, 3}, hashes));
  CHECK(!sha1_batch_by(way, {bytes, 4, far_start, 3}, hashes));
  CHECK(!sha1_batch_by(way, {bytes, 4, far_start, 0}, hashes));
  CHECK(sha1_batch_by(way, {bytes, 4, good, 3}, hashes));
}

}  // namespace

int main() {
  for (uint32_t way = 0; way < sha1_ways(); ++way) {
    std::printf("     sha1: %s\n", sha1_way_name(way));
    vectors(way);
    lengths_agree(way);
    counts_agree(way);
    parts_of_a_buffer(way);
    bad_offsets_are_refused(way);
  }
}
