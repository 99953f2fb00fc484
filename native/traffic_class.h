// How urgent a frame is: what must wait for the kernel leaves in this order. The same rule as
// src/transports/classes.ts.
#pragma once

#include <cstdint>

#include "framing.h"

namespace chordite {

/**
 * Of a frame that was written here or found whole. By its header, but none gets ahead by what it says there: only
 * maintenance is maintenance, and messages of the application are no look-ups. Goodbyes and fragments are the last,
 * whatever they say: nothing may be left behind the one, and the others must stay in order among themselves.
 */
inline uint32_t class_of(const uint8_t* frame) {
  const uint32_t type = load16(frame + AT_TYPE);
  if (type < TYPE_MAINTENANCE_FIRST) return type == TYPE_HELLO ? CLASS_MAINTENANCE : CLASS_BULK;
  if (type < TYPE_LOOKUP) return CLASS_MAINTENANCE;
  const uint32_t said = (load16(frame + AT_FLAGS) >> FLAG_CLASS_SHIFT) % CLASSES;
  const uint32_t first = type == TYPE_REQUEST || type == TYPE_REPLY ? CLASS_APPLICATION : CLASS_LOOKUP;
  return said > first ? said : first;
}

}  // namespace chordite
