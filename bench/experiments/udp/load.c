/*
 * The load for udp/server.c: as bench/limit/load.c, each peer a socket of its own.
 *
 *   load PORT SERVER_PID MODE BODY_BYTES PEERS OUTSTANDING WARMUP_MS WINDOW_MS
 *
 * Requests of one turn to one peer share datagrams. Who is not reliable asks again after a tenth of a second. Prints one line of JSON.
 */
#include "link.h"

enum { PEERS_MAX = 1024, OUTSTANDING_MAX = 128, BATCH = 16, BUFFER_BYTES = 65536, ASK_AGAIN_MS = 100 };

typedef struct {
  int fd;
  uint32_t next_request, credit;
  uint64_t asked_ns[OUTSTANDING_MAX]; /* 0: answered */
  uint32_t numbers[OUTSTANDING_MAX];
  uint32_t free_slots[OUTSTANDING_MAX];
  Link link;
} Peer;

static Peer *peers;
static int peer_count, reliable, acknowledges, segments;
static uint32_t frame_bytes, outstanding;
static unsigned char frame[DATAGRAM_BYTES_MAX], chunk[BUFFER_BYTES], buffers[BATCH][BUFFER_BYTES];
static uint64_t latencies[BUCKETS], replies, resent;

static void connect_to(Peer *peer, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  peer->fd = udp_socket();
  if (connect(peer->fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
  if (segments) receive_segments(peer->fd);
  peer->link.to = to;
  peer->credit = outstanding;
  for (uint32_t i = 0; i < outstanding; i++) peer->free_slots[i] = i;
}

/* One datagram: its frames, one after the other, behind the head. */
static uint32_t make_datagram(Peer *peer, unsigned char *at, uint64_t now_ns) {
  uint32_t head = reliable ? LINK_BYTES : 0, bytes = head;
  while (peer->credit > 0 && bytes + frame_bytes <= DATAGRAM_BYTES_MAX) {
    uint32_t slot = peer->free_slots[--peer->credit];
    memcpy(at + bytes, frame, frame_bytes);
    put_u32(at + bytes + AT_REQUEST, peer->numbers[slot] = peer->next_request++);
    put_u32(at + bytes + AT_REQUEST_HIGH, slot);
    peer->asked_ns[slot] = now_ns;
    bytes += frame_bytes;
  }
  if (reliable) link_stamp(&peer->link, at, bytes, now_ns);
  return bytes;
}

static void send_requests(Peer *peer, uint64_t now_ns) {
  struct iovec vectors[OUTSTANDING_MAX];
  struct mmsghdr messages[OUTSTANDING_MAX];
  uint32_t at = 0, size = 0;
  unsigned count = 0;
  while (peer->credit > 0) {
    uint32_t bytes = make_datagram(peer, chunk + at, now_ns);
    if (size == 0) size = bytes;
    vectors[count] = (struct iovec){chunk + at, bytes};
    messages[count].msg_hdr = (struct msghdr){.msg_iov = &vectors[count], .msg_iovlen = 1};
    at += bytes, count++;
  }
  if (!segments || count < 2) {
    if (sendmmsg(peer->fd, messages, count, 0) != (int)count) die("sendmmsg");
    return;
  }
  Control control;
  vectors[0].iov_len = at;
  set_segment(&messages[0].msg_hdr, &control, (uint16_t)size);
  if (sendmsg(peer->fd, &messages[0].msg_hdr, 0) != (ssize_t)at) die("sendmsg");
}

static void take_frames(Peer *peer, const unsigned char *at, const unsigned char *end, uint64_t now_ns) {
  for (; at + frame_bytes <= end; at += frame_bytes) {
    uint32_t slot = u32(at + AT_REQUEST_HIGH);
    if (slot >= outstanding) die("a reply that is none");
    if (peer->asked_ns[slot] == 0 || peer->numbers[slot] != u32(at + AT_REQUEST)) continue; /* asked twice */
    latencies[bucket_of(now_ns - peer->asked_ns[slot])]++;
    peer->asked_ns[slot] = 0;
    peer->free_slots[peer->credit++] = slot;
    replies++;
  }
}

static void receive(Peer *peer) {
  struct iovec vectors[BATCH];
  struct mmsghdr messages[BATCH];
  Control controls[BATCH];
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){buffers[i], BUFFER_BYTES};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    if (segments) messages[i].msg_hdr.msg_control = controls[i].bytes, messages[i].msg_hdr.msg_controllen = sizeof controls[i];
  }
  int got = recvmmsg(peer->fd, messages, BATCH, 0, NULL);
  if (got < 0 && errno != EAGAIN) die("the server is gone");
  uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  for (int i = 0; i < got; i++) {
    uint32_t bytes = messages[i].msg_len, size = segments ? segment_of(&messages[i].msg_hdr, bytes) : bytes;
    for (uint32_t at = 0; at < bytes; at += size) {
      unsigned char *datagram = buffers[i] + at, *end = buffers[i] + (bytes - at < size ? bytes : at + size);
      if (!reliable) take_frames(peer, datagram, end, now_ns);
      else if (link_take(&peer->link, datagram)) take_frames(peer, datagram + LINK_BYTES, end, now_ns);
    }
    if (acknowledges && bytes > LINK_BYTES) {
      unsigned char acknowledgement[LINK_BYTES];
      link_acknowledge(&peer->link, acknowledgement, 0);
      (void)!send(peer->fd, acknowledgement, sizeof acknowledgement, 0);
    }
  }
  if (peer->credit > 0) send_requests(peer, now_ns);
}

