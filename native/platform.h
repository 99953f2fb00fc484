// What Linux and the BSDs (macOS among them) do differently about sockets. Nothing else knows.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

// The tests define CHORDITE_AS_BSD to run the other side of this file, and the kqueue poller, on Linux.
#if defined(__linux__) && !defined(CHORDITE_AS_BSD)
#define CHORDITE_LINUX 1
#else
#define CHORDITE_LINUX 0
#endif

namespace chordite::platform {

// Every descriptor is close-on-exec: a child of a killed process would otherwise keep its port open, and nobody would
// notice that it died.
#if CHORDITE_LINUX

inline constexpr int kSendFlags = MSG_NOSIGNAL;

inline int stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

inline int accept_socket(int listener, sockaddr* address, socklen_t* size) {
  return accept4(listener, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#else

#if defined(MSG_NOSIGNAL)
inline constexpr int kSendFlags = MSG_NOSIGNAL;
#else
inline constexpr int kSendFlags = 0;
#endif

inline int prepare_socket(int fd) {
  if (fd < 0) return fd;
#if defined(SO_NOSIGPIPE)
  const int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0) return fd;
  close(fd);
  return -1;
}

inline int stream_socket(int family) { return prepare_socket(socket(family, SOCK_STREAM, 0)); }

inline int accept_socket(int listener, sockaddr* address, socklen_t* size) {
  return prepare_socket(accept(listener, address, size));
}

#endif

/** Milliseconds of a clock that never goes back, modulo 2^32. */
inline uint32_t monotonic_ms() {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint32_t>(static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000);
}

inline void no_delay(int fd) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/** What the kernel takes while it has not sent so much; it asks for more when half of that has left. */
inline void limit_unsent(int fd, uint32_t bytes) {
#if defined(TCP_NOTSENT_LOWAT)
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
#else
  (void)fd;
  (void)bytes;
#endif
}

/** Cheap, and good to some milliseconds. */
inline uint64_t coarse_ms() {
#if defined(CLOCK_MONOTONIC_COARSE)
  constexpr clockid_t kClock = CLOCK_MONOTONIC_COARSE;
#elif defined(CLOCK_MONOTONIC_RAW_APPROX)
  constexpr clockid_t kClock = CLOCK_MONOTONIC_RAW_APPROX;
#else
  constexpr clockid_t kClock = CLOCK_MONOTONIC;
#endif
  timespec now{};
  (void)clock_gettime(kClock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

}  // namespace chordite::platform
