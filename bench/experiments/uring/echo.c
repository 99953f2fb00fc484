/*
 * The echo of bench/limit/echo.c on io_uring. Prints its port and runs until it is killed.
 *
 *   echo poll           multishot polls say who is ready, recv and send are system calls: io_uring as a poller
 *   echo recv           multishot recv into provided buffers; all replies of a wake-up are sent by the enter that waits for the next
 *   echo recv-fixed     the same, sockets registered
 *   echo recv-eventfd   as under libuv: epoll watches an eventfd of the ring, one enter reaps, one sends
 *   echo recv-coop      as under libuv: epoll watches the ring, whose work is done whenever the thread enters the kernel
 */
#include "../../limit/common.h"
#include "uring.h"
#include <sys/eventfd.h>

enum { BUFFERS = 1024, BUFFER_BYTES = 16384, BUFFER_STRIDE = BUFFER_BYTES + 192, MORE = 8, GROUP = 7, FILES = 1024, NONE = -1, WORK_AT_ONCE = 20 };
enum { ACCEPTED = 1, READABLE, RECEIVED, SENT };

/* What came and was not sent back yet, in order; the first one is under way. */
typedef struct {
  int first, last;
} Waiting;

static Ring ring;
static struct io_uring_buf_ring *provided;
static unsigned char *buffers;
static int next_of[BUFFERS], bytes_of[BUFFERS];
static Waiting waiting[FILES];
static unsigned sends;
static int provided_count, fixed, polls;

static uint64_t tag(int what, int buffer, int fd) { return (uint64_t)what << 56 | (uint64_t)(uint16_t)buffer << 32 | (uint32_t)fd; }

static void provide(int buffer) {
  uint16_t tail = provided->tail;
  struct io_uring_buf *slot = &provided->bufs[tail & (BUFFERS - 1)];
  slot->addr = (uint64_t)(uintptr_t)(buffers + (size_t)buffer * BUFFER_STRIDE);
  slot->len = BUFFER_BYTES;
  slot->bid = (uint16_t)buffer;
  __atomic_store_n(&provided->tail, tail + 1, __ATOMIC_RELEASE);
}

/* They go round in turn, so that the fewer there are, the more of them are in the caches. */
static void provide_more(void) {
  for (int i = 0; i < MORE && provided_count < BUFFERS; i++) provide(provided_count++);
}

static void provide_first(void) {
  size_t bytes = BUFFERS * sizeof(struct io_uring_buf);
  provided = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  buffers = mmap(NULL, (size_t)BUFFERS * BUFFER_STRIDE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (provided == MAP_FAILED || buffers == MAP_FAILED) die("mmap");
  struct io_uring_buf_reg group = {.ring_addr = (uint64_t)(uintptr_t)provided, .ring_entries = BUFFERS, .bgid = GROUP};
  if (syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &group, 1) < 0) die("buffers");
  provide_more();
}

static void register_files(void) {
  int none[FILES];
  for (int i = 0; i < FILES; i++) none[i] = -1;
  if (syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_FILES, none, FILES) < 0) die("files");
}

static void register_file(int slot, int fd) {
  struct io_uring_files_update update = {.offset = (uint32_t)slot, .fds = (uint64_t)(uintptr_t)&fd};
  if (syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_FILES_UPDATE, &update, 1) < 0) die("file");
}

static struct io_uring_sqe *prepare(uint8_t operation, int fd, uint64_t data) {
  struct io_uring_sqe *sqe = ring_prepare(&ring, operation, fd, data);
  if (fixed) sqe->flags |= IOSQE_FIXED_FILE;
  return sqe;
}

static void await(int fd) {
  if (polls) {
    struct io_uring_sqe *sqe = prepare(IORING_OP_POLL_ADD, fd, tag(READABLE, 0, fd));
    sqe->poll32_events = EPOLLIN;
    sqe->len = IORING_POLL_ADD_MULTI;
  } else {
    struct io_uring_sqe *sqe = prepare(IORING_OP_RECV, fd, tag(RECEIVED, 0, fd));
    sqe->ioprio = IORING_RECV_MULTISHOT;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
  }
}

static void opened(int fd) {
  if (fd >= FILES) die("too many connections");
  no_delay(fd);
  waiting[fd] = (Waiting){NONE, NONE};
  if (fixed) register_file(fd, fd);
  await(fd);
}

static void ended(int fd) {
  for (int i = waiting[fd].first; i != NONE; i = next_of[i]) provide(i);
  waiting[fd] = (Waiting){NONE, NONE};
  if (fixed) register_file(fd, -1);
  close(fd);
}

