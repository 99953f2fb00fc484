// Whether the fake does what kqueue(2) says: what is tested over it is worth no more than it is.

#include <netinet/in.h>
#include <poll.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sockets.h"

using namespace chordite;

namespace {

struct Queue {
  const int fd = kqueue();
  struct kevent got[8];

  ~Queue() { close(fd); }
  int change(int ident, int filter, int flags, void* udata = nullptr) const {
    struct kevent event;
    EV_SET(&event, static_cast<uintptr_t>(ident), static_cast<int16_t>(filter), static_cast<uint16_t>(flags), 0, 0,
           udata);
    return kevent(fd, &event, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
  }
  int ask() {
    const timespec now{0, 0};
    return kevent(fd, nullptr, 0, got, 8, &now);
  }
};

void filters_are_apart() {
  const Pair sockets;
  Queue queue;
  int reader = 0;
  int writer = 0;
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DELETE) == ENOENT);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ENABLE) == ENOENT);
  CHECK(queue.change(sockets.ours, EVFILT_READ, EV_ADD, &reader) == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DELETE) == ENOENT);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ADD, &writer) == 0);
  CHECK(queue.ask() == 1 && queue.got[0].udata == &writer && queue.got[0].filter == EVFILT_WRITE);
  CHECK(queue.got[0].ident == static_cast<uintptr_t>(sockets.ours) && queue.got[0].data > 0);
  CHECK(send(sockets.theirs, "abc", 3, 0) == 3);
  wait_for(sockets.ours, POLLIN);
  CHECK(queue.ask() == 2);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DISABLE) == 0);
  CHECK(queue.ask() == 1 && queue.got[0].udata == &reader && queue.got[0].data == 3);
  CHECK((queue.got[0].flags & EV_EOF) == 0);
  // Added again it is the same one, with the new word.
  CHECK(queue.change(sockets.ours, EVFILT_READ, EV_ADD, &writer) == 0);
  CHECK(queue.ask() == 1 && queue.got[0].udata == &writer);
  CHECK(queue.change(sockets.ours, EVFILT_READ, EV_DELETE) == 0);
  CHECK(queue.ask() == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ENABLE) == 0);
  CHECK(queue.ask() == 1 && queue.got[0].filter == EVFILT_WRITE);
}

void ends_and_errors() {
  Pair sockets;
  Queue queue;
  CHECK(queue.change(sockets.ours, EVFILT_READ, EV_ADD) == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(send(sockets.theirs, "abc", 3, 0) == 3);
  CHECK(shutdown(sockets.theirs, SHUT_WR) == 0);
  wait_for(sockets.ours, POLLRDHUP);
  CHECK(queue.ask() == 2);
  for (int i = 0; i < 2; ++i) {
    const bool reads = queue.got[i].filter == EVFILT_READ;
    CHECK(((queue.got[i].flags & EV_EOF) != 0) == reads && queue.got[i].fflags == 0);
    CHECK(!reads || queue.got[i].data == 3);  // what came before the end still counts
  }
  // The error is told as often as one asks, and is still there for whoever reads.
  const linger at_once{1, 0};
  CHECK(setsockopt(sockets.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  sockets.close_theirs();
  wait_for(sockets.ours, POLLHUP);
  for (int round = 0; round < 2; ++round) {
    CHECK(queue.ask() == 2);
    for (int i = 0; i < 2; ++i) {
      CHECK((queue.got[i].flags & EV_EOF) != 0 && (queue.got[i].fflags == ECONNRESET || queue.got[i].fflags == EPIPE));
    }
  }
  char bytes[8];
  CHECK(recv(sockets.ours, bytes, sizeof bytes, 0) == 3);
  CHECK(recv(sockets.ours, bytes, sizeof bytes, 0) == -1);
  CHECK(recv(sockets.ours, bytes, sizeof bytes, 0) == 0);
}

void our_own_end() {
  const Pair sockets;
  Queue queue;
  CHECK(shutdown(sockets.ours, SHUT_WR) == 0);
  CHECK(queue.change(sockets.ours, EVFILT_READ, EV_ADD) == 0);
  CHECK(queue.ask() == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(queue.ask() == 1 && queue.got[0].filter == EVFILT_WRITE && (queue.got[0].flags & EV_EOF) != 0);
}

void backlog() {
  const Pair sockets;
  Queue queue;
  CHECK(queue.change(sockets.listener, EVFILT_READ, EV_ADD) == 0);
  CHECK(queue.ask() == 0);
  const int first = start_connect(sockets.address);
  const int second = start_connect(sockets.address);
  wait_for(first, POLLOUT);
  wait_for(second, POLLOUT);
  CHECK(queue.ask() == 1 && (queue.got[0].data == 2 || queue.got[0].data == 1));
  close(first);
  close(second);
}

void once_and_edges() {
  const Pair sockets;
  Queue queue;
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ADD | EV_CLEAR) == 0);
  CHECK(queue.ask() == 1 && queue.ask() == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ADD | EV_ONESHOT) == 0);
  CHECK(queue.ask() == 1 && queue.ask() == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DELETE) == ENOENT);
}

