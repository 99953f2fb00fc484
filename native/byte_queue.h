// Bytes that wait: output that the kernel did not take, beginnings of frames. Their memory comes from a pool that keeps
// some of what is given back, so that a connection which waits now and then allocates once and not each time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace chordite {

/**
 * Blocks of a power of two bytes, from malloc. Whoever takes one owns it, and gives it back or frees it. Those given
 * back are kept for the next, in a list for each size whose links stand in the blocks themselves.
 */
class BytePool {
 public:
  static constexpr uint32_t kSmallest = 256;
  /** Larger blocks are not kept: they are for who is far behind, and rare. */
  static constexpr uint32_t kLargestKept = 65536;
  /** Together: what 64 connections need that all wait with the largest. */
  static constexpr uint32_t kKeptBytesMax = 4U << 20;

  BytePool() = default;
  BytePool(const BytePool&) = delete;
  BytePool& operator=(const BytePool&) = delete;
  ~BytePool() {
    for (uint8_t*& list : kept_) {
      while (list != nullptr) std::free(pop(list));
    }
  }

  /** At least `bytes`, and how many in `capacity`; null when out of memory. */
  [[nodiscard]] uint8_t* take(uint64_t bytes, uint32_t* capacity) {
    if (bytes > kBytesMax) return nullptr;
    *capacity = std::bit_ceil(bytes < kSmallest ? kSmallest : static_cast<uint32_t>(bytes));
    if (*capacity > kLargestKept || list_of(*capacity) == nullptr) return static_cast<uint8_t*>(std::malloc(*capacity));
    kept_bytes_ -= *capacity;
    return pop(list_of(*capacity));
  }

  void give(uint8_t* block, uint32_t capacity) {
    if (block == nullptr) return;
    if (capacity > kLargestKept || kept_bytes_ + capacity > kKeptBytesMax) return std::free(block);
    kept_bytes_ += capacity;
    uint8_t*& list = list_of(capacity);
    std::memcpy(block, &list, sizeof list);
    list = block;
  }

 private:
  static constexpr uint32_t kBytesMax = 1U << 31;
  static constexpr uint32_t kSizes = 9;
  static_assert(kSmallest << (kSizes - 1) == kLargestKept);

  uint8_t*& list_of(uint32_t capacity) { return kept_[std::countr_zero(capacity / kSmallest)]; }
  static uint8_t* pop(uint8_t*& list) {
    uint8_t* block = list;
    std::memcpy(&list, block, sizeof list);
    return block;
  }

  uint8_t* kept_[kSizes] = {};
  uint32_t kept_bytes_ = 0;
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
