// What is left of frames that were passed on over a connection, should it break: the twin of src/runtime/head-log.ts,
// which says what for.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "framing.h"
#include "layout.h"

namespace chordite {

/** Heads, one after the other, in two generations of which the older goes as a whole. */
class HeadLog {
 public:
  /** Of each generation; more than the longest head. */
  static constexpr uint32_t kBytes = 8192;

  HeadLog() = default;
  HeadLog(const HeadLog&) = delete;
  HeadLog& operator=(const HeadLog&) = delete;
  ~HeadLog() { clear(); }

  /** A whole frame by key with ORIGIN. Out of memory it is not noted: then its originator waits for longer. */
  void note(const uint8_t* frame, uint32_t now_ms) {
    const uint32_t set = load16(frame + AT_EXTENSIONS);
    const uint32_t before = extension_bytes_fixed(set & ~kLast);
    const uint8_t* origin = frame + HEADER_BYTES + before;
    const uint32_t origin_bytes = padded(ORIGIN_FIXED_BYTES + load16(origin + ORIGIN_ADDRESS_BYTES));
    const uint32_t bytes = HEADER_BYTES + origin_bytes;
    // No address is that long; who sends one nevertheless is not told.
    if (bytes > kBytes) return;
    if ((young_ == nullptr || used_ + bytes > kBytes) && !turn()) return;
    uint8_t* place = young_ + used_;
    std::memcpy(place, frame, AT_METHOD_LOW);
    store(place + AT_LENGTH, bytes);
    const uint16_t only_origin = EXT_ORIGIN;
    std::memcpy(place + AT_EXTENSIONS, &only_origin, sizeof only_origin);
    store(place + AT_METHOD_LOW, now_ms);
    const bool timed = (set & EXT_DEADLINE) != 0;
    const uint32_t target = (set & EXT_TARGET) != 0 ? TARGET_BYTES : 0;
    store(place + AT_METHOD_HIGH, timed ? load32(frame + HEADER_BYTES + target) : UINT32_MAX);
    std::memcpy(place + HEADER_BYTES, origin, origin_bytes);
    used_ += bytes;
  }

  [[nodiscard]] uint32_t size() const { return old_used_ + used_; }

  /** Writes all of them, `size()` bytes, oldest first, with how long ago each was passed on. */
  void copy(uint8_t* to, uint32_t now_ms) const {
    if (old_used_ > 0) std::memcpy(to, old_, old_used_);
    if (used_ > 0) std::memcpy(to + old_used_, young_, used_);
    for (uint32_t at = 0; at < size(); at += load32(to + at + AT_LENGTH)) {
      store(to + at + AT_METHOD_LOW, now_ms - load32(to + at + AT_METHOD_LOW));
    }
  }

  void clear() {
    std::free(young_);
    std::free(old_);
    young_ = old_ = nullptr;
    used_ = old_used_ = 0;
  }

 private:
  static void store(uint8_t* at, uint32_t word) { std::memcpy(at, &word, sizeof word); }

  bool turn() {
    uint8_t* next = old_ != nullptr ? old_ : static_cast<uint8_t*>(std::malloc(kBytes));
    if (next == nullptr) return false;
    old_ = young_;
    old_used_ = used_;
    young_ = next;
    used_ = 0;
    return true;
  }

  uint8_t* young_ = nullptr;
  uint8_t* old_ = nullptr;
  uint32_t used_ = 0;
  uint32_t old_used_ = 0;
};

}  // namespace chordite
