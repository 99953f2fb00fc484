/*
 * The load: keeps `outstanding` requests in flight on each of `connections`, and says what they cost the server. One program for every contestant, so that the generator is the same for all and never the limit.
 *
 *   load PORT SERVER_PID PROTOCOL BODY_BYTES CONNECTIONS OUTSTANDING WARMUP_MS WINDOW_MS [HELLO]
 *
 * PROTOCOL: frame      32-byte header and body as our frames; after HELLO, in hex, if given (ours want one,
 *                      servers that echo a stream do not)
 *           websocket  binary messages
 *
 * The server's CPU is its process clock (user and system time of all threads, as in getrusage, but readable from here
 * at the exact ends of the window). Every reply's number is checked. Prints one line of JSON; `totalCpuMs` is what both
 * processes used from before the first connection on.
 */
#define _GNU_SOURCE
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

enum { EVENTS_MAX = 1024, CHUNK_BYTES = 65536, OUTSTANDING_MAX = 512, BODY_BYTES_MAX = 4096, BATCHES_MAX = 512 };
enum { REQUEST_BYTES_MAX = BODY_BYTES_MAX + 32 };
enum { BUCKETS_PER_OCTAVE = 16, BUCKETS = 40 * BUCKETS_PER_OCTAVE };

typedef struct {
  size_t request_bytes, reply_bytes;
  size_t request_number_at, reply_number_at;
  unsigned char request[REQUEST_BYTES_MAX];
} Protocol;

typedef struct {
  uint64_t at_ns;
  uint32_t requests;
} Batch;

typedef struct {
  int fd;
  uint32_t next_request, next_reply;
  size_t partial_bytes;
  unsigned char partial[REQUEST_BYTES_MAX];
  Batch batches[BATCHES_MAX]; /* requests in flight, by the write that carried them; oldest first, a ring */
  uint32_t oldest, newest;
} Connection;

static Protocol protocol;
static uint64_t latencies[BUCKETS];
static uint64_t replies;

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
  exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) < 0) die("clock_gettime");
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put_u32(unsigned char *at, uint32_t value) { memcpy(at, &value, sizeof value); }

static void write_all(int fd, const void *bytes, size_t count) {
  /* Blocks while the server is behind. What is in flight fits the buffers of both, so it never waits for us meanwhile. */
  if (write(fd, bytes, count) != (ssize_t)count) die("short write");
}

static void read_exactly(int fd, unsigned char *into, size_t count) {
  while (count > 0) {
    ssize_t got = read(fd, into, count);
    if (got <= 0) die("the server closed while greeting");
    into += got;
    count -= (size_t)got;
  }
}

/* ---- protocols ---- */

enum { HELLO_BYTES_MAX = 1024, HEADER_BYTES = 32, AT_TYPE = 4, AT_REQUEST = 8, AT_VERSION = 17 };

static void frame_header(unsigned char *at, uint32_t length, unsigned char type) {
  memset(at, 0, HEADER_BYTES);
  put_u32(at, length);
  at[AT_TYPE] = type;
  at[AT_VERSION] = 1;
}

static void use_frames(size_t body_bytes) {
  size_t bytes = HEADER_BYTES + body_bytes;
  protocol = (Protocol){.request_bytes = bytes, .reply_bytes = bytes, .request_number_at = AT_REQUEST, .reply_number_at = AT_REQUEST};
  frame_header(protocol.request, (uint32_t)bytes, 66);
  memset(protocol.request + HEADER_BYTES, 'x', body_bytes);
}

static void use_websocket(size_t body_bytes) {
  /* A client must mask; with a mask of zero the masked bytes are the bytes, and the server's work is the same. */
  size_t header = body_bytes < 126 ? 2 : 4, mask = 4;
  protocol = (Protocol){.request_bytes = header + mask + body_bytes, .reply_bytes = header + body_bytes};
  protocol.request_number_at = header + mask, protocol.reply_number_at = header;
  protocol.request[0] = 0x82;
  protocol.request[1] = (unsigned char)(0x80 | (header == 2 ? body_bytes : 126));
  if (header == 4) protocol.request[2] = (unsigned char)(body_bytes >> 8), protocol.request[3] = (unsigned char)body_bytes;
  memset(protocol.request + header + mask, 'x', body_bytes);
}

