// A whole endpoint between a kernel that does anything it may and handlers that do anything they may: the input is the
// script.

#include <cerrno>
#include <cstring>

#include "endpoint_model.h"

using namespace chordite;

namespace {

/** Reads the script; past its end everything is zero. */
class Script {
 public:
  Script(const uint8_t* bytes, size_t size) : bytes_(bytes), size_(size) {}
  [[nodiscard]] bool done() const { return at_ >= size_; }
  uint8_t byte() { return done() ? 0 : bytes_[at_++]; }
  void bytes(std::vector<uint8_t>& to, uint32_t count) {
    while (count-- > 0 && !done()) to.push_back(byte());
  }

 private:
  const uint8_t* bytes_;
  size_t size_;
  size_t at_ = 0;
};

constexpr uint32_t kSocketsMax = 24;
constexpr uint32_t kBytesMax = 1 << 18;

class Play {
 public:
  Play(const uint8_t* bytes, size_t size) : script_(bytes, size), model_(limits()) {}

  void run() {
    (void)model_.endpoint.listen("127.0.0.1", 4000);
    while (!script_.done() && model_.endpoint.is_open()) {
      step();
      model_.check_output();
    }
    if (model_.endpoint.is_open()) calm_down();
    model_.endpoint.shut();
    model_.endpoint.shut_poller();
    REQUIRE(kernel::open_descriptors() == 0);
  }

 private:
  Limits limits() {
    const uint8_t choice = script_.byte();
    Limits limits;
    limits.output_bytes = (choice & 1) != 0 ? 256 : 1 << 16;
    limits.accepted_max = (choice & 2) != 0 ? 2 : 1000;
    limits.tail_bytes_max = (choice & 4) != 0 ? 1024 : 1 << 20;
    return limits;
  }

  void step();
  void wake();
  void wake_until_idle();
  void append_frame(std::vector<uint8_t>& inbox);
  void calm_down();

  /** One of the sockets, also such as nobody has accepted yet; null if there is none. */
  kernel::Socket* some_socket() {
    const uint8_t choice = script_.byte();
    if (kernel::sockets() == 0) return nullptr;
    kernel::Socket& socket = kernel::socket_at(choice % kernel::sockets());
    return socket.listening ? nullptr : &socket;
  }

  Link* some_link() {
    const uint8_t choice = script_.byte();
    return model_.links.empty() ? nullptr : &model_.links[choice % model_.links.size()];
  }

