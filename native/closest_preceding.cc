#include "closest_preceding.h"

#include "cpu.h"

namespace chordite {

#if CHORDITE_X86
/** Found when the addon is loaded. */
static const bool kHasAvx512 = cpu::read_features().avx512;
#endif

void closest_preceding_portable(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes) {
  // A copy, since the compiler cannot know that indexes are not written over a table's words.
  const RoutingTable own = table;
  for (uint32_t i = 0; i < count; ++i) indexes[i] = own.preceding(keys + uint64_t{i} * kIdBytes);
}

void closest_preceding_batch(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes) {
  uint32_t done = 0;
#if CHORDITE_X86
  if (kHasAvx512) done = closest_preceding_avx512(table, keys, count, indexes);
#endif
  closest_preceding_portable(table, keys + uint64_t{done} * kIdBytes, count - done, indexes + done);
}

}  // namespace chordite
