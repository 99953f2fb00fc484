// One set of tests for both pollers: over epoll, and over kqueue (on Linux a fake one) with the sockets of a BSD.

#include "../poller.h"

#include <poll.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "sockets.h"

using namespace chordite;

namespace {

constexpr uint64_t kToken = 7ULL << 32 | 3;

struct Opened : Poller {
  Opened() { CHECK(open() == 0); }
};

/** What was said about each of a set of tokens by one wait; a filter may come by itself or with the other. */
struct Said {
  bool readable = false;
  bool writable = false;
  uint32_t times = 0;
};

Said ask(Poller& poller, uint64_t token = kToken, uint32_t max = 64) {
  std::vector<Ready> ready(max);
  const uint32_t count = poller.wait(ready.data(), max);
  CHECK(count <= max);
  Said said;
  for (uint32_t i = 0; i < count; ++i) {
    CHECK(ready[i].readable || ready[i].writable);
    if (ready[i].token != token) continue;
    said.readable |= ready[i].readable;
    said.writable |= ready[i].writable;
    ++said.times;
  }
  return said;
}

/** Waits as libuv does: by the poller's own descriptor. */
bool becomes_ready(const Poller& poller, int ms = 5000) {
  pollfd waiting{poller.fd(), POLLIN, 0};
  return poll(&waiting, 1, ms) == 1;
}

Said next(Poller& poller) {
  CHECK(becomes_ready(poller));
  return ask(poller);
}

bool is_quiet(Poller& poller) { return !becomes_ready(poller, 0) && ask(poller).times == 0; }

int64_t receive(int fd) {
  char bytes[65536];
  return recv(fd, bytes, sizeof bytes, 0);
}

/** Sends until the kernel takes no more. */
void fill(int fd) {
  const std::vector<uint8_t> bytes(65536);
  while (send_bytes(fd, bytes.data(), static_cast<uint32_t>(bytes.size())) > 0) continue;
}

void drain(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  while (poll(&waiting, 1, 20) == 1) CHECK(receive(fd) > 0);
}

void reading() {
  const Pair pair;
  Opened poller;
  CHECK(poller.add(pair.ours, kToken, true, false));
  CHECK(is_quiet(poller));
  pair.say("abc");
  for (int round = 0; round < 3; ++round) {  // level-triggered
    const Said said = next(poller);
    CHECK(said.readable && !said.writable && said.times == 1);
  }
  CHECK(receive(pair.ours) == 3);
  CHECK(is_quiet(poller));
}

void both_filters() {
  const Pair pair;
  Opened poller;
  CHECK(poller.add(pair.ours, kToken, true, true));
  Said said = next(poller);
  CHECK(said.writable && !said.readable);
  pair.say("abc");
  wait_for(pair.ours, POLLIN);
  said = next(poller);
  CHECK(said.readable && said.writable && said.times <= 2);
  poller.change(pair.ours, kToken, true, true, false, true);
  said = next(poller);
  CHECK(!said.readable && said.writable);
  poller.change(pair.ours, kToken, false, true, true, false);
  said = next(poller);
  CHECK(said.readable && !said.writable);
  poller.change(pair.ours, kToken, true, false, false, false);
  CHECK(is_quiet(poller));
  poller.change(pair.ours, kToken, false, false, true, true);
  said = next(poller);
  CHECK(said.readable && said.writable);
}

/** Room is told only while it is wanted, and only while it is there. */
void writing() {
  const Pair pair;
  Opened poller;
  CHECK(poller.add(pair.ours, kToken, true, false));
  fill(pair.ours);
  poller.change(pair.ours, kToken, true, false, true, true);
  CHECK(is_quiet(poller));
  drain(pair.theirs);
  const Said said = next(poller);
  CHECK(said.writable && !said.readable);
  poller.change(pair.ours, kToken, true, true, true, false);
  CHECK(is_quiet(poller));
  // Again, and nothing happens when nothing changes.
  poller.change(pair.ours, kToken, true, false, true, true);
  poller.change(pair.ours, kToken, true, true, true, true);
  CHECK(next(poller).writable);
}

/** The end comes after all that was sent before it. */
void ending() {
  Pair pair;
  Opened poller;
  CHECK(poller.add(pair.ours, kToken, true, false));
  pair.say("last words");
  pair.close_theirs();
  CHECK(next(poller).readable);
  CHECK(receive(pair.ours) == 10);
  CHECK(next(poller).readable);
  CHECK(receive(pair.ours) == 0);
  CHECK(next(poller).readable);  // for as long as it is open
}

void half_ending() {
  const Pair pair;
  Opened poller;
  CHECK(poller.add(pair.ours, kToken, true, true));
  CHECK(::shutdown(pair.theirs, SHUT_WR) == 0);
  wait_for(pair.ours, POLLIN);
  const Said said = next(poller);
  CHECK(said.readable && said.writable);
  CHECK(receive(pair.ours) == 0);
  const uint8_t byte = 1;
  CHECK(send_bytes(pair.ours, &byte, 1) == 1);  // it still takes what we say
  CHECK(::shutdown(pair.ours, SHUT_WR) == 0);
  CHECK(next(poller).readable);
}

/** A reset ends what is watched for reading, for writing, or both, and is never swallowed by looking. */
void resetting() {
  for (const auto& [read, write] : {std::pair{true, false}, {false, true}, {true, true}}) {
    Pair pair;
    Opened poller;
    fill(pair.ours);
    CHECK(poller.add(pair.ours, kToken, read, write));
    CHECK(is_quiet(poller));
    const linger at_once{1, 0};
    CHECK(setsockopt(pair.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    pair.close_theirs();
    for (int round = 0; round < 3; ++round) CHECK(next(poller).readable);
    CHECK(receive(pair.ours) == -1 && errno == ECONNRESET);
    CHECK(receive(pair.ours) == 0);
    // Nor does a broken connection end the process.
    const uint8_t byte = 1;
    iovec piece{const_cast<uint8_t*>(&byte), 1};
    CHECK(send_bytes(pair.ours, &byte, 1) == -1);
    CHECK(send_pieces(pair.ours, {&piece, 1}) == -1);
  }
}

void connecting() {
  Pair pair;
  const int listener = std::exchange(pair.listener, -1);
  Opened poller;
  CHECK(poller.add(listener, 1, true, false));
  CHECK(is_quiet(poller));
  int dialed = start_connect(pair.address);
  CHECK(dialed >= 0 && poller.add(dialed, kToken, true, true));
  CHECK(becomes_ready(poller));
  bool accepted = false;
  for (bool opened = false; !opened || !accepted;) {
    Ready ready[4];
    const uint32_t count = poller.wait(ready, 4);
    for (uint32_t i = 0; i < count; ++i) {
      if (ready[i].token == kToken && ready[i].writable) opened = true;
      if (ready[i].token != 1) continue;
      CHECK(ready[i].readable && !ready[i].writable);
      accepted = true;
    }
  }
  int error = -1;
  socklen_t size = sizeof error;
  CHECK(getsockopt(dialed, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0);
  // Accepting can be put off: the connection waits.
  poller.change(listener, 1, true, false, false, false);
  CHECK(ask(poller, 1).times == 0);
  poller.change(listener, 1, false, false, true, false);
  CHECK(ask(poller, 1).readable);
  close(listener);
  close(dialed);
  CHECK(is_quiet(poller));

  // Nobody listens there now. That it failed is said as "writable", and why is still there to be asked.
  dialed = start_connect(pair.address);
  CHECK(dialed >= 0 && poller.add(dialed, kToken, true, true));
  for (int round = 0; round < 2; ++round) CHECK(next(poller).writable);
  CHECK(getsockopt(dialed, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ECONNREFUSED);
  close(dialed);
}

/** Closing a descriptor takes what it had to say along, and its number may be another's at once. */
void closing() {
  Opened poller;
  Pair pair;
  CHECK(poller.add(pair.ours, kToken, true, true));
  pair.say("abc");
  CHECK(next(poller).times > 0);
  const int number = pair.ours;
  close(pair.ours);
  pair.ours = -1;
  CHECK(is_quiet(poller));
  const Pair other;
  const int moved = other.ours == number ? number : dup2(other.ours, number);
  CHECK(moved == number);
  constexpr uint64_t kNext = kToken + (1ULL << 32);
  CHECK(poller.add(number, kNext, true, false));
  CHECK(is_quiet(poller));
  other.say("x");
  CHECK(becomes_ready(poller));
  CHECK(ask(poller, kToken).times == 0);
  CHECK(ask(poller, kNext).readable && !ask(poller, kNext).writable);
  if (other.ours != number) close(number);
}

/** All stay ready: each is told once before any is told again. */
void fairness() {
  constexpr uint32_t kSockets = 100;
  constexpr uint32_t kAtOnce = 16;
  constexpr uint32_t kRounds = (kSockets + kAtOnce - 1) / kAtOnce;
  Opened poller;
  const std::vector<Pair> pairs(kSockets);
  for (uint32_t i = 0; i < kSockets; ++i) {
    CHECK(poller.add(pairs[i].ours, i, true, false));
    pairs[i].say("x");
    wait_for(pairs[i].ours, POLLIN);
  }
  uint32_t told[kSockets] = {};
  for (uint32_t round = 0; round < kRounds; ++round) {
    Ready ready[kAtOnce];
    CHECK(poller.wait(ready, kAtOnce) == kAtOnce);
    for (const Ready& one : ready) ++told[one.token];
  }
  for (const uint32_t times : told) CHECK(times == 1 || times == 2);
  // Neither do many writers keep a reader waiting.
  for (uint32_t i = 1; i < kSockets; ++i) poller.change(pairs[i].ours, i, true, false, false, true);
  bool heard = false;
  for (uint32_t round = 0; round <= 2 * kRounds; ++round) heard = heard || ask(poller, 0, kAtOnce).readable;
  CHECK(heard);
}

/** Not inherited by children, never waiting. */
void descriptors() {
  const Pair pair;
  Opened poller;
  for (const int fd : {pair.ours, pair.theirs, poller.fd()}) CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  for (const int fd : {pair.ours, pair.theirs}) CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK(receive(pair.ours) == -1 && errno == EAGAIN);
}

void failing() {
  Opened poller;
  CHECK(!poller.add(1000, kToken, true, false) && errno == EBADF);
  rlimit limit{};
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{0, limit.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  Poller second;
  CHECK(second.open() == EMFILE);
  CHECK(platform::stream_socket(AF_INET) == -1 && errno == EMFILE);
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(second.open() == 0);
  second.shut();
  second.shut();
  CHECK(second.fd() == -1);
}

}  // namespace

int main() {
  // What Node.js does; here a signal is a failure.
  CHECK(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);
  CHECK(std::strcmp(Poller::name(), CHORDITE_LINUX ? "epoll" : "kqueue") == 0);
  reading();
  both_filters();
  writing();
  ending();
  half_ending();
  resetting();
  connecting();
  closing();
  fairness();
  descriptors();
  failing();
}
