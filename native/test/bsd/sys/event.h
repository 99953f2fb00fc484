// What poller_kqueue.cc needs of a BSD's <sys/event.h>, declared after the man page kqueue(2), values as on macOS and
// FreeBSD. Lets it be compiled on Linux, where fake_kqueue.cc stands in for the kernel.
#pragma once

#include <stdint.h>
#include <time.h>

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define EV_SET(event, i, f, fl, ff, d, u) \
  do {                                    \
    struct kevent* set_ = (event);        \
    set_->ident = (i);                    \
    set_->filter = (f);                   \
    set_->flags = (fl);                   \
    set_->fflags = (ff);                  \
    set_->data = (d);                     \
    set_->udata = (u);                    \
  } while (0)

extern "C" {
int kqueue();
int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events, int event_count,
           const struct timespec* timeout);
}
