// The memory that JavaScript and C++ share. Both run on one thread, in turns, so nothing here is atomic.
//
//   receive ring   | frames of A | frames of B | B's partial frame, moved away | free …   refilled from 0 each wake-up
//   descriptors    | A 0 96 | A 96 80 | opened C | B 176 64 | …                            none for what is passed on
//   transmit ring  | frames as JavaScript committed them, in order …                      refilled from 0 each flush
//   runs           | to A: 0, 192 | to C: 192, 64 | …
//
// C++ writes the first two before the call into JavaScript, which may read them until it returns. JavaScript writes the
// last two whenever it runs, and C++ reads them in flush() only; after that they are JavaScript's again.
#pragma once

#include <cstdint>

#include "layout.h"

namespace chordite {

/**
 * All of it, as JavaScript allocated it. Borrowed: Instance holds strong references until Endpoint::shut(), after which
 * nothing is read or written through these pointers.
 */
struct SharedMemory {
  uint8_t* receive = nullptr;
  uint32_t receive_bytes = 0;
  uint8_t* transmit = nullptr;
  uint32_t transmit_bytes = 0;
  uint32_t* descriptors = nullptr;
  uint32_t* runs = nullptr;
  uint32_t* links = nullptr;
  uint32_t link_slots = 0;
  uint32_t* control = nullptr;
  double* counters = nullptr;
};

/** Fills the receive ring and the descriptors of one batch. */
class BatchWriter {
 public:
  void start(const SharedMemory& memory) {
    memory_ = &memory;
    at_ = 0;
    count_ = 0;
    frames_ = 0;
    passed_ = 0;
  }

  /** Where the next bytes go; 8-byte aligned. What is put there lives until the next start(). */
  [[nodiscard]] uint8_t* place() const { return memory_->receive + at_; }
  [[nodiscard]] uint32_t bytes_left() const { return memory_->receive_bytes - at_; }
  [[nodiscard]] uint32_t frames_left() const { return taken() < kFramesMax ? kFramesMax - taken() : 0; }
  /**
   * The handlers of this batch were slow, or not: the next one has half as many frames, or may have twice as many. That
   * a few were fast says nothing about many.
   */
  void pace(bool slow) {
    const uint32_t half = taken() / 2;
    if (slow) frames_max_ = half > kFramesMin ? half : kFramesMin;
    if (!slow && taken() >= frames_max_ / 2) frames_max_ = frames_max_ * 2 < kFramesMax ? frames_max_ * 2 : kFramesMax;
  }
  [[nodiscard]] uint32_t used() const { return at_; }
  /** Descriptors, and those of frames among them. */
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] uint32_t frame_count() const { return frames_; }
  /** Frames, with those that are passed on. */
  [[nodiscard]] uint32_t taken() const { return frames_ + passed_; }

  /** Room for whatever one ready descriptor may bring. */
  [[nodiscard]] bool has_room() const {
    return bytes_left() >= 2 * FRAME_BYTES_MAX + 64 && frames_left() >= 64 && taken() < frames_max_ &&
           events() + kEventsSpare <= kEventsMax;
  }
  [[nodiscard]] bool has_room_for_event() const { return events() < kEventsMax; }

  /** The frame at place() stays there. */
  void frame(uint32_t index, uint32_t generation, uint32_t length) {
    put(index | KIND_FRAME << KIND_SHIFT, generation, at_, length);
    at_ += padded(length);
    ++frames_;
  }
  /** The frame at place() stays there and is nobody's but the endpoint's. */
  void pass(uint32_t length) {
    at_ += padded(length);
    ++passed_;
  }
  void event(uint32_t kind, uint32_t index, uint32_t generation, uint32_t detail, uint32_t length) {
    put(index | kind << KIND_SHIFT, generation, detail, length);
  }
  /** Keeps `bytes` at place() for an event; returns where they are. */
  uint32_t keep(uint32_t bytes) {
    const uint32_t at = at_;
    at_ += padded(bytes);
    return at;
  }

 private:
  static constexpr uint32_t kFramesMax = 4096;
  /** One connection may bring more: a batch ends with what it has brought. */
  static constexpr uint32_t kFramesMin = 128;
  /** Frames and events have descriptors of their own: neither can take the other's. */
  static constexpr uint32_t kEventsMax = DESCRIPTORS_MAX - kFramesMax;
  static constexpr uint32_t kEventsSpare = 128;

  [[nodiscard]] uint32_t events() const { return count_ - frames_; }

  void put(uint32_t head, uint32_t generation, uint32_t detail, uint32_t length) {
    uint32_t* words = memory_->descriptors + count_ * DESCRIPTOR_WORDS;
    words[0] = head;
    words[1] = generation;
    words[2] = detail;
    words[3] = length;
    ++count_;
  }

  const SharedMemory* memory_ = nullptr;
  uint32_t at_ = 0;
  uint32_t count_ = 0;
  uint32_t frames_ = 0;
  uint32_t passed_ = 0;
  uint32_t frames_max_ = kFramesMax;
};

/** One entry of the runs that JavaScript leaves. */
struct Run {
  uint32_t index;
  uint32_t generation;
  uint32_t offset;
  uint32_t bytes;
};
static_assert(sizeof(Run) == RUN_WORDS * 4);

inline const Run& run_at(const SharedMemory& memory, uint32_t index) {
  return reinterpret_cast<const Run*>(memory.runs)[index];
}

}  // namespace chordite
