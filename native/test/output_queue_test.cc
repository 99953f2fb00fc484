// What waits leaves by class, frame by frame, however the kernel cuts it; full queues refuse their own class only; how
// much the kernel may hold.

#include <deque>
#include <iterator>
#include <vector>

#include "party.h"

using namespace chordite;

namespace {

constexpr uint16_t kTypes[] = {TYPE_HELLO,   2,          3, TYPE_MAINTENANCE_FIRST, 63, TYPE_LOOKUP, 65,
                               TYPE_REQUEST, TYPE_REPLY, 68};

std::vector<uint8_t> frame_of(uint16_t type, uint32_t traffic_class, uint32_t number, uint32_t body) {
  const uint32_t length = HEADER_BYTES + body;
  const auto flags = static_cast<uint16_t>(traffic_class << FLAG_CLASS_SHIFT);
  std::vector<uint8_t> frame(padded(length));
  std::memcpy(frame.data() + AT_LENGTH, &length, 4);
  std::memcpy(frame.data() + AT_TYPE, &type, 2);
  std::memcpy(frame.data() + AT_FLAGS, &flags, 2);
  std::memcpy(frame.data() + AT_REQUEST_LOW, &number, 4);
  frame[AT_VERSION] = PROTOCOL_VERSION;
  return frame;
}

uint32_t class_said(uint16_t type, uint32_t said) { return class_of(frame_of(type, said, 0, 0).data()); }

void classes() {
  for (uint32_t said = 0; said < CLASSES; ++said) {
    CHECK(class_said(TYPE_HELLO, said) == CLASS_MAINTENANCE);
    CHECK(class_said(2, said) == CLASS_BULK && class_said(3, said) == CLASS_BULK);
    CHECK(class_said(16, said) == CLASS_MAINTENANCE && class_said(63, said) == CLASS_MAINTENANCE);
    for (const uint16_t type : {TYPE_LOOKUP, 65U, 68U, 69U}) CHECK(class_said(type, said) == (said < 1 ? 1 : said));
    for (const uint16_t type : {TYPE_REQUEST, TYPE_REPLY}) CHECK(class_said(type, said) == (said < 2 ? 2 : said));
  }
}

/** The same, frame by frame, as plainly as it can be told. */
struct Model {
  std::vector<uint8_t> begun;
  std::deque<std::vector<uint8_t>> classes[CLASSES];

