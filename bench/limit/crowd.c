/*
 * A crowd: many connections to one server, of which some are busy, as fast as they are answered or at a fixed rate.
 *
 *   crowd PORT SERVER_PID HELLO REQUEST CONNECTIONS ACTIVE OUTSTANDING RATE WARMUP_MS WINDOW_MS
 *
 * HELLO and REQUEST are frames in hex; HELLO is - for servers that want none. ACTIVE connections keep OUTSTANDING requests
 * in flight each; with a RATE above 0 they send that many a second together instead, whatever comes back. Says when all are
 * connected, waits for a byte on standard input, then measures. Replies come in the order of requests, which is checked by
 * their numbers. The server's CPU is its process clock at the ends of the window. Prints lines of JSON.
 */
#include "common.h"

#include <sys/resource.h>
#include <sys/timerfd.h>

enum { FRAME_BYTES_MAX = 8192, IN_FLIGHT_MAX = 1024, AT_ONCE_MAX = 256, TICK_NS = 100000 };
enum { AT_REFUSAL = 45, AT_CLIENT_ID = 64 };

typedef struct {
  int fd;
  uint32_t number, next_request, next_reply;
  size_t partial_bytes;
  unsigned char *partial;  /* room for a frame; for busy connections only */
  uint64_t *sent_ns;       /* of requests in flight, by their number */
} Connection;

typedef struct {
  size_t bytes;
  unsigned char frame[FRAME_BYTES_MAX];
} Template;

static Template hello, request;
static Connection *all;
static uint64_t latencies[BUCKETS], replies, behind;
static uint32_t active, outstanding, rate;

/* ---- connections ---- */

/* Each is a client of its own. The answer is the server's hello, or ours echoed. */
static void greet(const Connection *connection) {
  unsigned char answer[FRAME_BYTES_MAX];
  if (hello.bytes >= AT_CLIENT_ID + 4) put_u32(hello.frame + AT_CLIENT_ID, connection->number);
  write_all(connection->fd, hello.frame, hello.bytes);
  read_exactly(connection->fd, answer, HEADER_BYTES);
  size_t bytes = padded(u32(answer));
  if (answer[AT_TYPE] != TYPE_HELLO || bytes < HEADER_BYTES || bytes > sizeof answer) die("no hello");
  read_exactly(connection->fd, answer + HEADER_BYTES, bytes - HEADER_BYTES);
  if (bytes > AT_REFUSAL && answer[AT_REFUSAL] != 0) die("refused");
}

static uint32_t in_flight(const Connection *connection) { return connection->next_request - connection->next_reply; }

static void send_requests(Connection *connection, uint32_t count, uint64_t now_ns) {
  static unsigned char chunk[AT_ONCE_MAX * FRAME_BYTES_MAX];
  while (count > 0) {
    uint32_t some = count < AT_ONCE_MAX ? count : AT_ONCE_MAX;
    unsigned char *at = chunk;
    for (uint32_t i = 0; i < some; i++, at += request.bytes) {
      memcpy(at, request.frame, request.bytes);
      put_u32(at + AT_REQUEST, connection->next_request);
      put_u32(at + AT_REQUEST_HIGH, connection->number);
      connection->sent_ns[connection->next_request++ % IN_FLIGHT_MAX] = now_ns;
    }
    write_all(connection->fd, chunk, (size_t)(at - chunk));
    count -= some;
  }
}

/* ---- receiving ---- */

static int is_answer(Connection *connection, const unsigned char *frame, uint64_t now_ns) {
  unsigned char type = frame[AT_TYPE];
  if (type == TYPE_FAILURE || type == TYPE_GOODBYE) die(type == TYPE_FAILURE ? "a request failed" : "goodbye");
  if (type != TYPE_REPLY && type != TYPE_REQUEST) return 0;
  uint32_t number = u32(frame + AT_REQUEST);
  if (number != connection->next_reply || u32(frame + AT_REQUEST_HIGH) != connection->number) die("a reply to something else");
  latencies[bucket_of(now_ns - connection->sent_ns[connection->next_reply++ % IN_FLIGHT_MAX])]++;
  return 1;
}

