// One endpoint per thread, as worker threads have them, each on a loop of its own, talking over real sockets of this
// machine: under ThreadSanitizer no two may share anything, under AddressSanitizer the same is a test of whole
// endpoints.

#include <poll.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "../endpoint.h"
#include "../framing.h"
#include "../sha1_batch.h"
#include "check.h"

using namespace chordite;

namespace {

constexpr uint32_t kThreads = 4;
constexpr uint32_t kRequests = 1500;
constexpr uint32_t kOutstanding = 8;
constexpr uint32_t kLinkSlots = 128;
constexpr uint32_t kRingBytes = 4 * FRAME_BYTES_MAX;
constexpr uint16_t kTypeRequest = 66;
constexpr uint16_t kTypeReply = 67;

/** All that threads share. */
struct Meeting {
  std::atomic<uint32_t> ports[kThreads] = {};
  std::atomic<uint32_t> done{0};
};

/** An endpoint, its memory and a loop that polls one descriptor: what a worker thread has, without Node.js. */
class Node {
 public:
  Node(Meeting& meeting, uint32_t self) : meeting_(meeting), self_(self) {
    SharedMemory memory;
    memory.receive = receive_.data();
    memory.receive_bytes = kRingBytes;
    memory.transmit = transmit_.data();
    memory.transmit_bytes = kRingBytes;
    memory.descriptors = descriptors_.data();
    memory.runs = runs_.data();
    memory.links = words_.data();
    memory.link_slots = kLinkSlots;
    memory.control = control_;
    memory.counters = counters_;
    const Limits limits{.output_bytes = 1 << 20, .accepted_max = 64, .tail_bytes_max = 1 << 20};
    const Host host{
        .self = this,
        .deliver = [](void* self) { static_cast<Node*>(self)->deliver(); },
        .soon = [](void* self) { static_cast<Node*>(self)->soon_ = true; },
        .tick = [](void* self, bool on) { static_cast<Node*>(self)->ticking_ = on; },
    };
    CHECK(endpoint_->open(memory, limits, host) == 0);
  }

  void run() {
    const int port = endpoint_->listen("127.0.0.1", 0);
    CHECK(port > 0);
    meeting_.ports[self_] = static_cast<uint32_t>(port);
    for (uint32_t other = 0; other < kThreads; ++other) {
      while (meeting_.ports[other] == 0) std::this_thread::yield();
      if (other != self_) dial(static_cast<uint16_t>(meeting_.ports[other]));
    }
    // Everybody goes on answering until all have had their answers.
    bool counted = false;
    while (meeting_.done < kThreads) {
      turn();
      if (counted || replies_ < (kThreads - 1) * kRequests) continue;
      counted = true;
      ++meeting_.done;
    }
    for (uint32_t index = 0; index < kLinkSlots; ++index) close(index);
    while (open_ > 0 || ticking_) turn();
    endpoint_->shut();
    endpoint_->shut_poller();
    CHECK(requests_ == (kThreads - 1) * kRequests);
  }

 private:
  void dial(uint16_t port) {
    const int32_t index = endpoint_->dial("127.0.0.1", port);
    CHECK(index >= 0);
    ++open_;
    dialed_[index] = true;
    send(static_cast<uint32_t>(index), TYPE_HELLO, 0);
    for (uint32_t i = 0; i < kOutstanding; ++i) send(static_cast<uint32_t>(index), kTypeRequest, sent_[index]++);
  }

  void close(uint32_t index) {
    const uint32_t generation = words_[index * LINK_WORDS + LINK_GENERATION];
    if (dialed_[index]) endpoint_->close_link(index, generation, false);
  }

  /** Once around the loop. */
  void turn() {
    pollfd ready{endpoint_->poll_fd(), POLLIN, 0};
    (void)endpoint_->flush();
    if (poll(&ready, 1, soon_ ? 0 : static_cast<int>(kTickMs)) > 0) endpoint_->wake();
    if (soon_) {
      soon_ = false;
      endpoint_->wake_for_pending();
    }
    if (ticking_) endpoint_->tick();
  }

