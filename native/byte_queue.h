// Bytes that wait: output that the kernel did not take, beginnings of frames. Their memory comes from a pool that keeps
// some of what is given back, so that a connection which waits now and then allocates once and not each time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace chordite {

/** Blocks of a power of two bytes. One an endpoint; whoever takes one gives it back or frees it. */
class BytePool {
 public:
  static constexpr uint32_t kSmallest = 256;
  /** Larger blocks are not kept: they are for who is far behind, and rare. */
  static constexpr uint32_t kLargestKept = 65536;

  BytePool() = default;
  BytePool(const BytePool&) = delete;
  BytePool& operator=(const BytePool&) = delete;
  ~BytePool() {
    for (uint32_t kind = 0; kind < kKinds; ++kind) {
      while (counts_[kind] > 0) std::free(kept_[kind][--counts_[kind]]);
    }
  }

  /** At least `bytes`, and how many in `capacity`; null when out of memory. */
  [[nodiscard]] uint8_t* take(uint64_t bytes, uint32_t* capacity) {
    if (bytes > kBytesMax) return nullptr;
    *capacity = std::bit_ceil(bytes < kSmallest ? kSmallest : static_cast<uint32_t>(bytes));
    if (*capacity <= kLargestKept) {
      const uint32_t kind = kind_of(*capacity);
      if (counts_[kind] > 0) return kept_[kind][--counts_[kind]];
    }
    return static_cast<uint8_t*>(std::malloc(*capacity));
  }

  void give(uint8_t* block, uint32_t capacity) {
    if (block == nullptr) return;
    if (capacity <= kLargestKept) {
      const uint32_t kind = kind_of(capacity);
      if (counts_[kind] < kKeptMax) {
        kept_[kind][counts_[kind]++] = block;
        return;
      }
    }
    std::free(block);
  }

 private:
  static constexpr uint32_t kBytesMax = 1U << 31;
  static constexpr uint32_t kKinds = 9;
  /** Of each size: 2 MiB together at most. */
  static constexpr uint32_t kKeptMax = 16;

  static uint32_t kind_of(uint32_t capacity) { return static_cast<uint32_t>(std::countr_zero(capacity / kSmallest)); }
  static_assert(kSmallest << (kKinds - 1) == kLargestKept);

  uint8_t* kept_[kKinds][kKeptMax];
  uint32_t counts_[kKinds] = {};
};

/** Appended at the end, taken from the front, memory given back when none are left. */
class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;
  ~ByteQueue() { std::free(bytes_); }

  [[nodiscard]] uint32_t size() const { return end_ - start_; }
  [[nodiscard]] uint32_t capacity() const { return capacity_; }
  /** Valid until the queue is changed. */
  [[nodiscard]] const uint8_t* data() const { return bytes_ + start_; }

  /** False when out of memory; nothing was appended then. */
  [[nodiscard]] bool append(BytePool& pool, const uint8_t* bytes, uint32_t count) {
    if (uint64_t{end_} + count > capacity_ && !make_room(pool, count)) return false;
    std::memcpy(bytes_ + end_, bytes, count);
    end_ += count;
    return true;
  }

  void take(BytePool& pool, uint32_t count) {
    start_ += count;
    if (start_ == end_) clear(pool);
  }

  void clear(BytePool& pool) {
    pool.give(bytes_, capacity_);
    bytes_ = nullptr;
    start_ = end_ = capacity_ = 0;
  }

 private:
  bool make_room(BytePool& pool, uint32_t count) {
    const uint32_t waiting = size();
    const uint64_t needed = uint64_t{waiting} + count;
    // Moving is paid for by the quarter that was taken; else twice the room makes moves rare.
    if (needed <= capacity_ && start_ >= capacity_ / 4) {
      std::memmove(bytes_, bytes_ + start_, waiting);
    } else {
      uint32_t capacity = 0;
      uint8_t* bytes = pool.take(needed > capacity_ ? needed : capacity_ + uint64_t{1}, &capacity);
      if (bytes == nullptr) return false;
      if (waiting > 0) std::memcpy(bytes, bytes_ + start_, waiting);
      pool.give(bytes_, capacity_);
      bytes_ = bytes;
      capacity_ = capacity;
    }
    start_ = 0;
    end_ = waiting;
    return true;
  }

  uint8_t* bytes_ = nullptr;
  uint32_t start_ = 0;
  uint32_t end_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace chordite
