// How much of a connection's output the kernel may hold unsent. Nothing overtakes that any more, so it should be
// little; but if it runs out before we are woken, the connection stands still.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace chordite {

/** Four to eight milliseconds of what the other end takes, measured while output waits. */
class UnsentLimit {
 public:
  static constexpr uint32_t kLeast = 32U << 10;
  static constexpr uint32_t kMost = 1U << 20;
  /** Until it is known better. */
  static constexpr uint32_t kFirst = 128U << 10;

  /** The kernel took so much. */
  void took(uint32_t bytes) { bytes_ += bytes; }

  /** Output begins to wait. */
  void begin(uint64_t now_ms) {
    if (now_ms - since_ms_ > kPauseMs) restart(now_ms);
  }

  /** Output is waiting. True if `limit` is another than before. */
  [[nodiscard]] bool adapt(uint64_t now_ms, uint32_t* limit) {
    const uint64_t elapsed_ms = now_ms - since_ms_;
    if (elapsed_ms < kMeasureMs) return false;
    const uint64_t wanted = std::clamp<uint64_t>(kHeldMs * bytes_ / elapsed_ms, kLeast, kMost);
    restart(now_ms);
    *limit = std::bit_floor(static_cast<uint32_t>(wanted));
    if (*limit == limit_) return false;
    limit_ = *limit;
    return true;
  }

 private:
  static constexpr uint64_t kHeldMs = 8;
  /** The clock is good to 4 ms. */
  static constexpr uint64_t kMeasureMs = 12;
  /** What was measured before is of another time. */
  static constexpr uint64_t kPauseMs = 50;

  void restart(uint64_t now_ms) {
    since_ms_ = now_ms;
    bytes_ = 0;
  }

  uint64_t since_ms_ = 0;
  uint64_t bytes_ = 0;
  uint32_t limit_ = kFirst;
};

}  // namespace chordite
