// Takes the place of native/poller_epoll.cc in the addon of the experiment. libuv watches the ring's descriptor; what
// is ready stands in the ring by the time it calls, so that wait() is no system call.

#include <poll.h>

#include "poller.h"

namespace chordite {

namespace {

constexpr uint64_t kListener = UINT64_MAX;
/** No token: generations begin at 1. */
constexpr uint64_t kNobody = 1;

}  // namespace

const char* Poller::name() { return "io_uring"; }

int Poller::open() {
  const int error = ring_open(&ring_, COOPERATIVE, 1024, 8192);
  fd_ = error == 0 ? ring_.fd : -1;
  return error;
}

void Poller::shut() {
  if (fd_ >= 0) ring_close(&ring_);
  fd_ = -1;
}

bool Poller::add(int fd, uint64_t token, bool read, bool write) {
  if (token == kListener) listener_ = fd;
  watch(fd, token, read, write);
  submit();
  return true;
}

void Poller::change(int fd, uint64_t token, bool was_read, bool was_write, bool read, bool write) {
  if (was_read == read && was_write == write) return;
  forget(token);
  watch(fd, token, read, write);
  submit();
}

uint32_t Poller::wait(Ready* ready, uint32_t max) {
  uint32_t count = 0;
  io_uring_cqe cqe;
  while (count < max && ring_take(&ring_, &cqe)) {
    if (cqe.user_data == kNobody || cqe.res < 0) continue;
    const auto bits = static_cast<uint32_t>(cqe.res);
    ready[count++] = {cqe.user_data, (bits & (POLLIN | POLLHUP | POLLERR)) != 0,
                      (bits & (POLLOUT | POLLHUP | POLLERR)) != 0};
    // More may wait than are accepted at once: what is there now is told of once more.
    if (cqe.user_data == kListener) {
      forget(kListener);
      watch(listener_, kListener, true, false);
    } else if ((bits & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      forget(cqe.user_data);
    }
  }
  submit();
  return count;
}

void Poller::watch(int fd, uint64_t token, bool read, bool write) {
  io_uring_sqe* sqe = ring_prepare(&ring_, IORING_OP_POLL_ADD, fd, token);
  sqe->poll32_events = (read ? uint32_t{POLLIN | POLLRDHUP} : 0) | (write ? uint32_t{POLLOUT} : 0);
  sqe->len = IORING_POLL_ADD_MULTI;
}

void Poller::forget(uint64_t token) {
  io_uring_sqe* sqe = ring_prepare(&ring_, IORING_OP_POLL_REMOVE, -1, kNobody);
  sqe->addr = token;
}

void Poller::submit() {
  if (ring_.prepared > 0) (void)ring_enter(&ring_, 0, 0);
}

}  // namespace chordite
