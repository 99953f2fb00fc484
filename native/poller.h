// Which descriptors are ready: epoll on Linux, kqueue on macOS and the BSDs. Level-triggered. The poller's own
// descriptor is pollable itself, so that libuv watches that one and no thread of ours is needed.
#pragma once

#include <cstdint>

namespace chordite {

struct Ready {
  uint64_t token;
  /** Also when the connection failed: reading then tells how. */
  bool readable;
  bool writable;
  /** Bytes, as the endpoint guesses. */
  uint32_t expected = 0;
};

class Poller {
 public:
  static const char* name();

  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { shut(); }

  /** 0, or an errno. */
  [[nodiscard]] int open();
  void shut();
  [[nodiscard]] int fd() const { return fd_; }

  /** Watches a new descriptor. Closing it ends that. */
  [[nodiscard]] bool add(int fd, uint64_t token, bool read, bool write);
  /** Changes what is watched for from `was_*`. */
  void change(int fd, uint64_t token, bool was_read, bool was_write, bool read, bool write);
  /** What is ready now, without waiting. */
  [[nodiscard]] uint32_t wait(Ready* ready, uint32_t max);

 private:
  int fd_ = -1;
};

}  // namespace chordite