static unsigned char hello[HELLO_BYTES_MAX];
static size_t hello_bytes;

static void read_hello(const char *hex) {
  for (; hex[0] && hello_bytes < HELLO_BYTES_MAX; hex += 2) {
    unsigned byte;
    if (sscanf(hex, "%2x", &byte) != 1) die("bad hello");
    hello[hello_bytes++] = (unsigned char)byte;
  }
}

/* The echo server echoes the hello too. */
static void greet_with_hello(int fd) {
  unsigned char answer[HELLO_BYTES_MAX];
  write_all(fd, hello, hello_bytes);
  read_exactly(fd, answer, hello_bytes);
}

static void greet_with_upgrade(int fd) {
  static const char upgrade[] =
      "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  write_all(fd, upgrade, sizeof upgrade - 1);
  for (uint32_t last = 0; last != 0x0d0a0d0a;) {
    unsigned char byte;
    read_exactly(fd, &byte, 1);
    last = last << 8 | byte;
  }
}

/* ---- connections ---- */

static void connect_to(Connection *connection, int port, void (*greet)(int)) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) die("socket");
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (greet) greet(connection->fd);
}

static void send_requests(Connection *connection, uint32_t count, uint64_t now_ns) {
  static unsigned char chunk[OUTSTANDING_MAX * REQUEST_BYTES_MAX];
  unsigned char *at = chunk;
  for (uint32_t i = 0; i < count; i++, at += protocol.request_bytes) {
    memcpy(at, protocol.request, protocol.request_bytes);
    put_u32(at + protocol.request_number_at, connection->next_request++);
  }
  write_all(connection->fd, chunk, (size_t)(at - chunk));
  connection->batches[connection->newest++ % BATCHES_MAX] = (Batch){now_ns, count};
}

