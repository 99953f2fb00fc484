/*
 * Echoes that differ from bench/limit/echo.c in when and how they write. Prints its port and runs until it is killed.
 *
 *   echo after            reads everybody who is ready, then writes: what the endpoint does
 *   echo hold POLLS US    polls again before it writes, so often, until nothing more has come (US 0) or so many microseconds are over
 *   echo zerocopy         writes at once with MSG_ZEROCOPY, and takes the kernel's notes about that
 */
#include "../../limit/common.h"
#include <linux/errqueue.h>

enum { FILES = 1024 };
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

static unsigned char kept[FILES][CHUNK_BYTES];
static size_t kept_bytes[FILES];
static int holding[2 * FILES], holding_count, zerocopy;

static void accept_one(int poller, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
  if (fd < 0) return;
  if (fd >= FILES) die("too many connections");
  no_delay(fd);
  if (zerocopy && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) < 0) die("SO_ZEROCOPY");
  kept_bytes[fd] = 0;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void take(int fd) {
  ssize_t got = recv(fd, kept[fd] + kept_bytes[fd], CHUNK_BYTES - kept_bytes[fd], 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    kept_bytes[fd] = 0;
    close(fd);
    return;
  }
  if (kept_bytes[fd] == 0) holding[holding_count++] = fd;
  kept_bytes[fd] += (size_t)got;
}

static void take_notes(int fd) {
  unsigned char control[256];
  struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
  while (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) message.msg_controllen = sizeof control;
}

static void write_held(void) {
  for (int i = 0; i < holding_count; i++) {
    int fd = holding[i];
    if (kept_bytes[fd] == 0) continue;
    ssize_t put = send(fd, kept[fd], kept_bytes[fd], MSG_NOSIGNAL | (zerocopy ? MSG_ZEROCOPY : 0));
    if (put != (ssize_t)kept_bytes[fd] && errno != EPIPE && errno != ECONNRESET) die("send");
    kept_bytes[fd] = 0;
  }
  holding_count = 0;
}

static int poll_once(int poller, int listener, int timeout_ms) {
  struct epoll_event events[EVENTS_MAX];
  int ready = epoll_wait(poller, events, EVENTS_MAX, timeout_ms);
  for (int i = 0; i < ready; i++) {
    if (events[i].events & EPOLLERR) take_notes(events[i].data.fd);
    if (events[i].data.fd == listener) accept_one(poller, listener);
    else if (events[i].events & ~(uint32_t)EPOLLERR) take(events[i].data.fd);
  }
  return ready;
}

int main(int argc, char **argv) {
  int hold = argc == 4 && !strcmp(argv[1], "hold") ? atoi(argv[2]) : 0;
  uint64_t hold_ns = hold ? strtoull(argv[3], NULL, 10) * 1000 : 0;
  zerocopy = argc > 1 && !strcmp(argv[1], "zerocopy");
  int listener = listen_and_say(INADDR_LOOPBACK, SOCK_NONBLOCK), poller = make_poller();
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll_ctl");
  for (;;) {
    poll_once(poller, listener, -1);
    uint64_t until_ns = hold_ns ? clock_ns(CLOCK_MONOTONIC) + hold_ns : 0;
    for (int i = 0; i < hold && holding_count > 0; i++) {
      if (poll_once(poller, listener, 0) == 0 && (hold_ns == 0 || clock_ns(CLOCK_MONOTONIC) >= until_ns)) break;
    }
    write_held();
  }
}