static void receive(Connection *connection) {
  static unsigned char chunk[CHUNK_BYTES + FRAME_BYTES_MAX];
  memcpy(chunk, connection->partial, connection->partial_bytes);
  ssize_t got = recv(connection->fd, chunk + connection->partial_bytes, CHUNK_BYTES, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die("the server closed a connection");
  size_t have = connection->partial_bytes + (size_t)got, at = 0;
  uint32_t answered = 0;
  uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  while (have - at >= HEADER_BYTES) {
    size_t bytes = padded(u32(chunk + at));
    if (bytes < HEADER_BYTES || bytes > FRAME_BYTES_MAX) die("a bad frame");
    if (have - at < bytes) break;
    answered += (uint32_t)is_answer(connection, chunk + at, now_ns);
    at += bytes;
  }
  connection->partial_bytes = have - at;
  memcpy(connection->partial, chunk + at, connection->partial_bytes);
  replies += answered;
  if (rate == 0) send_requests(connection, answered, now_ns);
}

/* ---- the run ---- */

/* What is due since the last tick, in turn; what would be too much for a connection waits, and is counted. */
static void send_due(uint64_t begin_ns, uint64_t now_ns) {
  static uint64_t sent;
  static uint32_t turn;
  uint64_t due = (uint64_t)((double)(now_ns - begin_ns) * rate / 1e9);
  while (sent < due) {
    Connection *connection = &all[turn++ % active];
    uint64_t share = (due - sent + active - 1) / active;
    uint32_t room = IN_FLIGHT_MAX - in_flight(connection);
    if (share > room) behind += share - room;
    send_requests(connection, (uint32_t)(share < room ? share : room), now_ns);
    sent += share;
  }
}

static void run_for(int poller, int timer, uint64_t begin_ns, uint64_t until_ns) {
  while (clock_ns(CLOCK_MONOTONIC) < until_ns) {
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller, events, EVENTS_MAX, 100);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr) {
        receive(events[i].data.ptr);
        continue;
      }
      uint64_t ticks;
      if (read(timer, &ticks, sizeof ticks) < 0) die("timer");
      send_due(begin_ns, clock_ns(CLOCK_MONOTONIC));
    }
  }
}

static int start_timer(int poller) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct itimerspec every = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
  if (timer < 0 || timerfd_settime(timer, 0, &every, NULL) < 0) die("timer");
  watch(poller, timer, NULL);
  return timer;
}

static void open_all(int poller, int port, uint32_t connections) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) < 0) die("getrlimit");
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  all = calloc(connections, sizeof *all);
  if (!all) die("memory");
  for (uint32_t i = 0; i < connections; i++) {
    all[i].number = i + 1;
    all[i].fd = connect_to_loopback(0, port);
    if (hello.bytes > 0) greet(&all[i]);
    if (i >= active) continue;
    all[i].partial = malloc(FRAME_BYTES_MAX);
    all[i].sent_ns = calloc(IN_FLIGHT_MAX, sizeof *all[i].sent_ns);
    if (!all[i].partial || !all[i].sent_ns) die("memory");
    watch(poller, all[i].fd, &all[i]);
  }
}

int main(int argc, char **argv) {
  if (argc != 11) die("usage: crowd PORT SERVER_PID HELLO REQUEST CONNECTIONS ACTIVE OUTSTANDING RATE WARMUP_MS WINDOW_MS");
  hello.bytes = read_hex(hello.frame, sizeof hello.frame, argv[3]);
  request.bytes = read_hex(request.frame, sizeof request.frame, argv[4]);
  uint32_t connections = (uint32_t)atoi(argv[5]);
  active = (uint32_t)atoi(argv[6]), outstanding = (uint32_t)atoi(argv[7]), rate = (uint32_t)atoi(argv[8]);
  uint64_t warmup_ns = strtoull(argv[9], NULL, 10) * 1000000u, window_ns = strtoull(argv[10], NULL, 10) * 1000000u;
  if (active > connections || connections == 0 || outstanding > IN_FLIGHT_MAX || request.bytes < HEADER_BYTES) die("bad arguments");
  clockid_t server_clock = cpu_clock_of(atoi(argv[2]));
  int poller = make_poller();
  open_all(poller, atoi(argv[1]), connections);
  printf("{\"connected\":%u}\n", connections);
  fflush(stdout);
  if (getchar() == EOF) return 0;

  uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
  int timer = rate > 0 ? start_timer(poller) : -1;
  for (uint32_t i = 0; rate == 0 && i < active; i++) send_requests(&all[i], outstanding, start_ns);
  run_for(poller, timer, start_ns, start_ns + warmup_ns);
  memset(latencies, 0, sizeof latencies);
  replies = behind = 0;
  uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC), server_ns = clock_ns(server_clock);
  uint64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  run_for(poller, timer, start_ns, begin_ns + window_ns);
  server_ns = clock_ns(server_clock) - server_ns;
  own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
  uint64_t wall_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
  printf("{\"requests\":%llu,\"behind\":%llu,\"wallMs\":%.3f,\"serverCpuMs\":%.3f,\"loadCpuMs\":%.3f,",
         (unsigned long long)replies, (unsigned long long)behind, wall_ns / 1e6, server_ns / 1e6, own_ns / 1e6);
  printf("\"p50Us\":%.1f,\"p99Us\":%.1f}\n", percentile_us(latencies, 0.5), percentile_us(latencies, 0.99));
  return 0;
}
