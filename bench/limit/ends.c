/*
 * Both ends of forwarding: keeps `outstanding` frames by key in flight on each of `connections` to whoever forwards, takes them back as the
 * sixteen next nodes, and says what they cost in the middle.
 *
 *   ends CONNECTIONS OUTSTANDING BODY_BYTES WARMUP_MS WINDOW_MS
 *
 * Prints the port where the next nodes are, at 127.0.0.1 to 127.0.0.16. Then reads who forwards (`PORT PID`), and hellos in hex: one
 * for each connection, one for each next node; or one "-" for who wants none. Every frame must come out at the right node, patched as
 * a hop patches it. The CPU of the middle is its process clock, read at the exact ends of the window. Prints one line of JSON.
 */
#include "common.h"

enum { SINKS = 16, SOURCES_MAX = 256, OUTSTANDING_MAX = 512, BODY_BYTES_MAX = 4096, HELLO_BYTES_MAX = 1024 };
enum { TARGET_BYTES = 32, DEADLINE_BYTES = 8, ORIGIN_BYTES = 40 + 16 };
enum { FRAME_BYTES_MAX = HEADER_BYTES + TARGET_BYTES + DEADLINE_BYTES + ORIGIN_BYTES + BODY_BYTES_MAX };
enum { AT_KEY = 32, CLASS_APPLICATION = 0x20, EXTENSIONS = 1 | 2 | 16 };
/* Who says nothing for a second or two is asked whether it lives. */
enum { SIGN_OF_LIFE_MS = 300 };

typedef struct {
  int fd, node; /* of a next node its number, else -1 */
  uint32_t credit;
  size_t partial_bytes;
  unsigned char partial[CHUNK_BYTES];
} End;

static End sources[SOURCES_MAX], sinks[SINKS];
static unsigned char frame[FRAME_BYTES_MAX];
static size_t frame_bytes;
static unsigned char hellos[SINKS][HELLO_BYTES_MAX];
static size_t hello_bytes[SINKS];
static int source_count, sink_count, with_hello, strict;
static uint64_t arrived;

static uint64_t random_word(void) {
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

static void make_frame(size_t body_bytes) {
  static const char address[] = "127.0.0.1:40000";
  uint16_t extensions = EXTENSIONS, address_bytes = sizeof address - 1;
  uint32_t deadline = 5000;
  unsigned char *origin = frame + HEADER_BYTES + TARGET_BYTES + DEADLINE_BYTES;
  frame_bytes = HEADER_BYTES + TARGET_BYTES + DEADLINE_BYTES + ORIGIN_BYTES + body_bytes;
  put_u32(frame, (uint32_t)frame_bytes);
  frame[AT_TYPE] = TYPE_REQUEST, frame[AT_FLAGS] = CLASS_APPLICATION, frame[AT_VERSION] = 1;
  memcpy(frame + AT_EXTENSIONS, &extensions, sizeof extensions);
  put_u32(frame + HEADER_BYTES + TARGET_BYTES, deadline);
  memcpy(origin, &address_bytes, sizeof address_bytes);
  origin[8] = 1; /* incarnation */
  memset(origin + 16, 7, 20);
  memcpy(origin + 40, address, address_bytes);
  memset(origin + ORIGIN_BYTES, 'x', body_bytes);
}

static size_t read_hello(unsigned char *into) {
  static char hex[2 * HELLO_BYTES_MAX + 1];
  if (scanf("%2048s", hex) != 1) die("no hello");
  return read_hex(into, HELLO_BYTES_MAX, hex);
}

static void accept_sink(int poller, int listener) {
  struct sockaddr_in here;
  socklen_t length = sizeof here;
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0 || getsockname(fd, (struct sockaddr *)&here, &length) < 0) die("accept");
  int node = (int)(ntohl(here.sin_addr.s_addr) - INADDR_LOOPBACK);
  if (node < 0 || node >= SINKS || sinks[node].fd > 0) die("a second connection to one of the next nodes");
  sinks[node] = (End){.fd = fd, .node = node};
  sink_count++;
  no_delay(fd);
  watch(poller, fd, &sinks[node]);
  if (with_hello) write_all(fd, hellos[node], hello_bytes[node]);
}

static void send_frames(End *source) {
  static unsigned char chunk[OUTSTANDING_MAX * FRAME_BYTES_MAX];
  unsigned char *at = chunk;
  uint32_t number = (uint32_t)(source - sources);
  for (; source->credit > 0; source->credit--, at += frame_bytes) {
    uint64_t key[3] = {random_word(), random_word(), random_word()};
    memcpy(at, frame, frame_bytes);
    memcpy(at + AT_REQUEST, &number, sizeof number);
    memcpy(at + AT_KEY, key, 20);
  }
  write_all(source->fd, chunk, (size_t)(at - chunk));
}

