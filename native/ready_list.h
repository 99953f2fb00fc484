// Whose turn it is to be read: what the poller said is ready, those that bring little first.
//
// A wake-up reads, handles and answers everything before the kernel gets the answers, so whoever asks one thing waits
// for all that came with it. Where some bring much less than the others they get batches of their own, and what the
// others bring is cut into smaller ones, so that the light ones can be looked for in between. They never come twice in
// a row while a heavy one waits.
#pragma once

#include <cstdint>
#include <utility>

#include "poller.h"

namespace chordite {

class ReadyList {
 public:
  static constexpr uint32_t kMax = 512;
  /** Below this much altogether nobody waits long. */
  static constexpr uint64_t kMuchBytes = 16384;
  /** Light is what brings less than this part of the mean. */
  static constexpr uint32_t kLightPart = 16;
  /** After a list with light and heavy ones: so many lists without them later it is like any other again. */
  static constexpr uint32_t kMixedLists = 16;

  [[nodiscard]] bool is_empty() const { return next_ == count_; }
  /** The next one is light, and heavy ones came with it. */
  [[nodiscard]] bool is_light_next() const { return next_ < light_; }
  /** Heavy ones wait, and light ones may have come since: glance() and read those first. */
  [[nodiscard]] bool wants_glance() const { return mixed_lists_ > 0 && !is_empty() && !is_light_next() && !glanced_; }
  /** Heavy ones are read in smaller parts. */
  [[nodiscard]] bool is_mixed() const { return mixed_lists_ > 0; }

  /** Takes what is ready now, once what was ready has been read. `expected` says how much one will probably bring. */
  template <typename Expected>
  void fill(Poller& poller, const Expected& expected) {
    next_ = light_ = 0;
    count_ = poller.wait(ready_, kMax);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count_; ++i) sum += ready_[i].expected = expected(ready_[i].token);
    if (mixed_lists_ > 0) --mixed_lists_;
    if (sum < kMuchBytes) return;
    light_bytes_ = sum / count_ / kLightPart;
    for (uint32_t i = 0; i < count_; ++i) {
      if (ready_[i].expected < light_bytes_) std::swap(ready_[i], ready_[light_++]);
    }
    if (light_ > 0) mixed_lists_ = kMixedLists;
  }

  [[nodiscard]] const Ready& take() {
    if (!is_light_next()) glanced_ = false;
    return ready_[next_++];
  }

  /** Hands what is ready and light to `read`, while it returns true. The heavy ones keep their places. */
  template <typename Expected, typename Read>
  void glance(Poller& poller, const Expected& expected, const Read& read) {
    glanced_ = true;
    Ready some[kMax];
    const uint32_t count = poller.wait(some, kMax);
    for (uint32_t i = 0; i < count; ++i) {
      if (expected(some[i].token) < light_bytes_ && !read(some[i])) return;
    }
  }

 private:
  Ready ready_[kMax];
  uint32_t count_ = 0;
  uint32_t next_ = 0;
  /** Of the list's beginning. */
  uint32_t light_ = 0;
  uint64_t light_bytes_ = 0;
  uint32_t mixed_lists_ = 0;
  /** Light ones have been read since the last heavy one. */
  bool glanced_ = false;
};

}  // namespace chordite
