// Linux's <sys/socket.h> as macOS has it: no accept4, no flags for socket(), no MSG_NOSIGNAL, but SO_NOSIGPIPE (which
// fake_kqueue.cc provides). accept4 and the flags do not even compile.
#pragma once

#include_next <sys/socket.h>

#undef MSG_NOSIGNAL
#undef SOCK_NONBLOCK
#undef SOCK_CLOEXEC
#pragma GCC poison accept4 SOCK_NONBLOCK SOCK_CLOEXEC

#define SO_NOSIGPIPE 0x1022
