/* What the C programs here share: ends with a word when something fails, clocks, sockets on loopback, latencies. */
#ifndef CHORDITE_BENCH_COMMON_H
#define CHORDITE_BENCH_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SHARED static __attribute__((unused))

enum { EVENTS_MAX = 1024, CHUNK_BYTES = 65536, HEADER_BYTES = 32 };
/* Where things are in a frame. */
enum { AT_TYPE = 4, AT_FLAGS = 6, AT_REQUEST = 8, AT_REQUEST_HIGH = 12, AT_HOPS = 16, AT_VERSION = 17, AT_EXTENSIONS = 18, AT_STEPS = 20 };
enum { TYPE_HELLO = 1, TYPE_GOODBYE = 2, TYPE_REQUEST = 66, TYPE_REPLY = 67, TYPE_FAILURE = 68, FLAG_FINAL = 1 };

__attribute__((noreturn)) SHARED void die(const char *what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, errno ? strerror(errno) : "unexpected");
  exit(1);
}

/* ---- numbers and clocks ---- */

SHARED uint32_t u32(const unsigned char *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

SHARED void put_u32(unsigned char *at, uint32_t value) { memcpy(at, &value, sizeof value); }

SHARED size_t padded(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

/* Bytes of what is given in hex; nothing for "-". */
SHARED size_t read_hex(unsigned char *into, size_t bytes_max, const char *hex) {
  size_t bytes = 0;
  if (strcmp(hex, "-") == 0) return 0;
  for (; hex[0] && hex[1]; hex += 2) {
    unsigned byte;
    if (bytes == bytes_max || sscanf(hex, "%2x", &byte) != 1) die("bad hex");
    into[bytes++] = (unsigned char)byte;
  }
  return bytes;
}

SHARED uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) < 0) die("clock_gettime");
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* User and system time of all its threads, as in getrusage, but readable from here at the exact ends of a window. */
SHARED clockid_t cpu_clock_of(int pid) {
  clockid_t clock;
  if ((errno = clock_getcpuclockid(pid, &clock))) die("the CPU clock of a process");
  return clock;
}

/* ---- sockets ---- */

SHARED void no_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* To 127.0.0.1 + `host`. */
SHARED int connect_to_loopback(unsigned host, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
  no_delay(fd);
  return fd;
}

/* On a port of its own, which is printed; `flags` for the socket. */
SHARED int listen_and_say(in_addr_t host, int flags) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
  if (listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0) die("listen");
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

SHARED int make_poller(void) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) die("epoll_create1");
  return poller;
}

SHARED void watch(int poller, int fd, void *what) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

/* Blocks while the other side is behind: both are to have room for what is in flight, so it never waits for us meanwhile. */
SHARED void write_all(int fd, const void *bytes, size_t count) {
  if (send(fd, bytes, count, MSG_NOSIGNAL) != (ssize_t)count) die("short write");
}

SHARED void read_exactly(int fd, unsigned char *into, size_t count) {
  while (count > 0) {
    ssize_t got = read(fd, into, count);
    if (got <= 0) die("the other side closed");
    into += got;
    count -= (size_t)got;
  }
}

/* ---- latencies, to a sixteenth of an octave ---- */

enum { BUCKETS_PER_OCTAVE = 16, BUCKETS = 40 * BUCKETS_PER_OCTAVE };

SHARED unsigned bucket_of(uint64_t ns) {
  unsigned octave = ns < 16 ? 0 : 63u - (unsigned)__builtin_clzll(ns);
  unsigned step = octave < 4 ? 0 : (unsigned)(ns >> (octave - 4)) & 15;
  unsigned bucket = octave * BUCKETS_PER_OCTAVE + step;
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

SHARED double percentile_us(const uint64_t *counts, double share) {
  uint64_t total = 0, seen = 0;
  for (unsigned i = 0; i < BUCKETS; i++) total += counts[i];
  for (unsigned i = 0; i < BUCKETS; i++) {
    seen += counts[i];
    unsigned octave = i / BUCKETS_PER_OCTAVE, step = i % BUCKETS_PER_OCTAVE;
    if (total > 0 && (double)seen >= share * (double)total)
      return (double)(1ull << octave) * (1 + (step + 0.5) / BUCKETS_PER_OCTAVE) / 1000;
  }
  return 0;
}

#endif
