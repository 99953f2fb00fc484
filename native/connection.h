// One socket: connecting, reading, writing, and what is kept for it between wake-ups.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <span>

#include "byte_queue.h"
#include "head_log.h"
#include "output_queue.h"
#include "ring.h"
#include "unsent_limit.h"

namespace chordite {

enum class State : uint8_t {
  free,        // slot not in use
  connecting,  // dialed, not yet open
  open,
  draining,   // closed by us: what is queued still leaves, what comes is thrown away
  lingering,  // all has left and the other end was told; waiting for it to close, so that nothing in flight is lost
  dead,       // descriptor closed; the slot waits until JavaScript has seen `closed`
};

inline constexpr uint32_t kNoPiece = UINT32_MAX;

struct Connection {
  int fd = -1;
  uint32_t index = 0;
  uint32_t generation = 0;
  State state = State::free;
  bool dialed = false;
  /** The first frame was a hello. */
  bool greeted = false;
  /** close() came while connecting. */
  bool closing = false;
  /** Writing failed: reading finds the reason, output is dropped. */
  bool broken = false;
  bool writes_watched = false;
  /** JavaScript has been handed `closed`. */
  bool reported = false;
  uint32_t linger_ticks = 0;
  /** What is to leave with the next flush. */
  uint32_t first_piece = kNoPiece;
  uint32_t last_piece = kNoPiece;
  /** Output that the kernel did not take. Copied out of the transmit ring, whose bytes die with the flush. */
  OutputQueue output;
  UnsentLimit unsent;
  /** The beginning of a frame that has not come whole. Copied out of the receive ring, which the next wake-up refills.
   */
  ByteQueue tail;
  uint32_t tail_needed = 0;
  /** Bytes that a read brought: the most of the last ones, fading. */
  uint32_t usual_read = 0;
  /** Of the frames that went on over it without JavaScript. */
  HeadLog heads;
  /** Wake-up at which the tail last grew. */
  uint64_t tail_since = 0;

  [[nodiscard]] uint64_t token() const { return uint64_t{generation} << 32 | index; }
};

/** A numeric address. */
struct Address {
  sockaddr_storage storage;
  socklen_t size;
};

/** False if `host` is no numeric IPv4 or IPv6 address. */
[[nodiscard]] bool parse_address(const char* host, uint16_t port, Address* address);

/** Writes the numeric host (no zero at the end) and returns its length, 0 if it has none. Sets `port`. */
uint32_t format_address(const Address& address, char* host, uint32_t host_bytes, uint32_t* port);

/** A bound, listening socket, or -errno. Sets `port` to the one bound. */
[[nodiscard]] int open_listener(const Address& address, uint16_t* port);

/** A socket that has started to connect, or -errno. */
[[nodiscard]] int start_connect(const Address& address);

/** How connecting ended, as one of the reasons for closing. */
uint32_t connect_failure(int error);

/** Bytes that the kernel took; -1 if the connection is broken. */
[[nodiscard]] int64_t send_bytes(int fd, const uint8_t* bytes, uint32_t count);
[[nodiscard]] int64_t send_pieces(int fd, std::span<iovec> pieces);

/** Throws away what can be read now. True if the other end has closed or the connection broke. */
[[nodiscard]] bool discard_input(int fd);

}  // namespace chordite
