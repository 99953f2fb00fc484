/*
 * The limit of forwarding: what it costs a process that does nothing else to look at each frame and hand it to one of sixteen next nodes
 * by the first four bits of its key, with one write a wake-up and node. Prints its port and runs until it is killed.
 *
 *   relay SINK_PORT      dials 127.0.0.1 to 127.0.0.16 there
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 1024, CHUNK_BYTES = 65536, SINKS = 16, OUT_BYTES = 1 << 20, SOURCES_MAX = 256 };
enum { AT_FLAGS = 6, AT_HOPS = 16, AT_VERSION = 17, AT_STEPS = 20, AT_KEY = 32, HEADER_BYTES = 32, FLAG_FINAL = 1 };

typedef struct {
  int fd;
  size_t partial_bytes;
  unsigned char partial[CHUNK_BYTES];
} Source;

static Source sources[SOURCES_MAX];
static int source_count;
static int sinks[SINKS];
static unsigned char out[SINKS][OUT_BYTES];
static size_t out_bytes[SINKS];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void no_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void accept_all(int poller, int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == ECONNABORTED) return;
      die("accept4");
    }
    if (source_count == SOURCES_MAX) exit(1);
    no_delay(fd);
    Source *source = &sources[source_count++];
    source->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  }
}

/* The sinks always read, so what does not fit now fits soon. */
static void send_out(int sink) {
  const unsigned char *at = out[sink];
  size_t left = out_bytes[sink];
  while (left > 0) {
    ssize_t put = send(sinks[sink], at, left, MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN) die("send");
    if (put > 0) at += put, left -= (size_t)put;
    struct pollfd room = {.fd = sinks[sink], .events = POLLOUT};
    if (left > 0 && poll(&room, 1, 1000) < 0) die("poll");
  }
  out_bytes[sink] = 0;
}

static void pass_on(const unsigned char *frame, size_t bytes) {
  int sink = frame[AT_KEY] >> 4;
  if (out_bytes[sink] + bytes > OUT_BYTES) send_out(sink);
  unsigned char *to = out[sink] + out_bytes[sink];
  memcpy(to, frame, bytes);
  to[AT_FLAGS] |= FLAG_FINAL;
  to[AT_HOPS]++;
  to[AT_STEPS] = 0;
  out_bytes[sink] += bytes;
}

static void receive(Source *source) {
  static unsigned char chunk[2 * CHUNK_BYTES];
  memcpy(chunk, source->partial, source->partial_bytes);
  ssize_t got = recv(source->fd, chunk + source->partial_bytes, CHUNK_BYTES, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    close(source->fd);
    return;
  }
  size_t have = source->partial_bytes + (size_t)got, at = 0;
  while (have - at >= HEADER_BYTES) {
    uint32_t length;
    memcpy(&length, chunk + at, sizeof length);
    size_t bytes = ((size_t)length + 7) & ~(size_t)7;
    if (length < HEADER_BYTES || length > 65536 || chunk[at + AT_VERSION] != 1) exit(1);
    if (have - at < bytes) break;
    pass_on(chunk + at, bytes);
    at += bytes;
  }
  source->partial_bytes = have - at;
  memcpy(source->partial, chunk + at, source->partial_bytes);
}

static void dial(int sink, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)sink);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
  no_delay(fd);
  sinks[sink] = fd;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  for (int i = 0; i < SINKS; i++) dial(i, atoi(argv[1]));
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (listener < 0) die("socket");
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
  if (listen(listener, 1024) < 0) die("listen");
  if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) die("getsockname");
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  fflush(stdout);

  int poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll");
  for (;;) {
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller, events, EVENTS_MAX, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr == NULL) accept_all(poller, listener);
      else receive(events[i].data.ptr);
    }
    for (int sink = 0; sink < SINKS; sink++) {
      if (out_bytes[sink] > 0) send_out(sink);
    }
  }
}
