/*
 * The load: keeps `outstanding` requests in flight on each of `connections`, and says what they cost the server. One program for every contestant, so that the generator is the same for all and never the limit.
 *
 *   load PORT SERVER_PID PROTOCOL BODY_BYTES CONNECTIONS OUTSTANDING WARMUP_MS WINDOW_MS [HELLO]
 *
 * PROTOCOL: frame      32-byte header and body as our frames; after HELLO, in hex, if given (ours want one,
 *                      servers that echo a stream do not)
 *           websocket  binary messages
 *
 * The server's CPU is its process clock. Every reply's number is checked. Prints one line of JSON; `totalCpuMs` is what both
 * processes used from before the first connection on.
 */
#include "common.h"

enum { OUTSTANDING_MAX = 512, BODY_BYTES_MAX = 4096, BATCHES_MAX = 512 };
enum { REQUEST_BYTES_MAX = BODY_BYTES_MAX + 32 };

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

/* ---- protocols ---- */

static void frame_header(unsigned char *at, uint32_t length, unsigned char type) {
  memset(at, 0, HEADER_BYTES);
  put_u32(at, length);
  at[AT_TYPE] = type;
  at[AT_VERSION] = 1;
}

static void use_frames(size_t body_bytes) {
  size_t bytes = HEADER_BYTES + body_bytes;
  protocol = (Protocol){.request_bytes = bytes, .reply_bytes = bytes, .request_number_at = AT_REQUEST, .reply_number_at = AT_REQUEST};
  frame_header(protocol.request, (uint32_t)bytes, TYPE_REQUEST);
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

enum { HELLO_BYTES_MAX = 1024 };
static unsigned char hello[HELLO_BYTES_MAX];
static size_t hello_bytes;

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
  uint32_t number = u32(reply + protocol.reply_number_at);
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
  if (argc == 10) hello_bytes = read_hex(hello, sizeof hello, argv[9]);
  if (!strcmp(argv[3], "websocket")) use_websocket((size_t)body_bytes), greet = greet_with_upgrade;
  else use_frames((size_t)body_bytes), greet = hello_bytes > 0 ? greet_with_hello : NULL;

  clockid_t server_clock = cpu_clock_of(atoi(argv[2]));
  uint64_t server_before_ns = clock_ns(server_clock);
  int poller = make_poller();
  Connection *all = calloc((size_t)connections, sizeof *all);
  if (!all) die("memory");
  for (int i = 0; i < connections; i++) {
    all[i].fd = connect_to_loopback(0, port);
    if (greet) greet(all[i].fd);
    watch(poller, all[i].fd, &all[i]);
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
  printf("\"p50Us\":%.1f,\"p99Us\":%.1f}\n", percentile_us(latencies, 0.5), percentile_us(latencies, 0.99));
  return 0;
}
