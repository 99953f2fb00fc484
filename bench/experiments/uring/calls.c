/*
 * An echo on epoll that hands its system calls to the kernel by the dozen: all recvs of a wake-up with one io_uring_enter, all sends with
 * another. Nothing outlives the call. Prints its port and runs until it is killed.
 *
 *   calls both | sends     `sends`: recv is a system call of its own
 */
#include "../../limit/common.h"
#include "uring.h"

enum { FILES = 1024 };

static Ring ring;
static unsigned char chunks[FILES][CHUNK_BYTES + 192];
static int came[FILES];

static void prepare(uint8_t operation, int fd, uint32_t bytes) {
  struct io_uring_sqe *sqe = ring_prepare(&ring, operation, fd, (uint64_t)fd);
  sqe->addr = (uint64_t)(uintptr_t)chunks[fd];
  sqe->len = bytes;
  sqe->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
}

static void enter(void) {
  unsigned wanted = ring.prepared;
  if (wanted > 0 && ring_enter(&ring, 0, 0) != (int)wanted) die("enter");
}

static void accept_one(int poller, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (fd >= FILES) die("too many connections");
  no_delay(fd);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

int main(int argc, char **argv) {
  int both = argc > 1 && !strcmp(argv[1], "both");
  int error = ring_open(&ring, DEFERRED, 1024, 2048);
  if (error) errno = error, die("io_uring is not to be had");
  int listener = listen_and_say(INADDR_LOOPBACK, SOCK_NONBLOCK), poller = make_poller();
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll_ctl");
  for (;;) {
    struct epoll_event events[EVENTS_MAX];
    struct io_uring_cqe cqe;
    int ready = epoll_wait(poller, events, EVENTS_MAX, -1), count = 0, list[EVENTS_MAX];
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) accept_one(poller, listener);
      else if (both) prepare(IORING_OP_RECV, fd, CHUNK_BYTES);
      else came[fd] = (int)recv(fd, chunks[fd], CHUNK_BYTES, MSG_DONTWAIT), list[count++] = fd;
    }
    enter();
    while (ring_take(&ring, &cqe)) came[cqe.user_data] = cqe.res, list[count++] = (int)cqe.user_data;
    for (int i = 0; i < count; i++) {
      int fd = list[i];
      if (came[fd] > 0) prepare(IORING_OP_SEND, fd, (uint32_t)came[fd]);
      else if (came[fd] != -EAGAIN) close(fd);
    }
    enter();
    while (ring_take(&ring, &cqe)) {
      if (cqe.res > 0 && cqe.res != came[cqe.user_data]) die("a short send");
    }
  }
}
