#include "platform.h"

#if CHORDITE_LINUX

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "poller.h"

namespace chordite {

namespace {

epoll_event interest(uint64_t token, bool read, bool write) {
  epoll_event event{};
  event.events = (read ? uint32_t{EPOLLIN} : 0) | (write ? uint32_t{EPOLLOUT} : 0);
  event.data.u64 = token;
  return event;
}

constexpr uint32_t kEventsAtOnce = 512;

}  // namespace

const char* Poller::name() { return "epoll"; }

int Poller::open() {
  fd_ = epoll_create1(EPOLL_CLOEXEC);
  return fd_ < 0 ? errno : 0;
}

void Poller::shut() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool Poller::add(int fd, uint64_t token, bool read, bool write) {
  epoll_event event = interest(token, read, write);
  return epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::change(int fd, uint64_t token, bool was_read, bool was_write, bool read, bool write) {
  if (was_read == read && was_write == write) return;
  epoll_event event = interest(token, read, write);
  (void)epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event);
}

uint32_t Poller::wait(Ready* ready, uint32_t max) {
  epoll_event events[kEventsAtOnce];
  const uint32_t at_once = max < kEventsAtOnce ? max : kEventsAtOnce;
  const int count = epoll_wait(fd_, events, static_cast<int>(at_once), 0);
  for (int i = 0; i < count; ++i) {
    const uint32_t bits = events[i].events;
    ready[i] = {events[i].data.u64, (bits & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0,
                (bits & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0};
  }
  return count < 0 ? 0 : static_cast<uint32_t>(count);
}

}  // namespace chordite

#endif
