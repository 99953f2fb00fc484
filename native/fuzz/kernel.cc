#include "kernel.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <deque>

#include "reference.h"

namespace chordite::kernel {

namespace {

/** Above any descriptor that the process really has. */
constexpr int kFirst = 1 << 20;
constexpr int kEpoll = kFirst - 1;

/** A deque, because tests hold references while sockets are added. */
std::deque<Socket> all;
std::deque<uint32_t> knocking;
std::deque<int> accept_errors;
bool epoll_open = false;
bool socket_refused = false;
uint32_t turn = 0;

int fail(int error) {
  errno = error;
  return -1;
}

bool is_ours(int fd) { return fd >= kEpoll; }

/** Any use of a descriptor that is closed ends the run: in a real process it could be somebody else's by then. */
Socket& at(int fd) {
  REQUIRE(fd >= kFirst && static_cast<size_t>(fd - kFirst) < all.size());
  Socket& socket = all[static_cast<size_t>(fd - kFirst)];
  REQUIRE(socket.open);
  return socket;
}

uint32_t add() {
  all.emplace_back();
  return static_cast<uint32_t>(all.size() - 1);
}

ssize_t take(Socket& socket, const uint8_t* bytes, size_t count) {
  const size_t taken = std::min<size_t>(count, socket.room);
  socket.outbox.insert(socket.outbox.end(), bytes, bytes + taken);
  socket.room -= static_cast<uint32_t>(taken);
  return static_cast<ssize_t>(taken);
}

/** 0, or what send fails with. */
int send_error(const Socket& socket) {
  REQUIRE(!socket.connecting && !socket.listening);
  if (socket.reset || socket.shut_for_writing) return EPIPE;
  return socket.room == 0 ? EAGAIN : 0;
}

}  // namespace

bool Socket::readable() const {
  if (listening) return !knocking.empty() || !accept_errors.empty();
  return !connecting && (unread() > 0 || ended || reset || connect_error != 0);
}

bool Socket::writable() const { return !connecting && !listening && (room > 0 || reset || connect_error != 0); }

void reset() {
  all.clear();
  knocking.clear();
  accept_errors.clear();
  epoll_open = false;
  socket_refused = false;
  turn = 0;
}

uint32_t open_descriptors() {
  return static_cast<uint32_t>(epoll_open) +
         static_cast<uint32_t>(std::count_if(all.begin(), all.end(), [](const Socket& s) { return s.open; }));
}

uint32_t sockets() { return static_cast<uint32_t>(all.size()); }

Socket& socket_at(uint32_t index) { return all[index]; }

uint32_t knock() {
  knocking.push_back(add());
  return knocking.back();
}

void refuse_accept(int error) { accept_errors.push_back(error); }

void refuse_socket() { socket_refused = true; }

}  // namespace chordite::kernel

using chordite::kernel::Socket;
namespace kernel = chordite::kernel;

// NOLINTBEGIN(bugprone-reserved-identifier): the names that --wrap looks for.
extern "C" {

int __real_close(int fd);

int __wrap_socket(int, int type, int) {
  REQUIRE((type & SOCK_NONBLOCK) != 0 && (type & SOCK_CLOEXEC) != 0);
  if (kernel::socket_refused) {
    kernel::socket_refused = false;
    return kernel::fail(EMFILE);
  }
  const uint32_t index = kernel::add();
  kernel::all[index].open = true;
  return kernel::kFirst + static_cast<int>(index);
}

int __wrap_connect(int fd, const sockaddr*, socklen_t) {
  kernel::at(fd).connecting = true;
  return kernel::fail(EINPROGRESS);
}

int __wrap_bind(int fd, const sockaddr*, socklen_t) {
  (void)kernel::at(fd);
  return 0;
}

int __wrap_listen(int fd, int) {
  kernel::at(fd).listening = true;
  return 0;
}

int __wrap_getsockname(int fd, sockaddr* address, socklen_t* size) {
  (void)kernel::at(fd);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(4000);
  std::memcpy(address, &in, sizeof in);
  *size = sizeof in;
  return 0;
}

int __wrap_setsockopt(int fd, int, int, const void*, socklen_t) {
  (void)kernel::at(fd);
  return 0;
}

int __wrap_getsockopt(int fd, int, int option, void* value, socklen_t* size) {
  REQUIRE(option == SO_ERROR && *size == sizeof(int));
  std::memcpy(value, &kernel::at(fd).connect_error, sizeof(int));
  return 0;
}

int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  REQUIRE(kernel::at(fd).listening && (flags & SOCK_NONBLOCK) != 0 && (flags & SOCK_CLOEXEC) != 0);
  if (!kernel::accept_errors.empty()) {
    const int error = kernel::accept_errors.front();
    kernel::accept_errors.pop_front();
    return kernel::fail(error);
  }
  if (kernel::knocking.empty()) return kernel::fail(EAGAIN);
  const uint32_t index = kernel::knocking.front();
  kernel::knocking.pop_front();
  kernel::all[index].open = true;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  in.sin_port = htons(static_cast<uint16_t>(index));
  std::memcpy(address, &in, sizeof in);
  *size = sizeof in;
  return kernel::kFirst + static_cast<int>(index);
}

