#include "connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "platform.h"

namespace chordite {

namespace {

constexpr int kBacklog = 1024;

bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM; }

int close_failed(int fd) {
  const int error = errno;
  close(fd);
  return -error;
}

}  // namespace

bool parse_address(const char* host, uint16_t port, Address* address) {
  char service[8];
  std::snprintf(service, sizeof service, "%u", unsigned{port});
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host, service, &hints, &found) != 0) return false;
  address->size = static_cast<socklen_t>(found->ai_addrlen);
  std::memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return true;
}

uint32_t format_address(const Address& address, char* host, uint32_t host_bytes, uint32_t* port) {
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);
  *port = 0;
  if (generic->sa_family == AF_INET) *port = ntohs(reinterpret_cast<const sockaddr_in*>(generic)->sin_port);
  if (generic->sa_family == AF_INET6) *port = ntohs(reinterpret_cast<const sockaddr_in6*>(generic)->sin6_port);
  const int failed = getnameinfo(generic, address.size, host, host_bytes, nullptr, 0, NI_NUMERICHOST);
  if (failed != 0) return 0;
  // An IPv4 peer of an IPv6 listener is known by its IPv4 address.
  constexpr char kMapped[] = "::ffff:";
  constexpr size_t kMappedBytes = sizeof kMapped - 1;
  size_t length = std::strlen(host);
  if (std::strncmp(host, kMapped, kMappedBytes) == 0 && std::strchr(host, '.') != nullptr) {
    length -= kMappedBytes;
    std::memmove(host, host + kMappedBytes, length);
  }
  return static_cast<uint32_t>(length);
}

int open_listener(const Address& address, uint16_t* port) {
  const int fd = platform::stream_socket(address.storage.ss_family);
  if (fd < 0) return -errno;
  const int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) {
    const int off = 0;
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) return close_failed(fd);
  if (listen(fd, kBacklog) != 0) return close_failed(fd);
  Address bound{};
  bound.size = sizeof bound.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) return close_failed(fd);
  const auto* generic = reinterpret_cast<const sockaddr*>(&bound.storage);
  *port = ntohs(generic->sa_family == AF_INET ? reinterpret_cast<const sockaddr_in*>(generic)->sin_port
                                              : reinterpret_cast<const sockaddr_in6*>(generic)->sin6_port);
  return fd;
}

int start_connect(const Address& address) {
  const int fd = platform::stream_socket(address.storage.ss_family);
  if (fd < 0) return -errno;
  platform::no_delay(fd);
  platform::limit_unsent(fd, UnsentLimit::kFirst);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return fd;
  return errno == EINPROGRESS || errno == EINTR ? fd : close_failed(fd);
}

uint32_t connect_failure(int error) {
  return error == ECONNREFUSED || error == ECONNRESET ? REASON_REFUSED : REASON_UNREACHABLE;
}

int64_t send_bytes(int fd, const uint8_t* bytes, uint32_t count) {
  ssize_t sent = 0;
  do {
    sent = send(fd, bytes, count, platform::kSendFlags);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0 ? sent : would_wait(errno) ? 0 : -1;
}

int64_t send_pieces(int fd, std::span<iovec> pieces) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(pieces.size());
  ssize_t sent = 0;
  do {
    sent = sendmsg(fd, &message, platform::kSendFlags);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0 ? sent : would_wait(errno) ? 0 : -1;
}

bool discard_input(int fd) {
  uint8_t scratch[16384];
  for (int i = 0; i < 4; ++i) {
    const ssize_t got = recv(fd, scratch, sizeof scratch, 0);
    if (got == 0) return true;
    if (got < 0) return errno != EINTR && !would_wait(errno);
    if (static_cast<size_t>(got) < sizeof scratch) return false;
  }
  return false;
}

}  // namespace chordite
