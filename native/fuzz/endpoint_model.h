// The JavaScript side of an endpoint, as plainly as it can be told, and what must be true of each batch: every frame
// that a connection brought comes out once, in order and as it was, however the kernel cut it; each link opens, closes
// for the right reason and is not heard of again; what was committed leaves frame by frame, in order within its class,
// and the shared words say how much has not left yet.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "../endpoint.h"
#include "kernel.h"
#include "reference.h"

namespace chordite {

struct Link {
  static constexpr uint32_t kNoSocket = UINT32_MAX;

  uint32_t index = 0;
  uint32_t generation = 0;
  /** In the kernel. */
  uint32_t socket = kNoSocket;
  bool dialed = false;
  bool opened = false;
  /** Our side has not closed it, and has not heard that it is closed. */
  bool open = true;
  bool closed_by_us = false;
  /** `closed` was delivered. */
  bool closed = false;
  bool greeted = false;
  /** How many of the bytes that the socket brought were frames that have been delivered. */
  size_t seen = 0;
  size_t committed = 0;
  /** Frames of each class that have not left whole. */
  std::deque<std::vector<uint8_t>> waiting[CLASSES];
  /** How many of the bytes that have left are frames that were found to be right. */
  size_t checked = 0;
};

class EndpointModel {
 public:
  /** What a handler does besides looking. */
  struct Reaction {
    bool echo = false;
    bool flush = false;
    bool dial = false;
    bool close = false;
    bool close_now = false;
    bool shut = false;
  };

  static constexpr uint32_t kReceiveBytes = 4 * FRAME_BYTES_MAX;
  static constexpr uint32_t kTransmitBytes = 2 * FRAME_BYTES_MAX;
  static constexpr uint32_t kLinkSlots = 128;

  explicit EndpointModel(const Limits& limits);

  Endpoint endpoint;
  Reaction reaction;
  /** What the endpoint wants of its host. */
  bool soon = false;
  bool ticking = false;
  /** All that there ever were, in the order in which they came; they stay where they are. */
  std::deque<Link> links;

  void dial(bool valid);
  /** As NativeTransport: false if the link's queue is full. */
  bool send(Link& link, uint32_t bytes);
  void close(Link& link, bool now);

  /** What left are frames that were committed, and the shared words know the rest. */
  void check_output();
  /** After everything has been delivered and taken: nothing is left over anywhere. */
  void check_quiet();

 private:
  void deliver();
  void on_frame(Link& link, uint32_t offset, uint32_t length);
  void on_opened(uint32_t index, uint32_t generation, uint32_t at, uint32_t length_and_port);
  void on_closed(Link& link, uint32_t reason);
  void react(Link& link, uint32_t length);
  void check_left(Link& link, const uint8_t* bytes, size_t count);
  Link& link_of(uint32_t index, uint32_t generation);

  std::map<uint32_t, Link*> by_index_;
  Limits limits_;
  uint32_t head_ = 0;
  uint32_t next_word_ = 0;
};

}  // namespace chordite
