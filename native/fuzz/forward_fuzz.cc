// Frames by key through an endpoint whose routes are anything: routes that are well-formed and then changed where the
// input says, frames that mostly go by them, a kernel that takes what the input lets it. Whatever the routes say, each
// frame comes out once, whole and as it was but for what a hop changes, at a connection that they may go to, or comes
// to the handler as it was.

#include <cstring>
#include <map>
#include <vector>

#include "../endpoint.h"
#include "../test/routes.h"
#include "kernel.h"
#include "reference.h"

using namespace chordite;

namespace {

constexpr uint32_t kLinks = 5;
constexpr uint32_t kSlots = 64;
constexpr uint32_t kHopsMax = 6;
constexpr uint32_t kReceiveBytes = 4 * FRAME_BYTES_MAX;

class Script {
 public:
  Script(const uint8_t* bytes, size_t size) : bytes_(bytes), size_(size) {}
  [[nodiscard]] bool done() const { return at_ >= size_; }
  uint8_t byte() { return done() ? 0 : bytes_[at_++]; }
  uint32_t word() {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | byte();
    return word;
  }

 private:
  const uint8_t* bytes_;
  size_t size_;
  size_t at_ = 0;
};

/** Made once; each block exactly as long as it says. */
struct Memory {
  std::vector<uint8_t> receive = std::vector<uint8_t>(kReceiveBytes);
  std::vector<uint8_t> transmit = std::vector<uint8_t>(FRAME_BYTES_MAX);
  std::vector<uint32_t> descriptors = std::vector<uint32_t>(size_t{DESCRIPTORS_MAX} * DESCRIPTOR_WORDS);
  std::vector<uint32_t> runs = std::vector<uint32_t>(size_t{RUNS_MAX} * RUN_WORDS);
  std::vector<uint32_t> links = std::vector<uint32_t>(size_t{kSlots} * LINK_WORDS);
  std::vector<uint32_t> control = std::vector<uint32_t>(CONTROL_WORDS);
  std::vector<double> counters = std::vector<double>(COUNTERS);
};

Memory& memory() {
  static Memory made;
  return made;
}

class Play {
 public:
  Play(const uint8_t* bytes, size_t size) : script_(bytes, size) {}
  void run();

 private:
  struct Sent {
    std::vector<uint8_t> frame;
    uint32_t seen = 0;
  };

  void open();
  void step();
  void wake();
  void deliver();
  void install();
  void append_frame(kernel::Socket& socket);
  void check_outputs();
  void check_heads(uint32_t link);
  void check(const uint8_t* frame, uint32_t length, bool passed);
  kernel::Socket& some_socket() { return kernel::socket_at(1 + script_.byte() % kLinks); }
  uint32_t* words_of(uint32_t link) { return memory().links.data() + size_t{link} * LINK_WORDS; }

