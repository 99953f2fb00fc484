// SHA-1 of many keys: they place names on the ring and protect nothing.
#pragma once

#include <cstdint>

namespace chordite {

/** Many keys in one buffer: key i is `bytes[offsets[i] .. offsets[i + 1])`. Borrowed for the length of one call. */
struct PackedKeys {
  const uint8_t* bytes;
  uint64_t size;
  const uint32_t* offsets;
  uint32_t count;
};

/**
 * The hash of key i to `hashes[20 i ..]`, by the fastest way that this processor has. False if offsets do not ascend
 * within the bytes; what `hashes` holds then is anything.
 */
[[nodiscard]] bool sha1_batch(const PackedKeys& keys, uint8_t* hashes);

/** What sha1_batch() uses, widest first: "avx512", "sha-ni" or "portable". */
const char* sha1_feature();

/** For tests: way 0 is sha1_batch's, higher ones do without more and more extensions, the last is portable. */
[[nodiscard]] bool sha1_batch_by(uint32_t way, const PackedKeys& keys, uint8_t* hashes);
uint32_t sha1_ways();
const char* sha1_way_name(uint32_t way);

}  // namespace chordite
