#include "../sha1_batch.h"

#include <string>
#include <vector>

#include "check.h"

using namespace chordite;

namespace {

std::vector<std::string> hash(Sha1Batch batch, const std::vector<std::string>& keys) {
  std::string bytes;
  std::vector<uint32_t> offsets{0};
  for (const std::string& key : keys) {
    bytes += key;
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
  // Exactly as large as it must be, for the sanitizer.
  std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  std::vector<uint8_t> hashes(keys.size() * 20);
  batch(exact.data(), offsets.data(), static_cast<uint32_t>(keys.size()), hashes.data());
  std::vector<std::string> hex;
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

/** FIPS 180-4 examples and NIST's test vectors. */
void vectors(Sha1Batch batch) {
  const std::vector<std::string> keys{"", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                                      std::string(1000000, 'a'), "The quick brown fox jumps over the lazy dog"};
  const std::vector<std::string> expected{
      "da39a3ee5e6b4b0d3255bfef95601890afd80709", "a9993e364706816aba3e25717850c26c9cd0d89d",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1", "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
      "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"};
  CHECK(hash(batch, keys) == expected);
}

/** Every length around the block borders, in every position among the lanes. */
void lengths_agree() {
  std::vector<std::string> keys;
  Random random;
  for (int round = 0; round < 400; ++round) {
    std::string key(round < 200 ? static_cast<size_t>(round) : random.below(70), 0);
    for (char& c : key) c = static_cast<char>(random.next());
    keys.push_back(key);
  }
  CHECK(hash(sha1_batch(), keys) == hash(sha1_batch_portable, keys));
}

}  // namespace

int main() {
  vectors(sha1_batch_portable);
  vectors(sha1_batch());
  lengths_agree();
}
