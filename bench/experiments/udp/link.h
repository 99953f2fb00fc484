/*
 * The least that makes datagrams reliable: numbers, acknowledgements with a mask of what came before, copies kept until then and sent
 * again. 16 bytes before the frames of a datagram, which are as many as fit what every path carries.
 */
#ifndef CHORDITE_BENCH_LINK_H
#define CHORDITE_BENCH_LINK_H

#include "../../limit/common.h"
#include <netinet/udp.h>
#include <sys/uio.h>

enum { LINK_BYTES = 16, DATAGRAM_BYTES_MAX = 1400, WINDOW = 32, RESEND_MS = 100, CHECK_MS = 10, RECEIVE_BYTES = 8 << 20, TRIES = 5 };

typedef struct {
  uint32_t number;     /* from 1 for each direction; 0: acknowledges only */
  uint32_t came;       /* the highest number that came */
  uint64_t came_before; /* bit i: came - 1 - i came too */
} Head;

typedef struct {
  uint32_t number, bytes, tries;
  uint64_t at_ns;
  unsigned char datagram[DATAGRAM_BYTES_MAX];
} Kept;

typedef struct {
  struct sockaddr_in to;
  uint32_t next, came;
  uint64_t came_before;
  uint32_t taken; /* bit i: kept[i] waits to be acknowledged */
  Kept kept[WINDOW];
} Link;

SHARED int has_come(uint32_t came, uint64_t before, uint32_t number) {
  if (number == came) return 1;
  uint32_t age = came - number;
  return (int32_t)age > 0 && (age > 64 || before >> (age - 1) & 1);
}

/* Takes the head of a datagram that came; whether its frames are new. */
SHARED int link_take(Link *link, const unsigned char *datagram) {
  Head head;
  memcpy(&head, datagram, sizeof head);
  for (uint32_t left = link->taken; left; left &= left - 1) {
    int i = __builtin_ctz(left);
    if (has_come(head.came, head.came_before, link->kept[i].number)) link->taken &= ~(1u << i);
  }
  /* Another one behind the port of who is gone. */
  if (head.number == 1 && link->came > 64) link->came = link->next = link->taken = 0, link->came_before = 0;
  if (head.number == 0 || has_come(link->came, link->came_before, head.number)) return 0;
  uint32_t ahead = head.number - link->came;
  if ((int32_t)ahead > 0) {
    link->came_before = ahead > 64 ? 0 : (ahead == 64 ? 0 : link->came_before << ahead) | 1ull << (ahead - 1);
    link->came = head.number;
  } else {
    link->came_before |= 1ull << (link->came - head.number - 1);
  }
  return 1;
}

SHARED void link_acknowledge(const Link *link, unsigned char *datagram, uint32_t number) {
  Head head = {.number = number, .came = link->came, .came_before = link->came_before};
  memcpy(datagram, &head, sizeof head);
}

/* Puts the head before frames that are to leave now, and keeps a copy. */
SHARED void link_stamp(Link *link, unsigned char *datagram, uint32_t bytes, uint64_t now_ns) {
  if (link->taken == UINT32_MAX) die("the window is full");
  int i = __builtin_ctz(~link->taken);
  link_acknowledge(link, datagram, ++link->next);
  link->taken |= 1u << i;
  link->kept[i].number = link->next, link->kept[i].bytes = bytes, link->kept[i].at_ns = now_ns, link->kept[i].tries = 1;
  memcpy(link->kept[i].datagram, datagram, bytes);
}

/* Sends again what is due; how many. */
SHARED uint32_t link_resend(Link *link, int fd, uint64_t now_ns) {
  uint32_t resent = 0;
  for (uint32_t left = link->taken; left; left &= left - 1) {
    Kept *kept = &link->kept[__builtin_ctz(left)];
    if (now_ns - kept->at_ns < RESEND_MS * 1000000ull) continue;
    if (kept->tries++ == TRIES) {
      link->taken &= ~(1u << (kept - link->kept));
      continue;
    }
    kept->at_ns = now_ns;
    link_acknowledge(link, kept->datagram, kept->number);
    (void)!sendto(fd, kept->datagram, kept->bytes, 0, (struct sockaddr *)&link->to, sizeof link->to);
    resent++;
  }
  return resent;
}

SHARED int udp_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), bytes = RECEIVE_BYTES;
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0) die("bind");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  return fd;
}

/* ---- several datagrams as one (GSO, GRO) ---- */

typedef union {
  struct cmsghdr header;
  unsigned char bytes[CMSG_SPACE(sizeof(int))];
} Control;

SHARED void receive_segments(int fd) {
  int on = 1;
  if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0) die("UDP_GRO");
}

/* What one datagram of the message has; all of it, if it is one. */
SHARED uint32_t segment_of(struct msghdr *message, uint32_t bytes) {
  for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
    int size;
    if (at->cmsg_level != IPPROTO_UDP || at->cmsg_type != UDP_GRO) continue;
    memcpy(&size, CMSG_DATA(at), sizeof size);
    return (uint32_t)size;
  }
  return bytes;
}

SHARED void set_segment(struct msghdr *message, Control *control, uint16_t bytes) {
  message->msg_control = control->bytes;
  message->msg_controllen = CMSG_SPACE(sizeof bytes);
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  header->cmsg_level = IPPROTO_UDP, header->cmsg_type = UDP_SEGMENT, header->cmsg_len = CMSG_LEN(sizeof bytes);
  memcpy(CMSG_DATA(header), &bytes, sizeof bytes);
}

#endif
