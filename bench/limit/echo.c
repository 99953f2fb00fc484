/*
 * The limit: what an echo over TCP costs a process that does nothing else. Whole chunks are written back as
 * they were read, frames are not looked at. Prints its port and runs until it is killed.
 */
#include "common.h"

#include <poll.h>

static void accept_all(int poller, int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == ECONNABORTED) return;
      die("accept4");
    }
    no_delay(fd);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  }
}

/* Waits for a full socket buffer: with bodies of 1 KiB one takes several writes. The load reads meanwhile. */
static int write_out(int fd, const char *bytes, size_t count) {
  for (;;) {
    ssize_t put = send(fd, bytes, count, MSG_NOSIGNAL);
    if (put == (ssize_t)count) return 1;
    if (put < 0 && errno != EAGAIN) return 0;
    if (put > 0) bytes += put, count -= (size_t)put;
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (poll(&room, 1, 1000) <= 0) return 0;
  }
}

static void echo(int fd) {
  static char chunk[CHUNK_BYTES];
  ssize_t got = read(fd, chunk, sizeof chunk);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0 || !write_out(fd, chunk, (size_t)got)) close(fd);
}

int main(void) {
  int listener = listen_and_say(INADDR_LOOPBACK, SOCK_NONBLOCK);
  int poller = make_poller();
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll_ctl");
  for (;;) {
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller, events, EVENTS_MAX, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listener) accept_all(poller, listener);
      else echo(events[i].data.fd);
    }
  }
}