  Script script_;
  Endpoint endpoint_;
  bool soon_ = false;
  /** By request id. */
  std::map<uint32_t, Sent> sent_;
  uint32_t next_ = 1;
  uint32_t opened_ = 0;
  std::map<uint32_t, size_t> checked_;
};

void Play::open() {
  Memory& m = memory();
  for (auto* words : {&m.links, &m.control}) std::fill(words->begin(), words->end(), 0);
  std::fill(m.counters.begin(), m.counters.end(), 0);
  SharedMemory shared;
  shared.receive = m.receive.data();
  shared.receive_bytes = kReceiveBytes;
  shared.transmit = m.transmit.data();
  shared.transmit_bytes = static_cast<uint32_t>(m.transmit.size());
  shared.descriptors = m.descriptors.data();
  shared.runs = m.runs.data();
  shared.links = m.links.data();
  shared.link_slots = kSlots;
  shared.control = m.control.data();
  shared.counters = m.counters.data();
  const Host host{
      .self = this,
      .deliver = [](void* self) { static_cast<Play*>(self)->deliver(); },
      .soon = [](void* self) { static_cast<Play*>(self)->soon_ = true; },
      .tick = [](void*, bool) {},
  };
  const Limits limits{script_.byte() % 2 == 0 ? 256U : 1U << 16, 100, 1 << 20};
  REQUIRE(endpoint_.open(shared, limits, host) == 0);
  REQUIRE(endpoint_.listen("127.0.0.1", 4000) == 4000);
  std::vector<uint8_t> hello(HEADER_BYTES + 8);
  const uint32_t length = HEADER_BYTES + 4;
  std::memcpy(hello.data() + AT_LENGTH, &length, 4);
  std::memcpy(hello.data() + HEADER_BYTES, &HELLO_MAGIC, 4);
  hello[AT_TYPE] = TYPE_HELLO;
  hello[AT_VERSION] = PROTOCOL_VERSION;
  for (uint32_t i = 0; i < kLinks; ++i) kernel::socket_at(kernel::knock()).inbox = hello;
  wake();
  REQUIRE(opened_ == kLinks);
  for (uint32_t link = 0; link < kLinks; ++link) words_of(link)[LINK_ROUTE] = script_.byte() % 4;
}

void Play::run() {
  open();
  install();
  while (!script_.done()) step();
  for (uint32_t i = 1; i <= kLinks; ++i) kernel::socket_at(i).room = kernel::socket_at(i).read_max = UINT32_MAX;
  for (int round = 0; round < 50; ++round) wake();
  bool lost = false;
  for (uint32_t i = 1; i <= kLinks; ++i) lost |= !kernel::socket_at(i).open || kernel::socket_at(i).reset;
  for (const auto& [number, sent] : sent_) REQUIRE(sent.seen == 1 || (lost && sent.seen == 0));
  for (uint32_t link = 0; link < kLinks; ++link) check_heads(link);
  endpoint_.shut();
  endpoint_.shut_poller();
}

/** Each is a frame, of one that was sent. */
void Play::check_heads(uint32_t link) {
  uint32_t now_ms = 0;
  const HeadLog* log = endpoint_.heads(link, words_of(link)[LINK_GENERATION], &now_ms);
  if (log == nullptr) return;
  std::vector<uint8_t> heads(log->size());
  log->copy(heads.data(), now_ms);
  for (size_t at = 0; at < heads.size(); at += load32(&heads[at])) {
    REQUIRE(check_frame(&heads[at], heads.size() - at).verdict == Verdict::whole);
    REQUIRE(sent_.count(number_of(&heads[at])) == 1);
  }
}

void Play::step() {
  switch (script_.byte() % 10) {
    case 0:
      return install();
    case 1:
      some_socket().room = script_.byte() * 16U;
      return;
    case 2:
      some_socket().room = UINT32_MAX;
      return;
    case 3:
      words_of(script_.byte() % kLinks)[LINK_ROUTE] = script_.byte() % 4;
      return;
    case 4:
      if (script_.byte() % 8 == 0) some_socket().reset = true;
      return;
    case 5:
      memory().control[CONTROL_ROUTING] = script_.byte() % 2;
      return;
    case 6:
      return wake();
    default:
      if (kernel::Socket& socket = some_socket(); socket.open && !socket.reset) append_frame(socket);
  }
}

void Play::wake() {
  endpoint_.wake();
  if (soon_) {
    soon_ = false;
    endpoint_.wake_for_pending();
  }
  (void)endpoint_.flush();
  check_outputs();
}

/** Good ones, in a few places something else. */
void Play::install() {
  std::vector<std::vector<Hop>> rows(1 + script_.byte() % 3);
  for (std::vector<Hop>& row : rows) {
    row.resize(script_.byte() % 4);
    for (Hop& hop : row) {
      const uint8_t what = script_.byte();
      hop = {what % (kLinks + 1), 1U + (what == 0xff ? 1 : 0), (what & 0x40) != 0, script_.byte() % 9U};
    }
  }
  const auto numbers = [&] {
    std::vector<int32_t> numbers(size_t{1} << script_.byte() % 4);
    for (int32_t& number : numbers) number = static_cast<int32_t>(script_.byte() % (rows.size() + 1)) - 1;
    return arcs_of(numbers);
  };
  const bool remembers = script_.byte() % 2 == 0;
  const std::vector<uint32_t> first = numbers();
  std::vector<uint32_t> words = routes_of(rows, kHopsMax, first, remembers ? numbers() : std::vector<uint32_t>());
  const uint32_t changes = script_.byte() % 8 == 0 ? 1 + script_.byte() % 3U : 0;
  for (uint32_t i = 0; i < changes; ++i) words[script_.byte() % words.size()] = script_.word();
  if (script_.byte() == 0xff) words.resize(script_.byte() % words.size());
  // Exactly as long as it is, so that whoever reads on is found out.
  const std::vector<uint32_t> given(words.begin(), words.end());
  memory().control[CONTROL_ROUTING] = endpoint_.install_routes(given.data(), given.size()) ? 1 : 0;
}

void Play::append_frame(kernel::Socket& socket) {
  const uint8_t kind = script_.byte();
  const uint32_t body = (kind & 0xf0) == 0xf0 ? script_.byte() * 200U : kind % 64U;
  std::vector<uint8_t> frame = routed_frame(script_.byte() * 0x01010101U, next_, body, script_.byte() % (kHopsMax + 1));
  if (kind % 4 == 1) frame[AT_FLAGS] = script_.byte() & FLAGS_KNOWN;
  if (kind % 8 == 2) frame[AT_TYPE] = 64 + script_.byte() % 5;
  if (kind % 8 == 3) frame[HEADER_BYTES + TARGET_INCARNATION + script_.byte() % 8] = 1;
  sent_[next_++] = {frame};
  frame.resize(padded(static_cast<uint32_t>(frame.size())));
  socket.inbox.insert(socket.inbox.end(), frame.begin(), frame.end());
}

/** As it was sent, once; if it was passed on, one hop further, and only if such a frame may be. */
void Play::check(const uint8_t* frame, uint32_t length, bool passed) {
  const auto known = sent_.find(number_of(frame));
  REQUIRE(known != sent_.end() && known->second.frame.size() == length);
  std::vector<uint8_t> before = known->second.frame;
  REQUIRE(++known->second.seen == 1);
  if (passed) {
    REQUIRE(before[AT_TYPE] == TYPE_LOOKUP || before[AT_TYPE] == TYPE_REQUEST);
    REQUIRE((before[AT_FLAGS] & FLAG_FINAL) == 0 && frame[AT_HOPS] == before[AT_HOPS] + 1);
    for (const uint32_t at : {AT_FLAGS, AT_HOPS, AT_FINAL_STEPS}) before[at] = frame[at];
    REQUIRE((frame[AT_FLAGS] & ~FLAG_FINAL) == (known->second.frame[AT_FLAGS] & ~FLAG_FINAL));
  }
  REQUIRE(std::memcmp(before.data(), frame, length) == 0);
}

void Play::deliver() {
  Memory& m = memory();
  for (uint32_t i = 0; i < m.control[CONTROL_DESCRIPTORS]; ++i) {
    const uint32_t* words = m.descriptors.data() + size_t{i} * DESCRIPTOR_WORDS;
    const uint32_t kind = words[0] >> KIND_SHIFT;
    if (kind == KIND_OPENED) ++opened_;
    if (kind != KIND_FRAME) continue;
    uint8_t* frame = m.receive.data() + words[2];
    if (frame[AT_TYPE] != TYPE_HELLO) check(frame, words[3], false);
    std::memset(frame, 0xdb, padded(words[3]));
  }
}

/** What has left whole. */
void Play::check_outputs() {
  for (uint32_t i = 1; i <= kLinks; ++i) {
    const std::vector<uint8_t>& out = kernel::socket_at(i).outbox;
    for (size_t& at = checked_[i]; at < out.size();) {
      const reference::Frame frame = reference::look(out.data() + at, out.size() - at);
      if (frame.outcome == reference::Outcome::partial) break;
      REQUIRE(frame.outcome == reference::Outcome::whole);
      check(out.data() + at, frame.length, true);
      at += padded(frame.length);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  Play(bytes, size).run();
  kernel::reset();
  return 0;
}