static void ask_again(Peer *peer, uint64_t now_ns) {
  for (uint32_t slot = 0; slot < outstanding; slot++) {
    if (peer->asked_ns[slot] == 0 || now_ns - peer->asked_ns[slot] < ASK_AGAIN_MS * 1000000ull) continue;
    put_u32(frame + AT_REQUEST, peer->numbers[slot]), put_u32(frame + AT_REQUEST_HIGH, slot);
    (void)!send(peer->fd, frame, frame_bytes, 0);
    peer->asked_ns[slot] = now_ns;
    resent++;
  }
}

static void check(void) {
  static uint64_t checked_ns;
  uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  if (now_ns - checked_ns < CHECK_MS * 1000000ull) return;
  checked_ns = now_ns;
  for (int i = 0; i < peer_count; i++) {
    if (reliable) resent += link_resend(&peers[i].link, peers[i].fd, now_ns);
    else ask_again(&peers[i], now_ns);
  }
}

static void run_for(int poller, uint64_t until_ns) {
  while (clock_ns(CLOCK_MONOTONIC) < until_ns) {
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller, events, EVENTS_MAX, CHECK_MS);
    for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
    check();
  }
}

int main(int argc, char **argv) {
  if (argc != 9) return 2;
  int port = atoi(argv[1]), body_bytes = atoi(argv[4]);
  acknowledges = !strcmp(argv[3], "acknowledged"), segments = !strcmp(argv[3], "segments");
  reliable = acknowledges || segments || !strcmp(argv[3], "reliable");
  peer_count = atoi(argv[5]), outstanding = (uint32_t)atoi(argv[6]);
  if (body_bytes < 8 || body_bytes > 1024 || peer_count < 1 || peer_count > PEERS_MAX) die("bad arguments");
  if (outstanding < 1 || outstanding > OUTSTANDING_MAX) die("bad arguments");
  uint64_t warmup_ns = strtoull(argv[7], NULL, 10) * 1000000u, window_ns = strtoull(argv[8], NULL, 10) * 1000000u;
  frame_bytes = HEADER_BYTES + (uint32_t)body_bytes;
  put_u32(frame, frame_bytes), frame[AT_TYPE] = TYPE_REQUEST, frame[AT_VERSION] = 1;
  clockid_t server_clock = cpu_clock_of(atoi(argv[2]));
  uint64_t server_before_ns = clock_ns(server_clock);
  int poller = make_poller();
  peers = calloc((size_t)peer_count, sizeof *peers);
  if (!peers) die("calloc");
  for (int i = 0; i < peer_count; i++) connect_to(&peers[i], port), watch(poller, peers[i].fd, &peers[i]);
  uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
  for (int i = 0; i < peer_count; i++) send_requests(&peers[i], start_ns);

  run_for(poller, start_ns + warmup_ns);
  memset(latencies, 0, sizeof latencies);
  replies = resent = 0;
  uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC), server_ns = clock_ns(server_clock), own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  run_for(poller, begin_ns + window_ns);
  server_ns = clock_ns(server_clock) - server_ns, own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
  uint64_t wall_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
  uint64_t total_ns = clock_ns(server_clock) - server_before_ns + clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  printf("{\"requests\":%llu,\"wallMs\":%.3f,\"serverCpuMs\":%.3f,\"loadCpuMs\":%.3f,\"totalCpuMs\":%.3f,", (unsigned long long)replies,
         wall_ns / 1e6, server_ns / 1e6, own_ns / 1e6, total_ns / 1e6);
  printf("\"p50Us\":%.1f,\"p99Us\":%.1f,\"resent\":%llu}\n", percentile_us(latencies, 0.5), percentile_us(latencies, 0.99),
         (unsigned long long)resent);
  return 0;
}
