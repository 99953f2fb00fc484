// Endpoints whose connections come and go: over epoll, and over kqueue with the sockets of a BSD.

#include <sys/resource.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <vector>

#include "party.h"

using namespace chordite;

namespace {

/** Whole batches of ready connections closed by the first of them, and slots and descriptors taken again at once. */
void closing_what_is_ready() {
  constexpr uint32_t kLinks = 64;
  Party server;
  Party client;
  const uint16_t port = server.listen();
  std::map<Key, bool> open;
  uint32_t late = 0;
  bool closing = false;
  server.opened = [&](Link link) {
    CHECK(!open.contains(key_of(link)));
    open[key_of(link)] = true;
  };
  server.closed = [&](Link link, uint32_t) { open.erase(key_of(link)); };
  client.opened = [&](Link link) { client.greet(link); };
  for (uint32_t round = 0; round < 4; ++round) {
    std::vector<Link> links;
    for (uint32_t i = 0; i < kLinks; ++i) links.push_back(client.dial(port));
    server.frame = [](Link, const uint8_t*, uint32_t) {};
    run_until({&server, &client}, [&] { return open.size() == kLinks && client.counter(COUNT_OPEN) == kLinks; });
    settle({&server, &client});
    for (const Link link : links) CHECK(client.send(link, kType, nullptr, 0));
    client.turn();
    server.frame = [&](Link, const uint8_t*, uint32_t) {
      if (closing) ++late;
      if (closing) return;
      closing = true;
      const std::map<Key, bool> all = open;
      for (const auto& [key, _] : all) server.close({key.first, key.second}, true);
      for (uint32_t i = 0; i < 8; ++i) server.close(server.dial(port), true);
    };
    run_until({&server, &client}, [&] { return closing && open.empty() && client.counter(COUNT_OPEN) == 0; });
    settle({&server, &client});
    closing = false;
  }
  // Those of the same batch had been handed over already; nothing of a later one.
  CHECK(late < 4 * kLinks);
}

/** Without descriptors accepting pauses instead of spinning, and goes on when there are some. */
void out_of_descriptors() {
  constexpr uint32_t kLinks = 12;
  Party server;
  Party client;
  const uint16_t port = server.listen();
  std::vector<Link> accepted;
  server.opened = [&](Link link) { accepted.push_back(link); };
  client.opened = [&](Link link) { client.greet(link); };
  for (uint32_t i = 0; i < kLinks; ++i) (void)client.dial(port);
  const int next = dup(0);
  CHECK(next > 0);
  close(next);
  rlimit limit{};
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit few{static_cast<rlim_t>(next) + 4, limit.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  run_until({&server, &client}, [&] { return accepted.size() == 4; });
  settle({&server, &client});
  server.close(accepted[0], true);
  run_until({&server, &client}, [&] { return accepted.size() == 5; });
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  run_until({&server, &client}, [&] { return accepted.size() == kLinks; });
  settle({&server, &client});
}

/** One end of what anything() does. */
struct Side : Party {
  struct Counts {
    uint32_t sent = 0;
    uint32_t received = 0;
  };
  std::map<Key, Counts> links;
  /** Closed by us, some long ago: nothing that is said of them may touch who has their slot now. */
  std::vector<Link> gone;
  uint16_t port = 0;
  bool ending = false;

  Side() : Party({1 << 17, 256, 1 << 20}) {
    port = listen();
    opened = [this](Link link) {
      if (ending) return close(link, false);
      links[key_of(link)] = {};
      greet(link);
    };
    closed = [this](Link link, uint32_t reason) {
      const bool by_us = links.erase(key_of(link)) == 0;
      CHECK(by_us || reason == REASON_ENDED || reason == REASON_RESET);
    };
    frame = [this](Link link, const uint8_t* bytes, uint32_t length) {
      const auto found = links.find(key_of(link));
      if (found == links.end() || is_hello_frame(bytes)) return;
      CHECK(is_body_of(found->second.received++, bytes, length));
    };
  }
  void end() {
    ending = true;
    while (!links.empty()) {
      const auto [index, generation] = links.begin()->first;
      links.erase(links.begin());
      close({index, generation}, false);
    }
  }
  void act(Random& random, uint16_t to) {
    const uint32_t action = random.below(100);
    if (action < 6 && links.size() < 100) (void)dial(to);
    if (action < 6) return;
    if (action >= 70 || links.empty()) return turn();
    if (action < 8 && !gone.empty())
      close(gone[random.below(static_cast<uint32_t>(gone.size()))], random.below(2) == 0);
    auto at = links.begin();
    std::advance(at, random.below(static_cast<uint32_t>(links.size())));
    const Link link{at->first.first, at->first.second};
    if (action < 12) {
      links.erase(at);
      gone.push_back(link);
      close(link, random.below(2) == 0);
    } else {
      const uint32_t bytes = random.below(16) == 0 ? random.below(60000) : random.below(200);
      const std::vector<uint8_t> body = body_of(at->second.sent, bytes);
      if (send(link, kType, body.data(), bytes)) ++at->second.sent;
    }
  }
};

/** In any order: every connection opens and closes once, and its frames come in order until it ends. */
void anything() {
  Random random;
  Side one;
  Side other;
  for (uint32_t step = 0; step < 20000; ++step) {
    Side& side = random.below(2) == 0 ? one : other;
    side.act(random, random.below(2) == 0 ? one.port : other.port);
  }
  one.end();
  other.end();
  run_until({&one, &other}, [&] { return one.counter(COUNT_OPEN) == 0 && other.counter(COUNT_OPEN) == 0; });
  settle({&one, &other});
  for (const Side* side : {&one, &other}) {
    double closed = 0;
    for (uint32_t i = COUNT_REASONS; i <= COUNT_REASONS + REASON_MEMORY; ++i) closed += side->counter(i);
    CHECK(closed == side->counter(COUNT_ACCEPTED) + side->counter(COUNT_DIALED));
    CHECK(side->counter(COUNT_FRAMES_IN) > 1000 && side->gone.size() > 100);
  }
}

}  // namespace

int main() {
  closing_what_is_ready();
  out_of_descriptors();
  anything();
}