static void send_first(int fd) {
  int buffer = waiting[fd].first;
  struct io_uring_sqe *sqe = prepare(IORING_OP_SEND, fd, tag(SENT, buffer, fd));
  sqe->addr = (uint64_t)(uintptr_t)(buffers + (size_t)buffer * BUFFER_STRIDE);
  sqe->len = (uint32_t)bytes_of[buffer];
  sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
  sends++;
}

static void received(int fd, const struct io_uring_cqe *cqe) {
  if (cqe->res <= 0 && cqe->res != -ENOBUFS) return ended(fd);
  if (cqe->res > 0) {
    int buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    bytes_of[buffer] = cqe->res;
    next_of[buffer] = NONE;
    Waiting *queue = &waiting[fd];
    if (queue->last == NONE) queue->first = buffer;
    else next_of[queue->last] = buffer;
    queue->last = buffer;
    if (queue->first == buffer) send_first(fd);
  }
  if (cqe->res == -ENOBUFS) provide_more();
  if (!(cqe->flags & IORING_CQE_F_MORE)) await(fd);
}

static void sent(int fd, int buffer) {
  if (waiting[fd].first != buffer) return;
  provide(buffer);
  waiting[fd].first = next_of[buffer];
  if (waiting[fd].first == NONE) waiting[fd].last = NONE;
  else send_first(fd);
}

static void readable(int fd, const struct io_uring_cqe *cqe) {
  static char chunk[65536];
  ssize_t got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    /* A poll that is under way would keep the socket open. */
    if (cqe->flags & IORING_CQE_F_MORE) ring_prepare(&ring, IORING_OP_POLL_REMOVE, -1, 0)->addr = tag(READABLE, 0, fd);
    return ended(fd);
  }
  if (got > 0 && send(fd, chunk, (size_t)got, MSG_NOSIGNAL) != got) die("send");
  if (!(cqe->flags & IORING_CQE_F_MORE)) await(fd);
}

static int take_all(void) {
  int count = 0;
  for (struct io_uring_cqe cqe; ring_take(&ring, &cqe); count++) {
    int fd = (int)(uint32_t)cqe.user_data, buffer = (int)(uint16_t)(cqe.user_data >> 32);
    switch (cqe.user_data >> 56) {
      case ACCEPTED:
        if (cqe.res < 0) errno = -cqe.res, die("accept");
        if (!(cqe.flags & IORING_CQE_F_MORE)) die("accept ended");
        opened(cqe.res);
        break;
      case READABLE: readable(fd, &cqe); break;
      case RECEIVED: received(fd, &cqe); break;
      case SENT: sent(fd, buffer); break;
    }
  }
  return count;
}

static void run(void) {
  for (;;) {
    /* What is sent has completed by the time the enter begins to wait: one more is the next arrival. */
    unsigned wait_for = sends + 1;
    sends = 0;
    if (ring_enter(&ring, wait_for, 1) < 0 && errno != EINTR) die("enter");
    take_all();
  }
}

static int event_of_ring(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0 || syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_EVENTFD, &fd, 1) < 0) die("eventfd");
  return fd;
}

static void run_nested(int deferred) {
  int poller = epoll_create1(EPOLL_CLOEXEC), watched = deferred ? event_of_ring() : ring.fd;
  struct epoll_event event = {.events = EPOLLIN};
  if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, watched, &event) < 0) die("epoll");
  (void)ring_enter(&ring, 0, 0);
  for (;;) {
    uint64_t count;
    if (epoll_wait(poller, &event, 1, -1) < 0 && errno != EINTR) die("epoll_wait");
    /* libuv is level-triggered: who does not empty it is called again at once. */
    if (deferred && read(watched, &count, sizeof count) < 0 && errno != EAGAIN) die("read");
    /* The kernel does so many pieces of deferred work at once, and does not say again that there are more. */
    do {
      if (deferred && ring_enter(&ring, 0, 1) < 0) die("enter");
    } while (take_all() >= WORK_AT_ONCE && deferred);
    while (ring.prepared > 0) {
      (void)ring_enter(&ring, 0, 0);
      take_all();
    }
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "recv";
  int coop = !strcmp(mode, "recv-coop");
  int error = ring_open(&ring, coop ? COOPERATIVE : DEFERRED, 2048, 8192);
  if (error) errno = error, die("io_uring is not to be had");
  polls = !strcmp(mode, "poll");
  provide_first();
  if (!strcmp(mode, "recv-fixed")) register_files();
  int listener = listen_and_say(INADDR_LOOPBACK, 0);
  struct io_uring_sqe *sqe = ring_prepare(&ring, IORING_OP_ACCEPT, listener, tag(ACCEPTED, 0, listener));
  sqe->ioprio = IORING_ACCEPT_MULTISHOT;
  sqe->accept_flags = SOCK_CLOEXEC;
  fixed = !strcmp(mode, "recv-fixed");
  if (coop || !strcmp(mode, "recv-eventfd")) run_nested(!coop);
  else run();
}
