// SHA-1 of many short keys: they place names on the ring and protect nothing.
#pragma once

#include <cstdint>

namespace chordite {

/** Hashes key i, `bytes[offsets[i] .. offsets[i + 1])`, to `hashes[20 i ..]`. Offsets ascend. */
using Sha1Batch = void (*)(const uint8_t* bytes, const uint32_t* offsets, uint32_t count, uint8_t* hashes);

void sha1_batch_portable(const uint8_t* bytes, const uint32_t* offsets, uint32_t count, uint8_t* hashes);

/** With the SHA instructions where this processor has them. */
Sha1Batch sha1_batch();

/** What sha1_batch() uses: "sha-ni" or "portable". */
const char* sha1_feature();

}  // namespace chordite
