// The closest preceding nodes of many keys at once.
#pragma once

#include "routing_table.h"

namespace chordite {

/** For each key, 20 bytes, what RoutingTable::preceding says. Borrows all for the length of the call. */
void closest_preceding_batch(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes);

/** One by one, as without AVX-512: for tests. */
void closest_preceding_portable(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes);

/** Sixteen at a time; only where cpu::read_features() has AVX-512. Returns how many of the first it has done. */
uint32_t closest_preceding_avx512(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes);

}  // namespace chordite
