/*
 * Counts calls of malloc and its relatives, for `LD_PRELOAD`. The first SIGUSR2 begins, the next one ends and writes
 * three 64-bit numbers to descriptor 4: calls by the main thread, those of them made by the addon, and bytes asked for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { REPORT_FD = 4 };

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static struct { uint64_t calls, by_addon, bytes; } counted;
static volatile sig_atomic_t counting;
static pthread_t main_thread;

/* Only the main thread runs JavaScript and the endpoint; the others compile and collect. */
static void count(size_t bytes, void *caller) {
  if (!counting || !pthread_equal(pthread_self(), main_thread)) return;
  Dl_info info;
  counted.calls++;
  counted.bytes += bytes;
  if (dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "chordite.node")) counted.by_addon++;
}

void *malloc(size_t bytes) {
  count(bytes, __builtin_return_address(0));
  return __libc_malloc(bytes);
}

void *calloc(size_t count_of, size_t bytes) {
  count(count_of * bytes, __builtin_return_address(0));
  return __libc_calloc(count_of, bytes);
}

void *realloc(void *memory, size_t bytes) {
  count(bytes, __builtin_return_address(0));
  return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  count(bytes, __builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  count(bytes, __builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  count(bytes, __builtin_return_address(0));
  void *got = __libc_memalign(alignment, bytes);
  if (!got) return ENOMEM;
  *memory = got;
  return 0;
}

static void toggle(int signal) {
  (void)signal;
  counting = !counting;
  if (counting) memset(&counted, 0, sizeof counted);
  else if (write(REPORT_FD, &counted, sizeof counted) < 0) _exit(1);
}

__attribute__((constructor)) static void prepare(void) {
  struct sigaction action = {.sa_handler = toggle, .sa_flags = SA_RESTART};
  main_thread = pthread_self();
  sigaction(SIGUSR2, &action, NULL);
}
