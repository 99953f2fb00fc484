#include "platform.h"

#if !CHORDITE_LINUX

#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

#include "poller.h"

namespace chordite {

namespace {

// Reading and writing are two filters of one descriptor, each on or off.
struct kevent filter_event(int fd, int filter, int action, uint64_t token) {
  void* const udata = reinterpret_cast<void*>(static_cast<uintptr_t>(token));  // NOLINT: it comes back, unused
  struct kevent event;
  EV_SET(&event, static_cast<uintptr_t>(fd), static_cast<int16_t>(filter), static_cast<uint16_t>(action), 0, 0, udata);
  return event;
}

constexpr uint32_t kEventsAtOnce = 512;

}  // namespace

static_assert(sizeof(void*) == 8, "a token does not fit into a kevent here");

const char* Poller::name() { return "kqueue"; }

int Poller::open() {
  fd_ = kqueue();
  if (fd_ < 0) return errno;
  return fcntl(fd_, F_SETFD, FD_CLOEXEC) == 0 ? 0 : errno;
}

void Poller::shut() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool Poller::add(int fd, uint64_t token, bool read, bool write) {
  struct kevent changes[2];
  int count = 0;
  if (read) changes[count++] = filter_event(fd, EVFILT_READ, EV_ADD, token);
  if (write) changes[count++] = filter_event(fd, EVFILT_WRITE, EV_ADD, token);
  return kevent(fd_, changes, count, nullptr, 0, nullptr) == 0;
}

void Poller::change(int fd, uint64_t token, bool was_read, bool was_write, bool read, bool write) {
  struct kevent changes[2];
  int count = 0;
  if (was_read != read) changes[count++] = filter_event(fd, EVFILT_READ, read ? EV_ADD : EV_DELETE, token);
  if (was_write != write) changes[count++] = filter_event(fd, EVFILT_WRITE, write ? EV_ADD : EV_DELETE, token);
  if (count > 0) (void)kevent(fd_, changes, count, nullptr, 0, nullptr);
}

uint32_t Poller::wait(Ready* ready, uint32_t max) {
  struct kevent events[kEventsAtOnce];
  const timespec now{0, 0};
  const uint32_t at_once = max < kEventsAtOnce ? max : kEventsAtOnce;
  const int count = kevent(fd_, nullptr, 0, events, static_cast<int>(at_once), &now);
  for (int i = 0; i < count; ++i) {
    // EV_EOF on the write filter means that the connection broke. Reading drains what came before and then says so.
    const bool broke = events[i].filter == EVFILT_WRITE && (events[i].flags & (EV_EOF | EV_ERROR)) != 0;
    ready[i] = {static_cast<uint64_t>(reinterpret_cast<uintptr_t>(events[i].udata)),
                events[i].filter == EVFILT_READ || broke, events[i].filter == EVFILT_WRITE};
  }
  return count < 0 ? 0 : static_cast<uint32_t>(count);
}

}  // namespace chordite

#endif
