// A kqueue for Linux, so that the code of the BSDs and macOS can be run there: what kqueue(2) says about the filters
// for reading and writing, over two epolls, one a filter, inside a third whose descriptor is the queue's.
//
// It wraps some calls (see as_bsd.mjs) for what the kernels do differently: closing a descriptor removes its
// filters, looking at an error (`fflags`) does not consume it, and SO_NOSIGPIPE exists.

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>

#include "bsd/sys/event.h"

extern "C" {
int __real_close(int fd);
int __real_getsockopt(int fd, int level, int name, void* value, socklen_t* size);
int __real_setsockopt(int fd, int level, int name, const void* value, socklen_t size);
ssize_t __real_recv(int fd, void* bytes, size_t count, int flags);
ssize_t __real_send(int fd, const void* bytes, size_t count, int flags);
ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
}

namespace {

constexpr int kNoSigPipe = 0x1022;  // SO_NOSIGPIPE

enum Filter { kReading, kWriting, kFilters };

struct Note {
  void* udata;
  uint16_t flags;
  bool enabled;
};

struct Queue {
  int epolls[kFilters];
  /** By descriptor. */
  std::map<int, Note> notes[kFilters];
  /** Which filter is asked first the next time: neither may starve the other. */
  Filter first = kReading;
};

/** What Linux's sockets have no place for. */
struct Extra {
  bool no_sigpipe = false;
  int error = 0;
};

std::mutex mutex;
std::map<int, Queue> queues;
std::map<int, Extra> extras;

template <typename Value>
Value option(int fd, int level, int name) {
  Value value{};
  socklen_t size = sizeof value;
  (void)__real_getsockopt(fd, level, name, &value, &size);
  return value;
}

int asked(int fd, unsigned long what) {
  int value = 0;
  (void)ioctl(fd, what, &value);
  return value;
}

/** Linux's SO_ERROR can be read once. Kept here until recv or getsockopt ask for it, as so_error is. */
int error_of(int fd) {
  const int error = option<int>(fd, SOL_SOCKET, SO_ERROR);
  if (error != 0) extras[fd].error = error;
  const auto found = extras.find(fd);
  return found == extras.end() ? 0 : found->second.error;
}

int take_error(int fd) {
  const int error = error_of(fd);
  if (error != 0) extras[fd].error = 0;
  return error;
}

/** Registers a note with its epoll, or removes it from there while it is disabled. 0, or an errno. */
int arm(Queue& queue, Filter filter, int fd, const Note& note) {
  epoll_event event{};
  event.events = filter == kReading ? uint32_t{EPOLLIN | EPOLLRDHUP} : uint32_t{EPOLLOUT};
  if ((note.flags & EV_CLEAR) != 0) event.events |= EPOLLET;
  event.data.fd = fd;
  if (!note.enabled) {
    (void)epoll_ctl(queue.epolls[filter], EPOLL_CTL_DEL, fd, nullptr);
    return fcntl(fd, F_GETFD) < 0 ? errno : 0;
  }
  if (epoll_ctl(queue.epolls[filter], EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  if (errno != EEXIST) return errno;
  return epoll_ctl(queue.epolls[filter], EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void remove(Queue& queue, Filter filter, int fd) {
  if (queue.notes[filter].erase(fd) > 0) (void)epoll_ctl(queue.epolls[filter], EPOLL_CTL_DEL, fd, nullptr);
}

/** 0, or an errno. */
int apply(Queue& queue, const struct kevent& change) {
  constexpr int kKnown = EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE | EV_ONESHOT | EV_CLEAR | EV_RECEIPT;
  if ((change.flags & ~kKnown) != 0) return EINVAL;
  if (change.filter != EVFILT_READ && change.filter != EVFILT_WRITE) return EINVAL;
  const Filter filter = change.filter == EVFILT_READ ? kReading : kWriting;
  const int fd = static_cast<int>(change.ident);
  if (fcntl(fd, F_GETFD) < 0) return EBADF;

  auto& notes = queue.notes[filter];
  const auto found = notes.find(fd);
  if ((change.flags & EV_ADD) == 0 && found == notes.end()) return ENOENT;
  if ((change.flags & EV_DELETE) != 0) {
    remove(queue, filter, fd);
    return 0;
  }
  Note note = found == notes.end() ? Note{} : found->second;
  if ((change.flags & EV_ADD) != 0) {
    note = {change.udata, static_cast<uint16_t>(change.flags & (EV_CLEAR | EV_ONESHOT)), true};
  }
  if ((change.flags & EV_ENABLE) != 0) note.enabled = true;
  if ((change.flags & EV_DISABLE) != 0) note.enabled = false;
  const int error = arm(queue, filter, fd, note);
  if (error == 0) notes[fd] = note;
  return error;
}

bool is_listening(int fd) { return option<int>(fd, SOL_SOCKET, SO_ACCEPTCONN) != 0; }

/** Whether our side has said that it sends no more. */
bool is_shut(int fd) {
  const auto info = option<tcp_info>(fd, IPPROTO_TCP, TCP_INFO);
  return info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_FIN_WAIT2 || info.tcpi_state == TCP_CLOSING ||
         info.tcpi_state == TCP_LAST_ACK || info.tcpi_state == TCP_TIME_WAIT;
}

/** Reading: bytes there are, or connections that wait; EV_EOF once the other end sends no more. */
void fill_reading(struct kevent& event, int fd, uint32_t bits) {
  if (is_listening(fd)) {
    const auto waiting = option<tcp_info>(fd, IPPROTO_TCP, TCP_INFO).tcpi_unacked;
    event.data = waiting > 0 ? waiting : 1;  // under qemu-user nobody says how many
    return;
  }
  event.data = asked(fd, FIONREAD);
  if ((bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  event.flags |= EV_EOF;
  event.fflags = static_cast<uint32_t>(error_of(fd));
}

/** Writing: room there is; EV_EOF once nothing more can be sent. */
void fill_writing(struct kevent& event, int fd, uint32_t bits) {
  const int room = option<int>(fd, SOL_SOCKET, SO_SNDBUF) - asked(fd, SIOCOUTQ);
  event.data = room > 0 ? room : 0;
  if ((bits & (EPOLLHUP | EPOLLERR)) == 0 && !is_shut(fd)) return;
  event.flags |= EV_EOF;
  event.fflags = static_cast<uint32_t>(error_of(fd));
}

/** At most `max` events of one filter, oldest first: epoll puts what stays ready at the end of its list, as kqueue
 * does. */
int gather(Queue& queue, Filter filter, struct kevent* events, int max) {
  constexpr int kAtOnce = 512;
  epoll_event ready[kAtOnce];
  int count = epoll_wait(queue.epolls[filter], ready, max < kAtOnce ? max : kAtOnce, 0);
  for (int i = 0; i < count; ++i) {
    const int fd = ready[i].data.fd;
    const Note note = queue.notes[filter].at(fd);
    EV_SET(&events[i], static_cast<uintptr_t>(fd), filter == kReading ? EVFILT_READ : EVFILT_WRITE,
           static_cast<uint16_t>(note.flags | EV_ADD), 0, 0, note.udata);
    if (filter == kReading) fill_reading(events[i], fd, ready[i].events);
    if (filter == kWriting) fill_writing(events[i], fd, ready[i].events);
    if ((note.flags & EV_ONESHOT) != 0) remove(queue, filter, fd);
  }
  return count < 0 ? 0 : count;
}

}  // namespace

extern "C" {

int kqueue() {
  Queue queue{};
  const int fd = epoll_create1(0);
  for (int& epoll : queue.epolls) epoll = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0 || queue.epolls[kReading] < 0 || queue.epolls[kWriting] < 0) {
    const int error = errno;
    for (const int one : {fd, queue.epolls[kReading], queue.epolls[kWriting]}) {
      if (one >= 0) __real_close(one);
    }
    errno = error;
    return -1;
  }
  for (const int epoll : queue.epolls) {
    epoll_event event{};
    event.events = EPOLLIN;
    (void)epoll_ctl(fd, EPOLL_CTL_ADD, epoll, &event);
  }
  const std::lock_guard guard(mutex);
  queues[fd] = queue;
  return fd;
}

int kevent(int fd, const struct kevent* changes, int change_count, struct kevent* events, int event_count,
           const timespec* timeout) {
  std::unique_lock guard(mutex);
  const auto found = queues.find(fd);
  if (found == queues.end()) {
    errno = EBADF;
    return -1;
  }
  Queue& queue = found->second;
  int reports = 0;
  for (int i = 0; i < change_count; ++i) {
    const int error = apply(queue, changes[i]);
    if (error == 0 && (changes[i].flags & EV_RECEIPT) == 0) continue;
    if (reports == event_count) {
      // Without room for the report the rest of the changes is not looked at.
      errno = error;
      return error == 0 ? 0 : -1;
    }
    events[reports] = changes[i];
    events[reports].flags = EV_ERROR;
    events[reports++].data = error;
  }
  if (reports > 0 || event_count == 0) return reports;

  if (timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0) {
    guard.unlock();
    pollfd waiting{fd, POLLIN, 0};
    (void)poll(&waiting, 1,
               timeout == nullptr ? -1 : static_cast<int>(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000));
    guard.lock();
  }
  const Filter first = queue.first;
  const Filter second = first == kReading ? kWriting : kReading;
  queue.first = second;
  const int count = gather(queue, first, events, event_count);
  return count == event_count ? count : count + gather(queue, second, events + count, event_count - count);
}

int __wrap_close(int fd) {
  {
    const std::lock_guard guard(mutex);
    for (auto& [queue_fd, queue] : queues) {
      for (const Filter filter : {kReading, kWriting}) remove(queue, filter, fd);
    }
    if (const auto found = queues.find(fd); found != queues.end()) {
      for (const int epoll : found->second.epolls) __real_close(epoll);
      queues.erase(found);
    }
    extras.erase(fd);
  }
  return __real_close(fd);
}

int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  if (level != SOL_SOCKET || name != SO_ERROR) return __real_getsockopt(fd, level, name, value, size);
  const std::lock_guard guard(mutex);
  *static_cast<int*>(value) = take_error(fd);
  return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  if (level != SOL_SOCKET || name != kNoSigPipe) return __real_setsockopt(fd, level, name, value, size);
  const std::lock_guard guard(mutex);
  extras[fd].no_sigpipe = *static_cast<const int*>(value) != 0;
  return 0;
}

/** What has come is read before the error is told. */
ssize_t __wrap_recv(int fd, void* bytes, size_t count, int flags) {
  const ssize_t got = __real_recv(fd, bytes, count, flags);
  if (got > 0 || (got < 0 && errno != EAGAIN)) return got;
  const int before = errno;
  const std::lock_guard guard(mutex);
  const int error = take_error(fd);
  errno = error != 0 ? error : before;
  return error != 0 ? -1 : got;
}

/** Without SO_NOSIGPIPE a broken connection kills the process, as it should. */
ssize_t __wrap_send(int fd, const void* bytes, size_t count, int flags) {
  std::unique_lock guard(mutex);
  const auto found = extras.find(fd);
  const bool quiet = found != extras.end() && found->second.no_sigpipe;
  guard.unlock();
  return __real_send(fd, bytes, count, flags | (quiet ? MSG_NOSIGNAL : 0));
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  std::unique_lock guard(mutex);
  const auto found = extras.find(fd);
  const bool quiet = found != extras.end() && found->second.no_sigpipe;
  guard.unlock();
  return __real_sendmsg(fd, message, flags | (quiet ? MSG_NOSIGNAL : 0));
}

}  // extern "C"
