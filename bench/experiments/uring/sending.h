// In addons of the experiment: the sends of a flush are handed to the kernel together. Of the one endpoint that there
// is and as much as an echo needs: output that the kernel refuses ends it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>

#include "uring.h"

namespace chordite {

/** Sends complete while they are handed over, so that nothing waits in it. */
inline Ring& ring_of_sends() {
  static Ring ring;
  static const int error = ring_open(&ring, DEFERRED, 1024, 2048);
  if (error != 0) std::abort();
  return ring;
}

struct Send {
  int fd;
  uint32_t count;
  const uint8_t* bytes;
};
inline constexpr uint32_t kSendsMax = 512;
inline Send waiting[kSendsMax];
inline uint32_t waiting_count = 0;

/** One alone is a system call as ever. */
inline void finish_sends() {
  if (waiting_count == 1) {
    if (send(waiting[0].fd, waiting[0].bytes, waiting[0].count, MSG_NOSIGNAL) != waiting[0].count) std::abort();
    waiting_count = 0;
  }
  if (waiting_count == 0) return;
  Ring& ring = ring_of_sends();
  for (uint32_t i = 0; i < waiting_count; ++i) {
    const Send& next = waiting[i];
    io_uring_sqe* sqe = ring_prepare(&ring, IORING_OP_SEND, next.fd, next.count);
    sqe->addr = reinterpret_cast<uint64_t>(next.bytes);
    sqe->len = next.count;
    sqe->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  }
  waiting_count = 0;
  (void)ring_enter(&ring, 0, 0);
  io_uring_cqe cqe;
  while (ring_take(&ring, &cqe)) {
    if (cqe.res >= 0 && static_cast<uint64_t>(cqe.res) != cqe.user_data) std::abort();
  }
}

/** In place of send(): the bytes leave with finish_sends() and must stay until then. */
inline void send_later(int fd, const uint8_t* bytes, uint32_t count) {
  if (waiting_count == kSendsMax) finish_sends();
  waiting[waiting_count++] = {fd, count, bytes};
}

}  // namespace chordite