  std::vector<uint8_t> take(uint32_t count) {
    std::vector<uint8_t> taken;
    while (taken.size() < count) {
      if (begun.empty()) {
        for (auto& frames : classes) {
          if (frames.empty()) continue;
          begun = frames.front();
          frames.pop_front();
          break;
        }
      }
      const size_t part = std::min<size_t>(count - taken.size(), begun.size());
      taken.insert(taken.end(), begun.begin(), begun.begin() + static_cast<std::ptrdiff_t>(part));
      begun.erase(begun.begin(), begun.begin() + static_cast<std::ptrdiff_t>(part));
    }
    return taken;
  }
};

void by_model() {
  Random random;
  BytePool pool;
  uint32_t number = 0;
  const auto run_of = [&](Model& model, uint32_t frames, uint32_t sent) {
    std::vector<uint8_t> run;
    for (uint32_t i = 0; i < frames; ++i) {
      const std::vector<uint8_t> frame =
          frame_of(kTypes[random.below(std::size(kTypes))], random.below(CLASSES), ++number, random.below(200));
      const size_t start = run.size();
      run.insert(run.end(), frame.begin(), frame.end());
      if (run.size() <= sent) continue;
      if (start >= sent)
        model.classes[class_of(frame.data())].push_back(frame);
      else
        model.begun.assign(run.begin() + sent, run.end());
    }
    return run;
  };
  for (int round = 0; round < 2000; ++round) {
    OutputQueue queue;
    Model model;
    const uint32_t sent = random.below(300);
    const std::vector<uint8_t> first = run_of(model, 8 + random.below(8), sent);
    CHECK(queue.append_rest(pool, first.data(), static_cast<uint32_t>(first.size()), sent));
    for (int step = 0; step < 20; ++step) {
      if (random.below(2) == 0) {
        const std::vector<uint8_t> run = run_of(model, 1 + random.below(4), 0);
        CHECK(queue.append(pool, run.data(), static_cast<uint32_t>(run.size())));
      }
      iovec vector[OutputQueue::kVectorMax];
      const uint32_t pieces = queue.vector(vector);
      std::vector<uint8_t> all;
      for (uint32_t i = 0; i < pieces; ++i) {
        const auto* at = static_cast<const uint8_t*>(vector[i].iov_base);
        all.insert(all.end(), at, at + vector[i].iov_len);
      }
      CHECK(all.size() == queue.size());
      const uint32_t count = random.below(3) == 0 ? queue.size() : random.below(queue.size() + 1);
      CHECK(model.take(count) == std::vector<uint8_t>(all.begin(), all.begin() + count));
      queue.take(pool, count);
    }
    queue.clear(pool);
    CHECK(queue.size() == 0);
  }
}

/** Over a real connection: nobody reads until bulk waits, then something of every class is sent. */
void over_a_socket() {
  Party server({1 << 18, 16, 1 << 20});
  Party client;
  const uint16_t port = server.listen();
  Link to{};
  uint32_t sent = 0;
  std::vector<std::pair<uint32_t, uint32_t>> received;
  server.opened = [&](Link link) { to = link; };
  client.opened = [&](Link link) { client.greet(link); };
  client.frame = [&](Link, const uint8_t* frame, uint32_t) {
    if (!is_hello_frame(frame)) received.emplace_back(class_of(frame), load32(frame + AT_REQUEST_LOW));
  };
  (void)client.dial(port);
  run_until({&server, &client}, [&] { return server.counter(COUNT_OPEN) == 1 && to.generation != 0; });
  server.greet(to);
  const auto say = [&](uint16_t type, uint32_t traffic_class, uint32_t body) {
    return server.send_frame(to, frame_of(type, traffic_class, sent, body)) && ++sent > 0;
  };
  while (say(TYPE_REQUEST, CLASS_BULK, 5000)) continue;
  settle({&server});
  const uint32_t bulk = sent;
  CHECK(server.word(to, LINK_QUEUED) >= 1 << 18 && server.word(to, LINK_REFUSED) != 0);
  CHECK(server.word(to, LINK_WAITING + CLASS_BULK) == server.word(to, LINK_QUEUED));
  CHECK(server.word(to, LINK_WAITING + CLASS_APPLICATION) == 0);
  for (int i = 0; i < 3; ++i) {
    CHECK(say(TYPE_REQUEST, CLASS_APPLICATION, 900) && say(TYPE_LOOKUP, CLASS_LOOKUP, 0));
    CHECK(say(kType, CLASS_MAINTENANCE, 100) && !say(TYPE_REQUEST, CLASS_BULK, 0));
  }
  CHECK(!say(2, CLASS_MAINTENANCE, 8));
  run_until({&server, &client}, [&] { return received.size() == sent; });
  settle({&server, &client});
  CHECK(server.word(to, LINK_QUEUED) == 0 && server.word(to, LINK_WAITING + CLASS_BULK) == 0);
  // Each class in order, and what came later before some of what waited.
  uint32_t last[CLASSES] = {};
  uint32_t left[CLASSES] = {bulk, bulk, bulk, 0};
  for (const auto& [traffic_class, number] : received) {
    CHECK(last[traffic_class] == 0 || number > last[traffic_class]);
    last[traffic_class] = number;
    if (traffic_class == CLASS_BULK)
      ++left[CLASS_BULK];
    else if (left[traffic_class] == bulk)
      left[traffic_class] = left[CLASS_BULK];
  }
  CHECK(left[CLASS_MAINTENANCE] < bulk);
  CHECK(left[CLASS_MAINTENANCE] <= left[CLASS_LOOKUP] && left[CLASS_LOOKUP] <= left[CLASS_APPLICATION]);
  CHECK(left[CLASS_APPLICATION] < bulk);
}

void unsent() {
  UnsentLimit limit;
  uint32_t bytes = 0;
  limit.begin(1000);
  limit.took(1 << 30);
  CHECK(!limit.adapt(1008, &bytes));
  CHECK(limit.adapt(1016, &bytes) && bytes == UnsentLimit::kMost);
  limit.took(1 << 30);
  CHECK(!limit.adapt(1032, &bytes));
  // 40 bytes each microsecond.
  limit.took(40000 * 20);
  CHECK(limit.adapt(1052, &bytes) && bytes == 1 << 18);
  limit.took(1);
  CHECK(limit.adapt(1072, &bytes) && bytes == UnsentLimit::kLeast);
  // A rest says nothing.
  limit.begin(90000);
  limit.took(1 << 20);
  CHECK(!limit.adapt(90000, &bytes) && limit.adapt(90016, &bytes) && bytes == 1 << 19);
}

}  // namespace

int main() {
  classes();
  by_model();
  over_a_socket();
  unsent();
}
