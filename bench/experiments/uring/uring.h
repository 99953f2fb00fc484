/*
 * io_uring by its system calls alone, as much of it as the experiments need, for C and C++. The constants are our own where headers of
 * Linux 6.1 do not have them.
 */
#pragma once

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
  int fd;
  unsigned *sq_tail, *cq_head, *cq_tail;
  unsigned sq_mask, cq_mask, sq_entries;
  /* Prepared, and handed to the kernel with the next enter. */
  unsigned prepared;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
  void *memory;
  size_t memory_bytes, sqes_bytes;
} Ring;

/*
 * What completes a request is done when this thread asks for it (DEFERRED), or whenever it enters the kernel or sleeps there
 * (COOPERATIVE). The former does not make the ring's descriptor readable, only an eventfd that was registered.
 */
enum { DEFERRED = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, COOPERATIVE = IORING_SETUP_COOP_TASKRUN };

/* 0, or an errno. */
static inline int ring_open(Ring *ring, unsigned how, unsigned entries, unsigned completions) {
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  memset(ring, 0, sizeof *ring);
  p.flags = how | IORING_SETUP_CQSIZE;
  p.cq_entries = completions;
  ring->fd = (int)syscall(__NR_io_uring_setup, entries, &p);
  if (ring->fd < 0) return errno;
  size_t sq = p.sq_off.array + p.sq_entries * sizeof(unsigned);
  size_t cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  ring->memory_bytes = sq > cq ? sq : cq;
  ring->sqes_bytes = p.sq_entries * sizeof(struct io_uring_sqe);
  int protection = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
  void *memory = mmap(NULL, ring->memory_bytes, protection, flags, ring->fd, (off_t)IORING_OFF_SQ_RING);
  void *sqes = mmap(NULL, ring->sqes_bytes, protection, flags, ring->fd, (off_t)IORING_OFF_SQES);
  if (memory == MAP_FAILED || sqes == MAP_FAILED) return close(ring->fd), ENOMEM;
  unsigned char *at = (unsigned char *)memory;
  ring->memory = memory;
  ring->sqes = (struct io_uring_sqe *)sqes;
  ring->cqes = (struct io_uring_cqe *)(at + p.cq_off.cqes);
  ring->sq_tail = (unsigned *)(at + p.sq_off.tail);
  ring->cq_head = (unsigned *)(at + p.cq_off.head);
  ring->cq_tail = (unsigned *)(at + p.cq_off.tail);
  ring->sq_mask = *(unsigned *)(at + p.sq_off.ring_mask);
  ring->cq_mask = *(unsigned *)(at + p.cq_off.ring_mask);
  ring->sq_entries = p.sq_entries;
  unsigned *array = (unsigned *)(at + p.sq_off.array);
  for (unsigned i = 0; i < p.sq_entries; i++) array[i] = i;
  return 0;
}

static inline void ring_close(Ring *ring) {
  munmap(ring->memory, ring->memory_bytes);
  munmap(ring->sqes, ring->sqes_bytes);
  close(ring->fd);
}

/* Submits what was prepared, does the work that completes requests, waits until so many have completed. */
static inline int ring_enter(Ring *ring, unsigned wait_for, int get_events) {
  unsigned flags = get_events ? IORING_ENTER_GETEVENTS : 0, submitted = ring->prepared;
  ring->prepared = 0;
  return (int)syscall(__NR_io_uring_enter, ring->fd, submitted, wait_for, flags, NULL, 0);
}

/* Zeroed. When the queue is full, what is in it is submitted first. */
static inline struct io_uring_sqe *ring_prepare(Ring *ring, uint8_t operation, int fd, uint64_t data) {
  if (ring->prepared == ring->sq_entries) (void)ring_enter(ring, 0, 0);
  unsigned tail = *ring->sq_tail;
  struct io_uring_sqe *sqe = &ring->sqes[tail & ring->sq_mask];
  memset(sqe, 0, sizeof *sqe);
  sqe->opcode = operation;
  sqe->fd = fd;
  sqe->user_data = data;
  __atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
  ring->prepared++;
  return sqe;
}

/* Whether there was one; it is copied. */
static inline int ring_take(Ring *ring, struct io_uring_cqe *cqe) {
  unsigned head = *ring->cq_head;
  if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) return 0;
  *cqe = ring->cqes[head & ring->cq_mask];
  __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
  return 1;
}
