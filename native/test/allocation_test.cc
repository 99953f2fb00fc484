// No allocation for a message: not for whole ones, not for those that come in parts, not for those that wait for the
// kernel. A connection allocates when it falls further behind than it ever was. Counted by the sanitizer's hooks.

#include <cstddef>
#include <iterator>
#include <vector>

#include "party.h"

using namespace chordite;

extern "C" __attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, size_t),
                                                                               void (*)(const volatile void*));

namespace {

bool counting = false;
uint64_t allocations = 0;

void turn_counted(Party& party) {
  counting = true;
  party.turn();
  counting = false;
}

/** Counts inside of endpoints only. `most` is for connections that have not yet been as far behind as now. */
template <typename Run>
void expect_at_most(uint64_t most, const char* what, Run run) {
  allocations = 0;
  run();
  std::printf("%s: %llu allocations\n", what, static_cast<unsigned long long>(allocations));
  CHECK(allocations <= most);
}

/** 32 links, eight frames on their way on each, echoed: more than one read takes, so that some come in parts. */
void echo() {
  constexpr uint32_t kLinks = 32;
  constexpr uint32_t kSizes[] = {64, 60000, 64, 1000, 60000, 64, 64, 40000};
  const std::vector<uint8_t> body(65536, 7);
  Party server;
  Party client;
  std::vector<Link> links;
  links.reserve(kLinks);
  uint32_t next = 0;
  uint64_t answered = 0;
  const auto ask = [&](Link link) { CHECK(client.send(link, kType, body.data(), kSizes[next++ % std::size(kSizes)])); };
  server.opened = [&](Link link) { server.greet(link); };
  server.frame = [&](Link link, const uint8_t* bytes, uint32_t length) {
    if (!is_hello_frame(bytes)) CHECK(server.send(link, kType, bytes + HEADER_BYTES, length - HEADER_BYTES));
  };
  client.opened = [&](Link link) { client.greet(link); };
  client.frame = [&](Link link, const uint8_t* bytes, uint32_t) {
    if (is_hello_frame(bytes)) return links.push_back(link);
    ++answered;
    ask(link);
  };
  const uint16_t port = server.listen();
  for (uint32_t i = 0; i < kLinks; ++i) (void)client.dial(port);
  run_until({&server, &client}, [&] { return links.size() == kLinks; });
  for (uint32_t i = 0; i < 8 * kLinks; ++i) ask(links[i % kLinks]);
  const auto run = [&](uint64_t messages) {
    for (const uint64_t until = answered + messages; answered < until;) {
      turn_counted(server);
      turn_counted(client);
    }
  };
  run(20000);
  const double copied = server.counter(COUNT_TAIL_BYTES_COPIED);
  expect_at_most(100, "20000 frames each way, whole and in parts", [&] { run(20000); });
  CHECK(server.counter(COUNT_TAIL_BYTES_COPIED) > copied);
}

/** A reader that pauses until output waits, then reads all of it: again and again. */
void waiting_output() {
  const std::vector<uint8_t> body(1000, 7);
  Party server{{32 << 10, 1024, 16 << 20}};
  Party client;
  Link reader{};
  uint64_t sent = 0;
  uint64_t received = 0;
  server.frame = [&](Link link, const uint8_t*, uint32_t) { reader = link; };
  client.opened = [&](Link link) { client.greet(link); };
  client.frame = [&](Link, const uint8_t*, uint32_t) { ++received; };
  (void)client.dial(server.listen());
  run_until({&server, &client}, [&] { return reader.generation != 0; });
  server.greet(reader);
  const auto run = [&](int rounds) {
    for (int round = 0; round < rounds; ++round) {
      while (server.send(reader, kType, body.data(), 1000)) {
        ++sent;
        turn_counted(server);
      }
      while (received < sent + 1) {
        turn_counted(server);
        turn_counted(client);
      }
    }
  };
  run(5);
  const double waited = server.counter(COUNT_WRITES_PARTIAL);
  expect_at_most(10, "20 times output that waits for its reader", [&] { run(20); });
  CHECK(server.counter(COUNT_WRITES_PARTIAL) >= waited + 20);
  CHECK(server.counter(COUNT_QUEUED_BYTES) == 0 && server.counter(COUNT_QUEUED_BYTES_MAX) >= 32 << 10);
}

}  // namespace

int main() {
  if (__sanitizer_install_malloc_and_free_hooks == nullptr) {
    std::printf("allocations are not counted without AddressSanitizer\n");
  } else {
    const auto count = [](const volatile void*, size_t) { allocations += counting ? 1 : 0; };
    const auto ignore = [](const volatile void*) {};
    CHECK(__sanitizer_install_malloc_and_free_hooks(count, ignore) != 0);
  }
  echo();
  waiting_output();
}
