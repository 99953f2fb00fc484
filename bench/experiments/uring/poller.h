// Takes the place of native/poller.h in the addon of the experiment: the same interface, its state is a ring.
//
// What does not fit is why this is no third poller. A multishot poll tells of what arrives, not of what is still there:
// a socket of which only a share was read would not be told of again (echoes of the experiment never leave anything).
// And it holds its socket: closing the descriptor does not close the connection, so the interface would need an end().
#pragma once

#include <cstdint>

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

 private:
  void watch(int fd, uint64_t token, bool read, bool write);
  void forget(uint64_t token);
  void submit();

  Ring ring_{};
  int fd_ = -1;
  int listener_ = -1;
};

}  // namespace chordite
