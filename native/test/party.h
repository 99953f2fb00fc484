// An endpoint with shared memory of its own, in the place of JavaScript, on a loop that is poll(2), in the place of
// libuv. For one thread.
#pragma once

#include <poll.h>

#include <cstring>
#include <ctime>
#include <functional>
#include <initializer_list>
#include <utility>
#include <vector>

#include "../endpoint.h"
#include "check.h"

namespace chordite {

struct Link {
  uint32_t index;
  uint32_t generation;
};

class Party {
 public:
  std::function<void(Link)> opened = [](Link) {};
  /** The frame lies in the receive ring, and only for this call. */
  std::function<void(Link, const uint8_t* frame, uint32_t length)> frame = [](Link, const uint8_t*, uint32_t) {};
  std::function<void(Link)> drained = [](Link) {};
  std::function<void(Link, uint32_t reason)> closed = [](Link, uint32_t) {};

  explicit Party(const Limits& limits = {1 << 20, 1024, 16 << 20}) : limits_(limits) {
    SharedMemory memory;
    memory.receive = reinterpret_cast<uint8_t*>(receive_.data());
    memory.receive_bytes = kRingBytes;
    memory.transmit = reinterpret_cast<uint8_t*>(transmit_.data());
    memory.transmit_bytes = kRingBytes;
    memory.descriptors = descriptors_.data();
    memory.runs = runs_.data();
    memory.links = links_.data();
    memory.link_slots = kSlots;
    memory.control = control_.data();
    memory.counters = counters_.data();
    Host host;
    host.self = this;
    host.deliver = [](void* self) { static_cast<Party*>(self)->deliver(); };
    host.soon = [](void* self) { static_cast<Party*>(self)->soon_ = true; };
    host.tick = [](void* self, bool on) { static_cast<Party*>(self)->next_tick_ms_ = on ? now_ms() + kTickMs : 0; };
    CHECK(endpoint_.open(memory, limits, host) == 0);
  }
  Party(const Party&) = delete;
  ~Party() {
    endpoint_.shut();
    endpoint_.shut_poller();
  }

  [[nodiscard]] uint16_t listen() {
    const int port = endpoint_.listen("127.0.0.1", 0);
    CHECK(port > 0);
    return static_cast<uint16_t>(port);
  }
  [[nodiscard]] Link dial(uint16_t port) {
    const int32_t index = endpoint_.dial("127.0.0.1", port);
    CHECK(index >= 0);
    return {static_cast<uint32_t>(index), words(static_cast<uint32_t>(index))[LINK_GENERATION]};
  }
  /** False if too much waits already; `drained` follows then. */
  [[nodiscard]] bool send(Link link, uint16_t type, const uint8_t* body, uint32_t bytes) {
    const uint32_t length = HEADER_BYTES + bytes;
    uint8_t* at = commit(link, length, type < TYPE_LOOKUP ? CLASS_MAINTENANCE : CLASS_APPLICATION);
    if (at == nullptr) return false;
    std::memset(at, 0, HEADER_BYTES);
    std::memcpy(at + AT_LENGTH, &length, 4);
    std::memcpy(at + AT_TYPE, &type, 2);
    at[AT_VERSION] = PROTOCOL_VERSION;
    if (bytes > 0) std::memcpy(at + HEADER_BYTES, body, bytes);
    return true;
  }
  /** The same for a whole frame. */
  [[nodiscard]] bool send_frame(Link link, const std::vector<uint8_t>& frame) {
    uint8_t* at = commit(link, static_cast<uint32_t>(frame.size()), class_of(frame.data()));
    if (at != nullptr) std::memcpy(at, frame.data(), frame.size());
    return at != nullptr;
  }
  /** What every connection opens with. */
  void greet(Link link) {
    CHECK(send(link, TYPE_HELLO, reinterpret_cast<const uint8_t*>(&HELLO_MAGIC), sizeof HELLO_MAGIC));
  }
  /** Whether frames by key may be passed on from there, and to there. */
  void routable(Link link, bool from, bool to) {
    words(link.index)[LINK_ROUTE] = (from ? ROUTE_FROM : 0) | (to ? ROUTE_TO : 0);
  }
  /** Frames by key go by these from now on, if they are good. */
  bool route(const std::vector<uint32_t>& routes) {
    const bool good = endpoint_.install_routes(routes.data(), routes.size());
    control_[CONTROL_ROUTING] = good ? 1 : 0;
    return good;
  }
  void close(Link link, bool now) { endpoint_.close_link(link.index, link.generation, now); }

  [[nodiscard]] bool is_ready() const {
    pollfd waiting{endpoint_.poll_fd(), POLLIN, 0};
    return poll(&waiting, 1, 0) == 1;
  }
  /** Once around, as libuv goes: what is due, what is ready, and the flush before it would wait. */
  void turn() {
    if (next_tick_ms_ != 0 && now_ms() >= next_tick_ms_) {
      next_tick_ms_ = now_ms() + kTickMs;
      endpoint_.tick();
    }
    if (soon_) {
      soon_ = false;
      endpoint_.wake_for_pending();
    }
    if (is_ready()) endpoint_.wake();
    (void)endpoint_.flush();
  }
  [[nodiscard]] bool is_waiting() const { return !soon_ && !is_ready(); }
  /** Until the next thing to do: a descriptor, or a tick. */
  static void wait(std::initializer_list<Party*> parties) {
    std::vector<pollfd> waiting;
    for (Party* party : parties) {
      if (party->soon_) return;
      waiting.push_back({party->endpoint_.poll_fd(), POLLIN, 0});
    }
    (void)poll(waiting.data(), waiting.size(), static_cast<int>(kTickMs));
  }

