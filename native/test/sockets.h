// Connected sockets for tests of pollers, made as the endpoint makes them.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <initializer_list>

#include "../connection.h"
#include "../platform.h"
#include "check.h"

namespace chordite {

inline void wait_for(int fd, short what) {
  pollfd waiting{fd, what, 0};
  CHECK(poll(&waiting, 1, 5000) == 1);
}

/** Over loopback TCP. */
struct Pair {
  /** Where `listener` listens. */
  Address address{};
  int listener = -1;
  int ours = -1;
  int theirs = -1;

  Pair() {
    uint16_t port = 0;
    CHECK(parse_address("127.0.0.1", 0, &address));
    listener = open_listener(address, &port);
    CHECK(listener >= 0 && parse_address("127.0.0.1", port, &address));
    ours = start_connect(address);
    wait_for(listener, POLLIN);
    theirs = platform::accept_socket(listener, nullptr, nullptr);
    CHECK(ours >= 0 && theirs >= 0);
  }
  Pair(const Pair&) = delete;
  ~Pair() {
    for (const int fd : {listener, ours, theirs}) {
      if (fd >= 0) close(fd);
    }
  }
  void say(const char* text) const {
    const auto bytes = static_cast<uint32_t>(std::strlen(text));
    CHECK(send_bytes(theirs, reinterpret_cast<const uint8_t*>(text), bytes) == bytes);
  }
  void close_theirs() {
    close(theirs);
    theirs = -1;
  }
};

}  // namespace chordite
