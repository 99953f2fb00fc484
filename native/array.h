// Memory without exceptions: the C++ library's containers would link its unwinder, which needs a newer glibc than ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace chordite {

/** A growing array of plain values. Keeps its memory when cleared. Out of memory ends the process. */
template <typename T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Array() = default;
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { std::free(items_); }

  void push(T item) {
    if (size_ == capacity_) reserve(capacity_ == 0 ? 16 : 2 * capacity_);
    items_[size_++] = item;
  }
  void clear() { size_ = 0; }
  /** Forgets the first `count`. */
  void drop_front(uint32_t count) {
    size_ -= count;
    if (size_ > 0) std::memmove(items_, items_ + count, size_ * sizeof(T));
  }
  T pop() { return items_[--size_]; }

  [[nodiscard]] uint32_t size() const { return size_; }
  /** Room for as many as were reserved. */
  [[nodiscard]] T* items() { return items_; }
  T& operator[](uint32_t index) { return items_[index]; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }

  void reserve(uint32_t capacity) {
    if (capacity <= capacity_) return;
    auto* items = static_cast<T*>(std::realloc(items_, capacity * sizeof(T)));
    if (items == nullptr) std::abort();
    items_ = items;
    capacity_ = capacity;
  }

 private:
  T* items_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

/** Bytes that wait: appended at the end, taken from the front, memory given back when none are left. */
class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;
  ~ByteQueue() { std::free(bytes_); }

  [[nodiscard]] uint32_t size() const { return end_ - start_; }
  [[nodiscard]] uint32_t capacity() const { return capacity_; }
  [[nodiscard]] const uint8_t* data() const { return bytes_ + start_; }

  /** False when out of memory; nothing was appended then. */
  [[nodiscard]] bool append(const uint8_t* bytes, uint32_t count) {
    if (uint64_t{end_} + count > capacity_ && !make_room(count)) return false;
    std::memcpy(bytes_ + end_, bytes, count);
    end_ += count;
    return true;
  }

  void take(uint32_t count) {
    start_ += count;
    if (start_ == end_) clear();
  }

  void clear() {
    std::free(bytes_);
    bytes_ = nullptr;
    start_ = end_ = capacity_ = 0;
  }

 private:
  bool make_room(uint32_t count) {
    const uint32_t waiting = size();
    if (uint64_t{waiting} + count <= capacity_ && start_ >= capacity_ / 2) {
      std::memmove(bytes_, bytes_ + start_, waiting);
    } else {
      uint64_t capacity = capacity_ < 256 ? 256 : capacity_;
      while (capacity < uint64_t{waiting} + count) capacity *= 2;
      if (capacity > UINT32_MAX) return false;
      auto* bytes = static_cast<uint8_t*>(std::malloc(capacity));
      if (bytes == nullptr) return false;
      if (waiting > 0) std::memcpy(bytes, bytes_ + start_, waiting);
      std::free(bytes_);
      bytes_ = bytes;
      capacity_ = static_cast<uint32_t>(capacity);
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
