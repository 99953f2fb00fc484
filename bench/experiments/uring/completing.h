// Takes the place of native/poller.h in an addon of the experiment: what arrives was received by the kernel before
// anybody asks (multishot recv into provided buffers). As much as an echo needs: no dialing, no watching for room.
#pragma once

#include <cstddef>
#include <cstdint>

#include "array.h"
#include "uring.h"

namespace chordite {

struct Ready {
  uint64_t token;
  bool readable;
  bool writable;
};

class Poller {
 public:
  static const char* name();

  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { shut(); }

  [[nodiscard]] int open();
  void shut();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool add(int fd, uint64_t token, bool read, bool write);
  void change(int fd, uint64_t token, bool was_read, bool was_write, bool read, bool write);
  [[nodiscard]] uint32_t wait(Ready* ready, uint32_t max);

  /** In place of recv(): what wait() has said came over the connection, whole; 0 at its end, -1 and errno. */
  [[nodiscard]] ptrdiff_t take(uint64_t token, uint8_t* into, size_t max);

 private:
  static constexpr uint32_t kConnectionsMax = 4096;
  static constexpr uint32_t kBuffers = 1024;
  static constexpr uint32_t kBufferBytes = 16384;
  static constexpr uint32_t kBufferStride = kBufferBytes + 192;

  void receive_from(uint64_t token);
  void watch_listener();
  void provide(uint16_t buffer);
  void provide_more();

  Ring ring_{};
  int fd_ = -1;
  int listener_ = -1;
  int fds_[kConnectionsMax];
  /** Of each connection, in the order in which wait() told of them: the result, and the buffer above it. */
  Array<uint64_t> came_[kConnectionsMax];
  io_uring_buf_ring* provided_ = nullptr;
  uint8_t* buffers_ = nullptr;
  uint16_t provided_count_ = 0;
};

}  // namespace chordite