ssize_t __wrap_recv(int fd, void* bytes, size_t count, int) {
  Socket& socket = kernel::at(fd);
  REQUIRE(count > 0);
  if (socket.reset || socket.connect_error != 0) return kernel::fail(ECONNRESET);
  const size_t got = std::min<size_t>({count, socket.unread(), socket.read_max});
  if (got == 0) return socket.ended || socket.shut_for_writing ? 0 : kernel::fail(EAGAIN);
  std::memcpy(bytes, socket.inbox.data() + socket.inbox_at, got);
  socket.inbox_at += got;
  return static_cast<ssize_t>(got);
}

ssize_t __wrap_send(int fd, const void* bytes, size_t count, int flags) {
  Socket& socket = kernel::at(fd);
  REQUIRE(count > 0 && (flags & MSG_NOSIGNAL) != 0);
  if (const int error = kernel::send_error(socket); error != 0) return kernel::fail(error);
  return kernel::take(socket, static_cast<const uint8_t*>(bytes), count);
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  Socket& socket = kernel::at(fd);
  REQUIRE(message->msg_iovlen > 0 && message->msg_iovlen <= 1024 && (flags & MSG_NOSIGNAL) != 0);
  if (const int error = kernel::send_error(socket); error != 0) return kernel::fail(error);
  ssize_t sent = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    const iovec& piece = message->msg_iov[i];
    sent += kernel::take(socket, static_cast<const uint8_t*>(piece.iov_base), piece.iov_len);
  }
  return sent;
}

int __wrap_shutdown(int fd, int how) {
  Socket& socket = kernel::at(fd);
  socket.shut_for_writing = true;
  if (how == SHUT_RDWR) socket.ended = true;
  return 0;
}

int __wrap_close(int fd) {
  if (!kernel::is_ours(fd)) return __real_close(fd);
  if (fd == kernel::kEpoll) {
    REQUIRE(kernel::epoll_open);
    kernel::epoll_open = false;
    return 0;
  }
  Socket& socket = kernel::at(fd);
  socket.open = false;
  socket.watched = false;
  return 0;
}

int __wrap_epoll_create1(int flags) {
  REQUIRE((flags & EPOLL_CLOEXEC) != 0 && !kernel::epoll_open);
  kernel::epoll_open = true;
  return kernel::kEpoll;
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  REQUIRE(epoll == kernel::kEpoll && kernel::epoll_open);
  Socket& socket = kernel::at(fd);
  REQUIRE(socket.watched == (operation == EPOLL_CTL_MOD));
  socket.watched = true;
  socket.interest = event->events;
  socket.token = event->data.u64;
  return 0;
}

/** Starts with another socket each time, as the real one does. */
int __wrap_epoll_wait(int epoll, epoll_event* events, int max, int timeout) {
  REQUIRE(epoll == kernel::kEpoll && kernel::epoll_open && timeout == 0);
  int count = 0;
  const auto sockets = static_cast<uint32_t>(kernel::all.size());
  ++kernel::turn;
  for (uint32_t i = 0; i < sockets && count < max; ++i) {
    const Socket& socket = kernel::all[(i + kernel::turn) % sockets];
    if (!socket.open || !socket.watched) continue;
    uint32_t ready = 0;
    if (socket.readable()) ready |= EPOLLIN;
    if (socket.writable()) ready |= EPOLLOUT;
    ready &= socket.interest;
    if (socket.reset || socket.connect_error != 0) ready |= EPOLLERR | EPOLLHUP;
    if (ready == 0) continue;
    events[count].events = ready;
    events[count++].data.u64 = socket.token;
  }
  return count;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
