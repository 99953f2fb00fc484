// Frames of one connection that the kernel did not take: by class the most urgent first, within a class in order.
//
//   begun    | the rest of a frame of which a part has left: before everything else
//   classes  | maintenance | look-ups | messages of the application | bulk
#pragma once

#include <sys/uio.h>

#include <cstdint>

#include "byte_queue.h"
#include "traffic_class.h"

namespace chordite {

class OutputQueue {
 public:
  /** As many vectors as vector() fills at most. */
  static constexpr uint32_t kVectorMax = CLASSES + 1;

  [[nodiscard]] uint32_t size() const {
    uint32_t bytes = 0;
    for (const ByteQueue& queue : classes_) bytes += queue.size();
    return bytes;
  }
  [[nodiscard]] uint32_t size_of(uint32_t traffic_class) const { return classes_[traffic_class].size(); }

  /** Whole frames. False when out of memory: some of them may be missing then. */
  [[nodiscard]] bool append(BytePool& pool, const uint8_t* frames, uint32_t bytes) {
    for (uint32_t start = 0; start < bytes;) {
      // Neighbors of one class are copied together.
      const uint32_t traffic_class = class_of(frames + start);
      uint32_t end = start;
      do {
        end += frame_bytes(frames + end, bytes - end);
      } while (end < bytes && class_of(frames + end) == traffic_class);
      if (!classes_[traffic_class].append(pool, frames + start, end - start)) return false;
      start = end;
    }
    return true;
  }

  /** The same of frames whose first `sent` bytes have left, into an empty queue. */
  [[nodiscard]] bool append_rest(BytePool& pool, const uint8_t* frames, uint32_t bytes, uint32_t sent) {
    uint32_t start = 0;
    uint32_t end = 0;
    while (end < sent) {
      start = end;
      end += frame_bytes(frames + end, bytes - end);
    }
    if (end > sent) {
      begun_class_ = class_of(frames + start);
      begun_ = end - sent;
      if (!classes_[begun_class_].append(pool, frames + sent, begun_)) return false;
    }
    return append(pool, frames + end, bytes - end);
  }

  /** All of it as it leaves; valid until the queue is changed. Returns how many. */
  [[nodiscard]] uint32_t vector(iovec* vector) const {
    uint32_t count = 0;
    if (begun_ > 0) vector[count++] = piece(classes_[begun_class_].data(), begun_);
    for (uint32_t i = 0; i < CLASSES; ++i) {
      const uint32_t skip = begun_ > 0 && i == begun_class_ ? begun_ : 0;
      if (classes_[i].size() > skip) vector[count++] = piece(classes_[i].data() + skip, classes_[i].size() - skip);
    }
    return count;
  }

  /** So many bytes of vector() have left. */
  void take(BytePool& pool, uint32_t count) {
    if (begun_ > 0) {
      const uint32_t rest = count < begun_ ? count : begun_;
      classes_[begun_class_].take(pool, rest);
      begun_ -= rest;
      count -= rest;
    }
    for (uint32_t i = 0; count > 0; ++i) {
      ByteQueue& queue = classes_[i];
      const uint32_t taken = count < queue.size() ? count : queue.size();
      if (taken == 0) continue;
      if (taken < queue.size()) begin(i, taken);
      queue.take(pool, taken);
      count -= taken;
    }
  }

  void clear(BytePool& pool) {
    for (ByteQueue& queue : classes_) queue.clear(pool);
    begun_ = 0;
  }

 private:
  static iovec piece(const uint8_t* at, uint32_t bytes) { return {const_cast<uint8_t*>(at), bytes}; }

  /** Padded; never more than is there, nor nothing. */
  static uint32_t frame_bytes(const uint8_t* frame, uint32_t available) {
    const uint32_t length = load32(frame + AT_LENGTH);
    return length < HEADER_BYTES || length > available ? available : padded(length);
  }

  /** Where the frame ends that is cut by taking the class's first `taken` bytes. */
  void begin(uint32_t traffic_class, uint32_t taken) {
    const ByteQueue& queue = classes_[traffic_class];
    uint32_t end = 0;
    while (end < taken) end += frame_bytes(queue.data() + end, queue.size() - end);
    begun_class_ = traffic_class;
    begun_ = end - taken;
  }

  ByteQueue classes_[CLASSES];
  uint32_t begun_ = 0;
  uint32_t begun_class_ = 0;
};

}  // namespace chordite