  [[nodiscard]] Endpoint& endpoint() { return endpoint_; }
  [[nodiscard]] double counter(uint32_t which) const { return counters_[which]; }
  [[nodiscard]] uint32_t word(Link link, uint32_t which) { return words(link.index)[which]; }

  static uint64_t now_ms() {
    timespec now{};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
  }

 private:
  static constexpr uint32_t kRingBytes = 1 << 20;
  static constexpr uint32_t kSlots = 1024;

  uint32_t* words(uint32_t index) { return links_.data() + size_t{index} * LINK_WORDS; }

  /** Where to write a frame that leaves with the next flush; null if too much waits already. */
  uint8_t* commit(Link link, uint32_t length, uint32_t traffic_class) {
    if (words(link.index)[LINK_QUEUED] >= limits_.output_bytes) {
      (void)endpoint_.flush();
      if (words(link.index)[LINK_WAITING + traffic_class] >= limits_.output_bytes) {
        words(link.index)[LINK_REFUSED] |= 1U << traffic_class;
        return nullptr;
      }
    }
    if (control_[CONTROL_RUNS] == RUNS_MAX || head_ + padded(length) > kRingBytes) (void)endpoint_.flush();
    if (control_[CONTROL_RUNS] == 0) head_ = 0;
    uint8_t* at = reinterpret_cast<uint8_t*>(transmit_.data()) + head_;
    std::memset(at + padded(length) - FRAME_ALIGN, 0, FRAME_ALIGN);
    uint32_t* run = runs_.data() + size_t{control_[CONTROL_RUNS]++} * RUN_WORDS;
    run[0] = link.index;
    run[1] = link.generation;
    run[2] = head_;
    run[3] = padded(length);
    head_ += padded(length);
    words(link.index)[LINK_QUEUED] += padded(length);
    return at;
  }

  void deliver() {
    const uint32_t count = control_[CONTROL_DESCRIPTORS];
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t* words = descriptors_.data() + size_t{i} * DESCRIPTOR_WORDS;
      const Link link{words[0] & ((1U << KIND_SHIFT) - 1), words[1]};
      switch (words[0] >> KIND_SHIFT) {
        case KIND_FRAME:
          frame(link, reinterpret_cast<const uint8_t*>(receive_.data()) + words[2], words[3]);
          break;
        case KIND_OPENED:
          opened(link);
          break;
        case KIND_DRAINED:
          drained(link);
          break;
        default:
          closed(link, words[2]);
      }
    }
  }

  const Limits limits_;
  std::vector<uint64_t> receive_ = std::vector<uint64_t>(kRingBytes / 8);
  std::vector<uint64_t> transmit_ = std::vector<uint64_t>(kRingBytes / 8);
  std::vector<uint32_t> descriptors_ = std::vector<uint32_t>(size_t{DESCRIPTORS_MAX} * DESCRIPTOR_WORDS);
  std::vector<uint32_t> runs_ = std::vector<uint32_t>(size_t{RUNS_MAX} * RUN_WORDS);
  std::vector<uint32_t> links_ = std::vector<uint32_t>(size_t{kSlots} * LINK_WORDS);
  std::vector<uint32_t> control_ = std::vector<uint32_t>(CONTROL_WORDS);
  std::vector<double> counters_ = std::vector<double>(COUNTERS);
  uint32_t head_ = 0;
  bool soon_ = false;
  uint64_t next_tick_ms_ = 0;
  Endpoint endpoint_;
};

/** Turns all of them until `done`; fails if that takes longer than a machine can be slow. */
template <typename Done>
void run_until(std::initializer_list<Party*> parties, Done done) {
  const uint64_t deadline_ms = Party::now_ms() + 60000;
  while (!done()) {
    CHECK(Party::now_ms() < deadline_ms);
    Party::wait(parties);
    for (Party* party : parties) party->turn();
  }
}

/** Nothing more happens, and nobody is kept awake by what is not wanted. */
inline void settle(std::initializer_list<Party*> parties) {
  run_until(parties, [&] {
    for (const Party* party : parties) {
      if (!party->is_waiting()) return false;
    }
    return true;
  });
}

/** Of all frames but hellos. */
inline constexpr uint16_t kType = 16;

using Key = std::pair<uint32_t, uint32_t>;
inline Key key_of(Link link) { return {link.index, link.generation}; }

/** Bodies that say where they belong: their number on their connection, then bytes that follow from it. */
inline std::vector<uint8_t> body_of(uint32_t number, uint32_t bytes) {
  std::vector<uint8_t> body(bytes);
  for (uint32_t i = 0; i < bytes; ++i) body[i] = static_cast<uint8_t>(number * 31 + i);
  if (bytes >= 4) std::memcpy(body.data(), &number, 4);
  return body;
}

inline bool is_body_of(uint32_t number, const uint8_t* frame, uint32_t length) {
  const std::vector<uint8_t> expected = body_of(number, length - HEADER_BYTES);
  return expected.empty() || std::memcmp(frame + HEADER_BYTES, expected.data(), expected.size()) == 0;
}

inline bool is_hello_frame(const uint8_t* frame) { return frame[AT_TYPE] == TYPE_HELLO && frame[AT_TYPE + 1] == 0; }

}  // namespace chordite