  Script script_;
  EndpointModel model_;
  uint32_t bytes_sent_ = 0;
  uint32_t next_word_ = 0;
};

void Play::step() {
  kernel::Socket* socket = nullptr;
  Link* link = nullptr;
  switch (script_.byte() % 20) {
    case 0:
      if (kernel::sockets() < kSocketsMax) (void)kernel::knock();
      return;
    case 1:
      if ((socket = some_socket()) != nullptr && !socket->ended) append_frame(socket->inbox);
      return;
    case 2:  // bytes as they stand in the script
      if ((socket = some_socket()) != nullptr && !socket->ended) script_.bytes(socket->inbox, script_.byte());
      return;
    case 3:
      if ((socket = some_socket()) != nullptr) socket->ended = true;
      return;
    case 4:
      if ((socket = some_socket()) != nullptr && !socket->connecting) socket->reset = true;
      return;
    case 5:
      if ((socket = some_socket()) != nullptr) socket->room = script_.byte() * 5U;
      return;
    case 6:
      if ((socket = some_socket()) != nullptr) socket->room = UINT32_MAX;
      return;
    case 7:
      if ((socket = some_socket()) != nullptr) socket->read_max = 1U + script_.byte();
      return;
    case 8:
      if (kernel::sockets() < kSocketsMax) model_.dial(script_.byte() % 8 != 0);
      return;
    case 9:
      if ((socket = some_socket()) != nullptr && socket->connecting) {
        socket->connecting = false;
        constexpr int kErrors[] = {0, 0, ECONNREFUSED, EHOSTUNREACH};
        socket->connect_error = kErrors[script_.byte() % 4];
      }
      return;
    case 10:
      if ((link = some_link()) != nullptr) (void)model_.send(*link, 32U + script_.byte() * 8U);
      return;
    case 11:
      if ((link = some_link()) != nullptr) model_.close(*link, script_.byte() % 2 != 0);
      return;
    case 12:
      (void)model_.endpoint.flush();
      return;
    case 13:
      model_.endpoint.tick();
      return;
    case 14: {
      constexpr int kErrors[] = {EMFILE, ECONNABORTED, EINTR, ENOMEM};
      kernel::refuse_accept(kErrors[script_.byte() % 4]);
      return;
    }
    case 15: {
      const uint8_t what = script_.byte();
      model_.reaction = {(what & 1) != 0, (what & 2) != 0,       (what & 4) != 0,
                         (what & 8) != 0, (what & 0x18) == 0x18, what == 0xff};
      return;
    }
    case 16:
      if (script_.byte() % 4 == 0) {
        model_.endpoint.unlisten();
      } else {
        (void)model_.endpoint.listen("127.0.0.1", 4000);
      }
      return;
    case 17:
      kernel::refuse_socket();
      return;
    default:
      return wake();
  }
}

/** As the event loop does: the poller's readiness, what was asked for, and a flush before it sleeps. */
void Play::wake() {
  model_.endpoint.wake();
  if (model_.soon && model_.endpoint.is_open()) {
    model_.soon = false;
    model_.endpoint.wake_for_pending();
  }
  if (model_.endpoint.is_open()) (void)model_.endpoint.flush();
}

/** A frame that is good, or wrong in one byte, in few bytes of script. */
void Play::append_frame(std::vector<uint8_t>& inbox) {
  const uint8_t kind = script_.byte();
  const uint8_t scale = script_.byte();
  // Few are long: they cost as much as hundreds of short ones.
  const uint32_t body = (kind & 0xf0) == 0xf0 ? scale * 257U : scale;
  const size_t start = inbox.size();
  uint32_t length = HEADER_BYTES + 4 + body;
  if (length > FRAME_BYTES_MAX) length = FRAME_BYTES_MAX;
  if ((bytes_sent_ += length) > kBytesMax) return;
  inbox.resize(start + padded(length));
  uint8_t* frame = inbox.data() + start;
  for (uint32_t at = HEADER_BYTES; at < length; at += 4) {
    const uint32_t word = ++next_word_;
    std::memcpy(frame + at, &word, 4);
  }
  std::memset(frame + length, 0, padded(length) - length);
  std::memcpy(frame + AT_LENGTH, &length, 4);
  frame[AT_VERSION] = PROTOCOL_VERSION;
  frame[AT_TYPE] = (kind & 1) != 0 ? TYPE_HELLO : 66;
  std::memcpy(frame + HEADER_BYTES, &HELLO_MAGIC, 4);
  if ((kind & 2) != 0) frame[AT_EXTENSIONS] = script_.byte() & EXTENSIONS_KNOWN;
  if ((kind & 4) != 0) frame[script_.byte() % padded(length)] = script_.byte();
  // Half a frame, whose rest may or may not follow.
  if ((kind & 8) != 0) inbox.resize(start + script_.byte() % padded(length));
}

void Play::wake_until_idle() {
  for (int round = 0;; ++round) {
    REQUIRE(round < 20000);  // else something is ready for ever and never taken
    bool ready = model_.soon;
    for (uint32_t i = 0; i < kernel::sockets() && !ready; ++i) {
      const kernel::Socket& socket = kernel::socket_at(i);
      if (!socket.open || !socket.watched) continue;
      ready = (socket.readable() && (socket.interest & 1) != 0) || (socket.writable() && (socket.interest & 4) != 0) ||
              socket.reset || socket.connect_error != 0;
    }
    if (!ready) return;
    wake();
    if (!model_.endpoint.is_open()) return;
  }
}

/** The kernel stops being difficult: then everything that was under way must come to its end. */
void Play::calm_down() {
  model_.reaction = {};
  for (uint32_t i = 0; i < kernel::sockets(); ++i) {
    kernel::Socket& socket = kernel::socket_at(i);
    socket.connecting = false;
    socket.room = socket.read_max = UINT32_MAX;
  }
  for (int tick = 0; tick < 2 && model_.ticking; ++tick) model_.endpoint.tick();
  (void)model_.endpoint.flush();
  wake_until_idle();
  model_.check_quiet();
  // Lingering ends by itself.
  for (int tick = 0; tick < 25 && model_.ticking; ++tick) model_.endpoint.tick();
  REQUIRE(!model_.ticking);
  for (const Link& link : model_.links) {
    if (link.closed && link.socket != Link::kNoSocket) REQUIRE(!kernel::socket_at(link.socket).open);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  Play(bytes, size).run();
  // Now, not before the next one: memory that an input leaves behind is looked for as a leak.
  kernel::reset();
  return 0;
}
