/*
 * The limit of forwarding: what it costs a process that does nothing else to look at each frame and hand it to one of sixteen next nodes
 * by the first four bits of its key, with one write a wake-up and node. Prints its port and runs until it is killed.
 *
 *   relay SINK_PORT      dials 127.0.0.1 to 127.0.0.16 there
 */
#include "common.h"

#include <poll.h>

enum { SINKS = 16, OUT_BYTES = 1 << 20, SOURCES_MAX = 256, AT_KEY = 32 };

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
    watch(poller, fd, source);
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
    uint32_t length = u32(chunk + at);
    size_t bytes = padded(length);
    if (length < HEADER_BYTES || length > 65536 || chunk[at + AT_VERSION] != 1) exit(1);
    if (have - at < bytes) break;
    pass_on(chunk + at, bytes);
    at += bytes;
  }
  source->partial_bytes = have - at;
  memcpy(source->partial, chunk + at, source->partial_bytes);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  for (int i = 0; i < SINKS; i++) sinks[i] = connect_to_loopback((unsigned)i, atoi(argv[1]));
  int listener = listen_and_say(INADDR_LOOPBACK, SOCK_NONBLOCK);
  int poller = make_poller();
  watch(poller, listener, NULL);
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