  void deliver() {
    for (uint32_t i = 0; i < control_[CONTROL_DESCRIPTORS]; ++i) {
      const uint32_t* words = &descriptors_[size_t{i} * DESCRIPTOR_WORDS];
      const uint32_t index = words[0] & ((1U << KIND_SHIFT) - 1);
      const uint32_t kind = words[0] >> KIND_SHIFT;
      if (kind == KIND_OPENED && words[2] != 0) {
        ++open_;
        send(index, TYPE_HELLO, 0);
      }
      if (kind == KIND_CLOSED) {
        CHECK(meeting_.done == kThreads && (words[2] == REASON_LOCAL || words[2] == REASON_ENDED));
        --open_;
        dialed_[index] = false;
      }
      if (kind == KIND_FRAME) on_frame(index, &receive_[words[2]], words[3]);
    }
    std::memset(receive_.data(), 0xdb, control_[CONTROL_RECEIVED]);
  }

  /** Its body is the SHA-1 of its number, so that the hashing is shared between threads too. */
  void on_frame(uint32_t index, const uint8_t* frame, uint32_t length) {
    const uint16_t type = load16(frame + AT_TYPE);
    if (type == TYPE_HELLO) return;
    const uint32_t number = load32(frame + AT_REQUEST_LOW);
    uint8_t hash[20];
    hash_of(number, hash);
    CHECK(length == HEADER_BYTES + 4 + sizeof hash && std::memcmp(frame + HEADER_BYTES + 4, hash, sizeof hash) == 0);
    if (type == kTypeRequest) {
      ++requests_;
      return send(index, kTypeReply, number);
    }
    ++replies_;
    if (sent_[index] < kRequests) send(index, kTypeRequest, sent_[index]++);
  }

  static void hash_of(uint32_t number, uint8_t* hash) {
    uint8_t key[4];
    std::memcpy(key, &number, sizeof key);
    const uint32_t offsets[] = {0, sizeof key};
    CHECK(sha1_batch({key, sizeof key, offsets, 1}, hash));
  }

  void send(uint32_t index, uint16_t type, uint32_t number) {
    constexpr uint32_t kLength = HEADER_BYTES + 4 + 20;
    constexpr uint32_t kSize = padded(kLength);
    uint32_t& runs = control_[CONTROL_RUNS];
    if (runs == 0) head_ = 0;
    if (head_ + kSize > kRingBytes || runs == RUNS_MAX) {
      (void)endpoint_->flush();
      head_ = 0;
    }
    uint8_t* frame = &transmit_[head_];
    std::memset(frame, 0, kSize);
    std::memcpy(frame + AT_LENGTH, &kLength, 4);
    std::memcpy(frame + AT_TYPE, &type, 2);
    std::memcpy(frame + AT_REQUEST_LOW, &number, 4);
    frame[AT_VERSION] = PROTOCOL_VERSION;
    std::memcpy(frame + HEADER_BYTES, &HELLO_MAGIC, 4);
    hash_of(number, frame + HEADER_BYTES + 4);
    words_[index * LINK_WORDS + LINK_QUEUED] += kSize;
    const uint32_t run[] = {index, words_[index * LINK_WORDS + LINK_GENERATION], head_, kSize};
    std::memcpy(&runs_[size_t{runs} * RUN_WORDS], run, sizeof run);
    ++runs;
    head_ += kSize;
  }

  Meeting& meeting_;
  uint32_t self_;
  std::unique_ptr<Endpoint> endpoint_ = std::make_unique<Endpoint>();
  bool soon_ = false;
  bool ticking_ = false;
  uint32_t open_ = 0;
  uint32_t requests_ = 0;
  uint32_t replies_ = 0;
  uint32_t head_ = 0;
  bool dialed_[kLinkSlots] = {};
  uint32_t sent_[kLinkSlots] = {};
  std::vector<uint8_t> receive_ = std::vector<uint8_t>(kRingBytes);
  std::vector<uint8_t> transmit_ = std::vector<uint8_t>(kRingBytes);
  std::vector<uint32_t> descriptors_ = std::vector<uint32_t>(size_t{DESCRIPTORS_MAX} * DESCRIPTOR_WORDS);
  std::vector<uint32_t> runs_ = std::vector<uint32_t>(size_t{RUNS_MAX} * RUN_WORDS);
  std::vector<uint32_t> words_ = std::vector<uint32_t>(size_t{kLinkSlots} * LINK_WORDS);
  uint32_t control_[CONTROL_WORDS] = {};
  double counters_[COUNTERS] = {};
};

}  // namespace

int main() {
  Meeting meeting;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&meeting, i] {
      Node node(meeting, i);
      node.run();
    });
  }
  for (std::thread& thread : threads) thread.join();
}
