/*
 * An echo of datagrams. Prints its port and runs until it is killed.
 *
 *   server single          recvfrom and sendto for each datagram
 *   server mmsg            recvmmsg, sendmmsg
 *   server reliable        numbers, acknowledgements in replies, copies kept for sending again (link.h)
 *   server acknowledged    the same, but each datagram is also acknowledged by one of its own, as if the answer went elsewhere
 *   server segments        as `reliable`; several datagrams to or from one peer pass the kernel as one (UDP_SEGMENT, UDP_GRO)
 *
 * With a number N after that, each Nth message is not sent, which tries whether lost ones are made good.
 */
#include "link.h"

enum { BATCH = 64, LINKS = 4096, BUFFER_BYTES = 65536 };

static Link *links[LINKS];
static struct mmsghdr in[BATCH], out[2 * BATCH];
static struct iovec in_vectors[BATCH], out_vectors[2 * BATCH];
static struct sockaddr_in senders[BATCH];
static Control in_controls[BATCH], out_controls[BATCH];
static unsigned char buffers[BATCH][BUFFER_BYTES] __attribute__((aligned(64))), acknowledgements[BATCH][LINK_BYTES];
static int reliable, acknowledges, segments;
static uint32_t drop_each, sent_count;

static Link *link_of(const struct sockaddr_in *from) {
  uint32_t at = (from->sin_addr.s_addr * 31u + from->sin_port) * 2654435761u >> 20;
  for (;; at++) {
    Link *link = links[at % LINKS];
    if (link && link->to.sin_port == from->sin_port && link->to.sin_addr.s_addr == from->sin_addr.s_addr) return link;
    if (link) continue;
    link = calloc(1, sizeof *link);
    if (!link) die("calloc");
    link->to = *from;
    return links[at % LINKS] = link;
  }
}

static struct msghdr *put(unsigned *count, struct sockaddr_in *to, void *bytes, size_t length) {
  out_vectors[*count] = (struct iovec){bytes, length};
  out[*count].msg_hdr = (struct msghdr){.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &out_vectors[*count], .msg_iovlen = 1};
  if (drop_each && ++sent_count % drop_each == 0) return &out[*count].msg_hdr;
  return &out[(*count)++].msg_hdr;
}

/* All datagrams of a message, each with a head of its own; the answer lies where they came. */
static void answer(unsigned i, unsigned *count, uint64_t now_ns) {
  uint32_t bytes = in[i].msg_len, size = segments ? segment_of(&in[i].msg_hdr, bytes) : bytes, fresh = 0;
  if (!reliable) {
    put(count, &senders[i], buffers[i], bytes);
    return;
  }
  if (bytes < LINK_BYTES || size < LINK_BYTES) return;
  Link *link = link_of(&senders[i]);
  for (uint32_t at = 0; at < bytes; at += size) {
    uint32_t length = bytes - at < size ? bytes - at : size;
    if (!link_take(link, buffers[i] + at)) continue;
    /* What came twice is not answered twice; what follows it moves up. */
    if (fresh != at) memmove(buffers[i] + fresh, buffers[i] + at, length);
    link_stamp(link, buffers[i] + fresh, length, now_ns);
    fresh += length;
  }
  if (acknowledges && bytes > LINK_BYTES) {
    link_acknowledge(link, acknowledgements[i], 0);
    put(count, &senders[i], acknowledgements[i], LINK_BYTES);
  }
  if (fresh == 0) return;
  struct msghdr *message = put(count, &senders[i], buffers[i], fresh);
  if (fresh > size) set_segment(message, &out_controls[i], (uint16_t)size);
}

static void serve_batches(int fd) {
  for (int got = BATCH; got == BATCH;) {
    for (unsigned i = 0; i < BATCH; i++) {
      in_vectors[i] = (struct iovec){buffers[i], BUFFER_BYTES};
      in[i].msg_hdr = (struct msghdr){.msg_name = &senders[i], .msg_namelen = sizeof senders[i]};
      in[i].msg_hdr.msg_iov = &in_vectors[i], in[i].msg_hdr.msg_iovlen = 1;
      if (segments) in[i].msg_hdr.msg_control = in_controls[i].bytes, in[i].msg_hdr.msg_controllen = sizeof in_controls[i];
    }
    got = recvmmsg(fd, in, BATCH, 0, NULL);
    if (got <= 0) return;
    unsigned count = 0;
    uint64_t now_ns = reliable ? clock_ns(CLOCK_MONOTONIC) : 0;
    for (unsigned i = 0; i < (unsigned)got; i++) answer(i, &count, now_ns);
    /* What the kernel does not take is lost, as on the way. */
    for (unsigned done = 0; done < count;) {
      int taken = sendmmsg(fd, out + done, count - done, 0);
      done += taken > 0 ? (unsigned)taken : 1;
    }
  }
}

static void serve_singly(int fd) {
  for (;;) {
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(fd, buffers[0], BUFFER_BYTES, 0, (struct sockaddr *)&from, &size);
    if (got < 0) return;
    (void)!sendto(fd, buffers[0], (size_t)got, 0, (struct sockaddr *)&from, size);
  }
}

static void check(int fd) {
  static uint64_t checked_ns;
  uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  if (now_ns - checked_ns < CHECK_MS * 1000000ull) return;
  checked_ns = now_ns;
  for (int i = 0; i < LINKS; i++) {
    if (links[i] && links[i]->taken) (void)link_resend(links[i], fd, now_ns);
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "mmsg";
  if (argc > 2) drop_each = (uint32_t)atoi(argv[2]);
  int fd = udp_socket(), poller = make_poller(), single = !strcmp(mode, "single");
  acknowledges = !strcmp(mode, "acknowledged"), segments = !strcmp(mode, "segments");
  reliable = acknowledges || segments || !strcmp(mode, "reliable");
  if (segments) receive_segments(fd);
  struct sockaddr_in here;
  socklen_t length = sizeof here;
  if (getsockname(fd, (struct sockaddr *)&here, &length) < 0) die("getsockname");
  printf("{\"port\":%d}\n", ntohs(here.sin_port));
  fflush(stdout);
  watch(poller, fd, NULL);
  for (;;) {
    struct epoll_event event;
    if (epoll_wait(poller, &event, 1, reliable ? CHECK_MS : -1) > 0) single ? serve_singly(fd) : serve_batches(fd);
    if (reliable) check(fd);
  }
}
