// Sockets that are not there: what the endpoint asks of the kernel is answered from memory, as the input of the fuzzer
// wants it. The system calls come here by the linker's --wrap, so that the endpoint's own code is tested as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chordite::kernel {

/** One descriptor of the endpoint. The other end is the test, which reads and writes the fields. */
struct Socket {
  bool open = false;
  bool listening = false;

  bool connecting = false;
  /** How connecting ends, once it does. */
  int connect_error = 0;

  /** From the test to the endpoint; what has been read is not kept. */
  std::vector<uint8_t> inbox;
  size_t inbox_at = 0;
  /** Bytes that one recv gives at most. */
  uint32_t read_max = UINT32_MAX;
  bool ended = false;
  bool reset = false;

  /** From the endpoint to the test. */
  std::vector<uint8_t> outbox;
  /** Bytes that it takes before it says EAGAIN. */
  uint32_t room = UINT32_MAX;
  bool shut_for_writing = false;

  bool watched = false;
  uint32_t interest = 0;
  uint64_t token = 0;

  [[nodiscard]] bool readable() const;
  [[nodiscard]] bool writable() const;
  [[nodiscard]] size_t unread() const { return inbox.size() - inbox_at; }
};

/** Everything is as at first: no descriptor open. */
void reset();
[[nodiscard]] uint32_t open_descriptors();
/** As many as were ever made since the reset; a closed one is never used again. */
[[nodiscard]] uint32_t sockets();
[[nodiscard]] Socket& socket_at(uint32_t index);

/** Somebody wants in: the index of the socket that accept will give, and the port that it will say that it comes from.
 */
uint32_t knock();
/** accept says `error` once, before it takes the next one. */
void refuse_accept(int error);
/** The next socket() fails with EMFILE. */
void refuse_socket();

}  // namespace chordite::kernel
