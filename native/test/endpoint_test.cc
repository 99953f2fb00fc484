// Whole endpoints over real sockets, without Node.js: over epoll, and over kqueue with the sockets of a BSD.

#include "../endpoint.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <vector>

#include "party.h"

using namespace chordite;

namespace {

/** Sends back what it gets, and hellos. */
struct Echo : Party {
  uint32_t open = 0;
  explicit Echo(const Limits& limits = {1 << 20, 1024, 16 << 20}) : Party(limits) {
    opened = [this](Link link) {
      ++open;
      greet(link);
    };
    closed = [this](Link, uint32_t) { --open; };
    frame = [this](Link link, const uint8_t* bytes, uint32_t length) {
      if (!is_hello_frame(bytes)) CHECK(send(link, kType, bytes + HEADER_BYTES, length - HEADER_BYTES));
    };
  }
};

/** Many connections, sizes from none to the largest, echoed in order; closed in order. */
void echo() {
  constexpr uint32_t kLinks = 50;
  constexpr uint32_t kFrames = 20;
  Echo server;
  Party client;
  Random random;
  const uint16_t port = server.listen();
  std::map<Key, uint32_t> answers;
  uint32_t done = 0;
  uint32_t ended = 0;
  client.opened = [&](Link link) {
    client.greet(link);
    for (uint32_t i = 0; i < kFrames; ++i) {
      const std::vector<uint8_t> body = body_of(i, random.below(8) == 0 ? 65504 - random.below(64) : random.below(300));
      CHECK(client.send(link, kType, body.data(), static_cast<uint32_t>(body.size())));
    }
  };
  client.frame = [&](Link link, const uint8_t* bytes, uint32_t length) {
    if (is_hello_frame(bytes)) return;
    CHECK(is_body_of(answers[key_of(link)]++, bytes, length));
    if (answers[key_of(link)] < kFrames) return;
    ++done;
    client.close(link, false);
  };
  client.closed = [&](Link, uint32_t reason) {
    CHECK(reason == REASON_LOCAL);
    ++ended;
  };
  for (uint32_t i = 0; i < kLinks; ++i) (void)client.dial(port);
  run_until({&server, &client}, [&] { return done == kLinks && ended == kLinks && server.open == 0; });
  CHECK(server.counter(COUNT_REASONS + REASON_ENDED) == kLinks);
  settle({&server, &client});
}

/** Who does not read is not written to without end; once there is room again all comes, and the poller sleeps. */
void back_pressure() {
  Party server({1 << 18, 16, 1 << 20});
  Party client;
  const uint16_t port = server.listen();
  Link to{};
  uint32_t sent = 0;
  uint32_t drained = 0;
  uint32_t received = 0;
  const auto fill = [&] {
    for (;;) {
      const std::vector<uint8_t> body = body_of(sent, 1000 + sent % 5000);
      if (!server.send(to, kType, body.data(), static_cast<uint32_t>(body.size()))) return;
      ++sent;
    }
  };
  server.opened = [&](Link link) {
    to = link;
    server.greet(link);
    fill();
  };
  server.drained = [&](Link) {
    if (++drained < 3) fill();
  };
  client.frame = [&](Link, const uint8_t* bytes, uint32_t length) {
    if (!is_hello_frame(bytes)) CHECK(is_body_of(received++, bytes, length));
  };
  client.opened = [&](Link link) { client.greet(link); };
  (void)client.dial(port);
  run_until({&client}, [&] { return client.counter(COUNT_OPEN) == 1 && !server.is_waiting(); });
  run_until({&server}, [&] { return sent > 0 && server.is_waiting(); });
  CHECK(drained == 0 && received == 0);
  run_until({&server, &client}, [&] { return drained == 3 && received == sent; });
  settle({&server, &client});
}

/** A socket of the test's own, for what no endpoint does. */
struct Raw {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  explicit Raw(uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  }
  Raw(const Raw&) = delete;
  ~Raw() { close(fd); }
  void say(const std::vector<uint8_t>& bytes) const {
    CHECK(::send(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
};

std::vector<uint8_t> frame_of(uint16_t type, uint32_t word) {
  std::vector<uint8_t> frame(HEADER_BYTES + 8);
  const uint32_t length = HEADER_BYTES + 4;
  std::memcpy(frame.data() + AT_LENGTH, &length, 4);
  std::memcpy(frame.data() + AT_TYPE, &type, 2);
  frame[AT_VERSION] = PROTOCOL_VERSION;
  std::memcpy(frame.data() + HEADER_BYTES, &word, 4);
  return frame;
}

/** However a connection ends, it is told once, with the right reason, after all frames that came before. */
void endings() {
  Party server;
  const uint16_t port = server.listen();
  uint32_t frames = 0;
  std::vector<uint32_t> reasons;
  server.frame = [&](Link, const uint8_t*, uint32_t) { ++frames; };
  server.closed = [&](Link, uint32_t reason) { reasons.push_back(reason); };
  const auto ends_with = [&](uint32_t reason) {
    const size_t before = reasons.size();
    run_until({&server}, [&] { return reasons.size() > before; });
    CHECK(reasons.back() == reason && server.counter(COUNT_OPEN) == 0);
    settle({&server});
  };
  const std::vector<uint8_t> hello = frame_of(TYPE_HELLO, HELLO_MAGIC);
  {
    const Raw raw(port);
    raw.say(hello);
    raw.say(frame_of(kType, 1));
  }
  ends_with(REASON_ENDED);
  CHECK(frames == 2);
  {
    const Raw raw(port);
    raw.say(frame_of(kType, 1));
    ends_with(REASON_HELLO);
  }
  {
    const Raw raw(port);
    raw.say(hello);
    raw.say(std::vector<uint8_t>(64, 0xff));
    ends_with(REASON_LENGTH);
  }
  for (const bool with_output : {false, true}) {
    frames = 0;
    Link to{};
    server.opened = [&](Link link) { to = link; };
    {
      const Raw raw(port);
      raw.say(hello);
      run_until({&server}, [&] { return frames == 1; });
      const std::vector<uint8_t> body(60000);
      // Until output waits for room, which the reset then takes away.
      for (int i = 0; with_output && i < 300; ++i) {
        if (!server.send(to, kType, body.data(), 60000)) break;
      }
      settle({&server});
      const linger at_once{1, 0};
      CHECK(setsockopt(raw.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    }
    ends_with(REASON_RESET);
  }
  server.endpoint().unlisten();
  (void)server.dial(port);
  ends_with(REASON_REFUSED);
}

/** Whoever sends little is served between parts of what the others have sent, and does not keep those waiting. */
void light_beside_heavy() {
  constexpr uint32_t kHeavy = 15;
  constexpr uint32_t kEach = 200;
  Party server;
  const uint16_t port = server.listen();
  uint32_t heavy = 0;
  uint32_t light = 0;
  server.frame = [&](Link, const uint8_t* bytes, uint32_t) {
    if (is_hello_frame(bytes)) return;
    uint32_t word = 0;
    std::memcpy(&word, bytes + HEADER_BYTES, 4);
    ++(word == 1 ? light : heavy);
  };
  std::vector<uint8_t> much;
  for (uint32_t i = 0; i < kEach; ++i) {
    const std::vector<uint8_t> frame = frame_of(kType, 2);
    much.insert(much.end(), frame.begin(), frame.end());
  }
  const auto greeted = [&](Raw& raw) -> Raw& {
    raw.say(frame_of(TYPE_HELLO, HELLO_MAGIC));
    return raw;
  };
  Raw asker(port);
  (void)greeted(asker);
  std::deque<Raw> crowd;
  for (uint32_t i = 0; i < kHeavy; ++i) (void)greeted(crowd.emplace_back(port));
  // How much each brings is known from the last time.
  for (const Raw& raw : crowd) raw.say(much);
  asker.say(frame_of(kType, 1));
  run_until({&server}, [&] { return heavy == kHeavy * kEach && light == 1; });
  heavy = light = 0;
  for (const Raw& raw : crowd) raw.say(much);
  asker.say(frame_of(kType, 1));
  uint32_t turns = 0;
  while (heavy < kHeavy * kEach) {
    const uint32_t before_light = light;
    const uint32_t before_heavy = heavy;
    server.turn();
    ++turns;
    // One or the other; three connections are more than a part.
    CHECK(light - before_light == turns % 2 && heavy - before_heavy == (turns % 2 == 0 ? 3 * kEach : 0));
    if (turns % 2 == 0) asker.say(frame_of(kType, 1));
  }
  CHECK(turns == 2 * kHeavy / 3);
  settle({&server});
}

}  // namespace

int main() {
  light_beside_heavy();
  echo();
  back_pressure();
  endings();
}