static unsigned bucket_of(uint64_t ns) {
  unsigned octave = ns < 16 ? 0 : 63u - (unsigned)__builtin_clzll(ns);
  unsigned step = octave < 4 ? 0 : (unsigned)(ns >> (octave - 4)) & 15;
  unsigned bucket = octave * BUCKETS_PER_OCTAVE + step;
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double ns_of(unsigned bucket) {
  unsigned octave = bucket / BUCKETS_PER_OCTAVE, step = bucket % BUCKETS_PER_OCTAVE;
  return (double)(1ull << octave) * (1 + (step + 0.5) / BUCKETS_PER_OCTAVE);
}

static void count_latency(Connection *connection, uint32_t count, uint64_t now_ns) {
  while (count > 0) {
    Batch *batch = &connection->batches[connection->oldest % BATCHES_MAX];
    uint32_t answered = count < batch->requests ? count : batch->requests;
    latencies[bucket_of(now_ns - batch->at_ns)] += answered;
    batch->requests -= answered;
    count -= answered;
    if (batch->requests == 0) connection->oldest++;
  }
}

static void check(Connection *connection, const unsigned char *reply) {
  uint32_t number;
  memcpy(&number, reply + protocol.reply_number_at, sizeof number);
  if (number != connection->next_reply++) {
    fprintf(stderr, "load: reply %u instead of %u\n", number, connection->next_reply - 1);
    exit(1);
  }
}

static void receive(Connection *connection) {
  static unsigned char chunk[CHUNK_BYTES + REQUEST_BYTES_MAX];
  memcpy(chunk, connection->partial, connection->partial_bytes);
  ssize_t got = recv(connection->fd, chunk + connection->partial_bytes, CHUNK_BYTES, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die("the server closed a connection");
  size_t have = connection->partial_bytes + (size_t)got;
  uint32_t complete = (uint32_t)(have / protocol.reply_bytes);
  for (uint32_t i = 0; i < complete; i++) check(connection, chunk + i * protocol.reply_bytes);
  connection->partial_bytes = have - complete * protocol.reply_bytes;
  memcpy(connection->partial, chunk + complete * protocol.reply_bytes, connection->partial_bytes);
  if (complete == 0) return;
  uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  count_latency(connection, complete, now_ns);
  replies += complete;
  send_requests(connection, complete, now_ns);
}

/* ---- the run ---- */

static void run_for(int poller, uint64_t until_ns) {
  while (clock_ns(CLOCK_MONOTONIC) < until_ns) {
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller, events, EVENTS_MAX, 100);
    for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
  }
}

static double percentile_us(double share) {
  uint64_t total = 0, seen = 0;
  for (unsigned i = 0; i < BUCKETS; i++) total += latencies[i];
  for (unsigned i = 0; i < BUCKETS; i++) {
    seen += latencies[i];
    if ((double)seen >= share * (double)total) return ns_of(i) / 1000;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 9 && argc != 10) {
    fprintf(stderr,
            "usage: load PORT SERVER_PID PROTOCOL BODY_BYTES CONNECTIONS OUTSTANDING WARMUP_MS WINDOW_MS [HELLO]\n");
    return 2;
  }
  int port = atoi(argv[1]), body_bytes = atoi(argv[4]), connections = atoi(argv[5]), outstanding = atoi(argv[6]);
  uint64_t warmup_ns = strtoull(argv[7], NULL, 10) * 1000000u, window_ns = strtoull(argv[8], NULL, 10) * 1000000u;
  void (*greet)(int) = NULL;
  /* The number takes 4 bytes of a WebSocket body, and frames are padded to 8. */
  if (body_bytes < 8 || body_bytes > BODY_BYTES_MAX || body_bytes % 8 != 0) die("bad arguments");
  if (connections < 1 || outstanding < 1 || outstanding > OUTSTANDING_MAX) die("bad arguments");
  if (argc == 10) read_hello(argv[9]);
  if (!strcmp(argv[3], "websocket")) use_websocket((size_t)body_bytes), greet = greet_with_upgrade;
  else use_frames((size_t)body_bytes), greet = hello_bytes > 0 ? greet_with_hello : NULL;

  clockid_t server_clock;
  if ((errno = clock_getcpuclockid(atoi(argv[2]), &server_clock))) die("the server's CPU clock");
  uint64_t server_before_ns = clock_ns(server_clock);
  int poller = epoll_create1(EPOLL_CLOEXEC);
  Connection *all = calloc((size_t)connections, sizeof *all);
  if (poller < 0 || !all) die("setup");
  for (int i = 0; i < connections; i++) {
    connect_to(&all[i], port, greet);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, all[i].fd, &event) < 0) die("epoll_ctl");
  }
  uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
  for (int i = 0; i < connections; i++) send_requests(&all[i], (uint32_t)outstanding, start_ns);

  run_for(poller, start_ns + warmup_ns);
  memset(latencies, 0, sizeof latencies);
  replies = 0;
  uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC), server_ns = clock_ns(server_clock);
  uint64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  run_for(poller, begin_ns + window_ns);
  server_ns = clock_ns(server_clock) - server_ns;
  own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
  uint64_t wall_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;

  uint64_t total_ns = clock_ns(server_clock) - server_before_ns + clock_ns(CLOCK_PROCESS_CPUTIME_ID);

  printf("{\"requests\":%llu,\"wallMs\":%.3f,\"serverCpuMs\":%.3f,\"loadCpuMs\":%.3f,\"totalCpuMs\":%.3f,",
         (unsigned long long)replies, wall_ns / 1e6, server_ns / 1e6, own_ns / 1e6, total_ns / 1e6);
  printf("\"p50Us\":%.1f,\"p99Us\":%.1f}\n", percentile_us(0.5), percentile_us(0.99));
  return 0;
}
