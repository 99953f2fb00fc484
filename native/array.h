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
  [[nodiscard]] const T* items() const { return items_; }
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

}  // namespace chordite