void reports() {
  const Pair sockets;
  Queue queue;
  struct kevent changes[3];
  const auto fd = static_cast<uintptr_t>(sockets.ours);
  EV_SET(&changes[0], fd, EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, nullptr);
  EV_SET(&changes[1], fd, EVFILT_WRITE, EV_DELETE, 0, 0, nullptr);
  EV_SET(&changes[2], fd, EVFILT_WRITE, EV_ADD, 0, 0, nullptr);
  CHECK(kevent(queue.fd, changes, 3, queue.got, 8, nullptr) == 2);
  CHECK(queue.got[0].flags == EV_ERROR && queue.got[0].data == 0);
  CHECK(queue.got[1].flags == EV_ERROR && queue.got[1].data == ENOENT);
  CHECK(queue.ask() == 1);  // the third was done
  // Without room for reports an error ends the call, and what would come after it is not done.
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(kevent(queue.fd, changes + 1, 2, nullptr, 0, nullptr) == -1 && errno == ENOENT);
  CHECK(queue.ask() == 0);
  CHECK(queue.change(1000, EVFILT_READ, EV_ADD) == EBADF);
  CHECK(queue.change(sockets.ours, -7, EV_ADD) == EINVAL);
  CHECK(kevent(sockets.ours, nullptr, 0, nullptr, 0, nullptr) == -1 && errno == EBADF);
}

/** A filter belongs to a descriptor, not to the open file: it goes although the file stays open. */
void closed_are_removed() {
  Pair sockets;
  Queue queue;
  const int copy = dup(sockets.ours);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(queue.ask() == 1);
  close(sockets.ours);
  CHECK(queue.ask() == 0);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DELETE) == EBADF);
  CHECK(dup2(copy, sockets.ours) == sockets.ours);
  CHECK(queue.change(sockets.ours, EVFILT_WRITE, EV_DELETE) == ENOENT);
  close(copy);
}

void pollable() {
  const Pair sockets;
  Queue queue;
  CHECK(queue.change(sockets.ours, EVFILT_READ, EV_ADD) == 0);
  pollfd waiting{queue.fd, POLLIN, 0};
  CHECK(poll(&waiting, 1, 0) == 0);
  CHECK(send(sockets.theirs, "abc", 3, 0) == 3);
  CHECK(poll(&waiting, 1, 5000) == 1);
  char bytes[8];
  CHECK(recv(sockets.ours, bytes, sizeof bytes, 0) == 3);
  CHECK(poll(&waiting, 1, 0) == 0);
}

}  // namespace

int main() {
  filters_are_apart();
  ends_and_errors();
  our_own_end();
  backlog();
  once_and_edges();
  reports();
  closed_are_removed();
  pollable();
}
