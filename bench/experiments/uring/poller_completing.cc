// Takes the place of native/poller_epoll.cc in an addon of the experiment.

#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>

#include "poller.h"

namespace chordite {

namespace {

constexpr uint64_t kListener = UINT64_MAX;
constexpr uint16_t kGroup = 7;
constexpr uint16_t kMore = 8;

void* reserve(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

const char* Poller::name() { return "io_uring"; }

int Poller::open() {
  if (const int error = ring_open(&ring_, COOPERATIVE, 1024, 8192); error != 0) return error;
  provided_ = static_cast<io_uring_buf_ring*>(reserve(kBuffers * sizeof(io_uring_buf)));
  buffers_ = static_cast<uint8_t*>(reserve(size_t{kBuffers} * kBufferStride));
  if (provided_ == nullptr || buffers_ == nullptr) return ENOMEM;
  io_uring_buf_reg group{};
  group.ring_addr = reinterpret_cast<uint64_t>(provided_);
  group.ring_entries = kBuffers;
  group.bgid = kGroup;
  if (syscall(__NR_io_uring_register, ring_.fd, IORING_REGISTER_PBUF_RING, &group, 1) < 0) return errno;
  provide_more();
  fd_ = ring_.fd;
  return 0;
}

void Poller::shut() {
  if (fd_ >= 0) ring_close(&ring_);
  fd_ = -1;
}

bool Poller::add(int fd, uint64_t token, bool read, bool write) {
  if (!read || write) return false;
  if (token == kListener) {
    listener_ = fd;
    watch_listener();
  } else {
    const auto index = static_cast<uint32_t>(token);
    if (index >= kConnectionsMax) return false;
    fds_[index] = fd;
    came_[index].clear();
    receive_from(token);
  }
  return ring_enter(&ring_, 0, 0) >= 0;
}

void Poller::change(int, uint64_t, bool was_read, bool was_write, bool read, bool write) {
  if (was_read != read || was_write != write) std::abort();
}

uint32_t Poller::wait(Ready* ready, uint32_t max) {
  uint32_t count = 0;
  io_uring_cqe cqe;
  while (count < max && ring_take(&ring_, &cqe)) {
    const bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
    if (cqe.user_data == kListener) {
      watch_listener();
    } else if (cqe.res == -ENOBUFS) {
      provide_more();
      receive_from(cqe.user_data);
      continue;
    } else {
      const uint64_t buffer = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
      came_[static_cast<uint32_t>(cqe.user_data)].push(buffer << 32 | static_cast<uint32_t>(cqe.res));
      if (!more && cqe.res > 0) receive_from(cqe.user_data);
    }
    ready[count++] = {cqe.user_data, true, false};
  }
  if (ring_.prepared > 0) (void)ring_enter(&ring_, 0, 0);
  return count;
}

ptrdiff_t Poller::take(uint64_t token, uint8_t* into, size_t max) {
  Array<uint64_t>& came = came_[static_cast<uint32_t>(token)];
  if (came.size() == 0) return errno = EAGAIN, -1;
  const uint64_t first = came[0];
  came.drop_front(1);
  const auto result = static_cast<int32_t>(first);
  if (result < 0) return errno = -result, -1;
  if (result == 0) return 0;
  if (static_cast<size_t>(result) > max) std::abort();
  const auto buffer = static_cast<uint16_t>(first >> 32);
  std::memcpy(into, buffers_ + size_t{buffer} * kBufferStride, static_cast<size_t>(result));
  provide(buffer);
  return result;
}

void Poller::receive_from(uint64_t token) {
  io_uring_sqe* sqe = ring_prepare(&ring_, IORING_OP_RECV, fds_[static_cast<uint32_t>(token)], token);
  sqe->ioprio = IORING_RECV_MULTISHOT;
  sqe->flags = IOSQE_BUFFER_SELECT;
  sqe->buf_group = kGroup;
}

/** Told of again at once while more wait to be accepted. */
void Poller::watch_listener() {
  io_uring_sqe* sqe = ring_prepare(&ring_, IORING_OP_POLL_ADD, listener_, kListener);
  sqe->poll32_events = POLLIN;
}

void Poller::provide(uint16_t buffer) {
  const uint16_t tail = provided_->tail;
  // Not `bufs`: in C++ its place in the header's union differs.
  io_uring_buf* slot = reinterpret_cast<io_uring_buf*>(provided_) + (tail & (kBuffers - 1));
  slot->addr = reinterpret_cast<uint64_t>(buffers_ + size_t{buffer} * kBufferStride);
  slot->len = kBufferBytes;
  slot->bid = buffer;
  __atomic_store_n(&provided_->tail, static_cast<uint16_t>(tail + 1), __ATOMIC_RELEASE);
}

void Poller::provide_more() {
  for (uint16_t i = 0; i < kMore && provided_count_ < kBuffers; ++i) provide(provided_count_++);
}

}  // namespace chordite