static void take(End *sink, const unsigned char *got) {
  if (got[AT_TYPE] != TYPE_REQUEST) return; /* its hello, its upkeep */
  uint32_t number = u32(got + AT_REQUEST);
  if (number >= (uint32_t)source_count) die("a frame that is not ours");
  if (strict && got[AT_KEY] >> 4 != sink->node) die("a frame at the wrong node");
  if (strict && (got[AT_HOPS] != 1 || !(got[AT_FLAGS] & FLAG_FINAL))) die("a frame that is not right");
  sources[number].credit++;
  arrived++;
}

static void receive(End *end) {
  static unsigned char chunk[2 * CHUNK_BYTES];
  memcpy(chunk, end->partial, end->partial_bytes);
  ssize_t got = recv(end->fd, chunk + end->partial_bytes, CHUNK_BYTES, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die("the middle closed a connection");
  size_t have = end->partial_bytes + (size_t)got, at = 0;
  while (have - at >= HEADER_BYTES) {
    size_t bytes = padded(u32(chunk + at));
    if (have - at < bytes) break;
    if (end->node >= 0) take(end, chunk + at);
    at += bytes;
  }
  end->partial_bytes = have - at;
  memcpy(end->partial, chunk + at, end->partial_bytes);
}

static void show_life(void) {
  unsigned char sign[HEADER_BYTES] = {[0] = HEADER_BYTES, [AT_TYPE] = TYPE_REPLY, [AT_VERSION] = 1, [AT_REQUEST] = 1};
  for (int i = 0; i < SINKS; i++) {
    if (sinks[i].fd > 0) write_all(sinks[i].fd, sign, sizeof sign);
  }
}

static void run_for(int poller, int listener, uint64_t until_ns) {
  static uint64_t next_sign_ns;
  for (uint64_t now_ns; (now_ns = clock_ns(CLOCK_MONOTONIC)) < until_ns;) {
    if (with_hello && now_ns > next_sign_ns) next_sign_ns = now_ns + SIGN_OF_LIFE_MS * 1000000u, show_life();
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller, events, EVENTS_MAX, 100);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr == NULL) accept_sink(poller, listener);
      else receive(events[i].data.ptr);
    }
    for (int i = 0; i < source_count; i++) {
      if (sources[i].credit > 0) send_frames(&sources[i]);
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int connections = atoi(argv[1]), body_bytes = atoi(argv[3]), outstanding = atoi(argv[2]), port, pid;
  uint64_t warmup_ns = strtoull(argv[4], NULL, 10) * 1000000u, window_ns = strtoull(argv[5], NULL, 10) * 1000000u;
  if (connections < 1 || connections > SOURCES_MAX || outstanding < 1 || outstanding > OUTSTANDING_MAX) die("bad arguments");
  if (body_bytes < 0 || body_bytes > BODY_BYTES_MAX || body_bytes % 8 != 0) die("bad arguments");
  make_frame((size_t)body_bytes);
  int listener = listen_and_say(INADDR_ANY, 0);
  int poller = make_poller();
  watch(poller, listener, NULL);

  static unsigned char own[SOURCES_MAX][HELLO_BYTES_MAX];
  size_t own_bytes[SOURCES_MAX];
  if (scanf("%d %d", &port, &pid) != 2) die("nobody in the middle");
  own_bytes[0] = read_hello(own[0]);
  with_hello = own_bytes[0] > 0;
  for (int i = 1; with_hello && i < connections; i++) own_bytes[i] = read_hello(own[i]);
  for (int i = 0; with_hello && i < SINKS; i++) hello_bytes[i] = read_hello(hellos[i]);
  clockid_t clock = cpu_clock_of(pid);
  for (source_count = 0; source_count < connections; source_count++) {
    End *source = &sources[source_count];
    *source = (End){.fd = connect_to_loopback(0, port), .node = -1};
    watch(poller, source->fd, source);
    if (with_hello) write_all(source->fd, own[source_count], own_bytes[source_count]);
    source->credit = (uint32_t)outstanding;
  }

  run_for(poller, listener, clock_ns(CLOCK_MONOTONIC) + warmup_ns);
  if (sink_count != SINKS) die("not all next nodes were dialed");
  /* While connections were made, frames went by others. What did is through when so many have come. */
  uint64_t settled = arrived + (uint64_t)connections * (uint64_t)outstanding * 4;
  while (arrived < settled) run_for(poller, listener, clock_ns(CLOCK_MONOTONIC) + 1000000);
  strict = 1;
  arrived = 0;
  uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC), cpu_ns = clock_ns(clock), own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  run_for(poller, listener, begin_ns + window_ns);
  cpu_ns = clock_ns(clock) - cpu_ns, own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
  uint64_t wall_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
  printf("{\"frames\":%llu,\"wallMs\":%.3f,\"middleCpuMs\":%.3f,\"endsCpuMs\":%.3f}\n", (unsigned long long)arrived, wall_ns / 1e6,
         cpu_ns / 1e6, own_ns / 1e6);
  return 0;
}
