// Frames by key through whole endpoints: passed on by the routes, in order and as they were but for what a hop changes,
// by the next best way when one is shut, and to the handler when all are. And three that pass on to each other in a
// circle.

#include <set>

#include "party.h"
#include "routes.h"

using namespace chordite;

namespace {

constexpr uint32_t kHops = 8;
const Limits kTiny{4096, 64, 1 << 20};

/** Takes frames, and remembers them. */
struct End : Party {
  std::vector<std::vector<uint8_t>> frames;
  explicit End(const Limits& limits = {1 << 20, 64, 16 << 20}) : Party(limits) {
    opened = [this](Link link) { greet(link); };
    frame = [this](Link, const uint8_t* bytes, uint32_t length) {
      if (!is_hello_frame(bytes)) frames.emplace_back(bytes, bytes + length);
    };
  }
};

/** One in the middle, with a source on one side and two next nodes on the other. */
struct Line {
  End middle;
  End source;
  End sinks[2];
  Link in{};
  Link from{};
  Link out[2];

  explicit Line(const Limits& limits = {1 << 20, 64, 16 << 20}) : middle(limits) {
    middle.opened = [this](Link link) {
      middle.greet(link);
      if (key_of(link) != key_of(out[0]) && key_of(link) != key_of(out[1])) in = link;
    };
    for (int i = 0; i < 2; ++i) out[i] = middle.dial(sinks[i].listen());
    from = source.dial(middle.listen());
    uint32_t hellos = 0;
    const auto count_hellos = [&hellos](Link, const uint8_t* bytes, uint32_t) { hellos += is_hello_frame(bytes); };
    const auto keep = middle.frame;
    middle.frame = count_hellos;
    run([&] { return hellos == 3; });
    middle.frame = keep;
    middle.routable(in, true, false);
    for (const Link& link : out) middle.routable(link, false, true);
  }

  template <typename Done>
  void run(Done done) {
    run_until({&middle, &source, &sinks[0], &sinks[1]}, done);
  }
  [[nodiscard]] Hop way(int sink, bool final = false, uint32_t steps = 0) const {
    return {out[sink].index, out[sink].generation, final, steps};
  }
  void send(const std::vector<uint8_t>& frame) {
    run([&] { return source.send_frame(from, frame); });
  }
};

uint64_t cpu_ms() {
  timespec now{};
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

/** By arcs, patched, in order; what the routes say nothing of comes to the handler, between the others. */
void passes_on() {
  Line line;
  CHECK(line.middle.route(routes_of({{line.way(0, true, 3)}, {line.way(1)}}, kHops, arcs_of({0, 1, -1, 0}))));
  Random random;
  std::vector<std::vector<uint8_t>> expected[3];
  for (uint32_t i = 0; i < 3000; ++i) {
    const uint32_t bytes = random.below(50) == 0 ? 60000 : random.below(300);
    const std::vector<uint8_t> frame = routed_frame(random.next(), i, bytes, static_cast<uint8_t>(random.below(9)));
    const uint32_t arc = frame[HEADER_BYTES] >> 6;
    const bool far = frame[AT_HOPS] + 1 >= static_cast<int>(kHops);
    if (far || arc == 2) {
      expected[2].push_back(frame);
    } else if (arc == 1) {
      expected[1].push_back(passed(frame, false, 0));
    } else {
      expected[0].push_back(passed(frame, true, 3));
    }
    line.send(frame);
  }
  line.run([&] {
    return line.sinks[0].frames.size() == expected[0].size() && line.sinks[1].frames.size() == expected[1].size() &&
           line.middle.frames.size() == expected[2].size();
  });
  CHECK(line.sinks[0].frames == expected[0]);
  CHECK(line.sinks[1].frames == expected[1]);
  CHECK(line.middle.frames == expected[2]);
  const double there = static_cast<double>(expected[0].size() + expected[1].size());
  CHECK(line.middle.counter(COUNT_PASSED_ON) == there && line.middle.counter(COUNT_NOT_PASSED_ON) == 0);
  CHECK(line.middle.word(line.in, LINK_PASSED_IN) == static_cast<uint32_t>(there));
  CHECK(line.middle.word(line.out[1], LINK_PASSED_OUT) == expected[1].size());
  for (const Link& link : line.out) CHECK(line.middle.word(link, LINK_QUEUED) == 0);
}

/** The same routes, when those that they name go one after the other. */
void passes_by_the_next_best() {
  Line line;
  CHECK(line.middle.route(routes_of({{line.way(0, true), line.way(1)}}, kHops, arcs_of({0}))));
  uint32_t number = 0;
  const auto send = [&](End& to) {
    const size_t before = to.frames.size();
    line.send(routed_frame(7, ++number, 10));
    line.run([&] { return to.frames.size() > before; });
    CHECK(number_of(to.frames.back().data()) == number);
  };
  send(line.sinks[0]);
  // Who is not to get more although it is still there, as after a goodbye.
  line.middle.routable(line.out[0], true, false);
  send(line.sinks[1]);
  line.middle.routable(line.out[0], false, true);
  send(line.sinks[0]);
  line.sinks[0].endpoint().shut();
  const double ended = line.middle.counter(COUNT_REASONS + REASON_ENDED);
  line.run([&] { return line.middle.counter(COUNT_REASONS + REASON_ENDED) > ended; });
  send(line.sinks[1]);
  line.middle.close(line.out[1], false);
  send(line.middle);
  CHECK(line.middle.counter(COUNT_NOT_PASSED_ON) == 1);
}

/** Whoever does not read is passed over for the next; an owner is not. All that was passed on arrives in the end. */
void passes_over_who_is_full() {
  for (const bool final : {false, true}) {
    Line line(kTiny);
    CHECK(line.middle.route(routes_of({{line.way(0, final), line.way(1)}}, kHops, arcs_of({0}))));
    End& second = final ? line.middle : line.sinks[1];
    uint32_t sent = 0;
    const auto awake = {static_cast<Party*>(&line.middle), static_cast<Party*>(&line.source),
                        static_cast<Party*>(&line.sinks[1])};
    // The first does not read meanwhile.
    run_until(awake, [&] {
      for (int i = 0; i < 20; ++i) {
        if (line.source.send_frame(line.from, routed_frame(1, sent, 3000 + sent % 1000))) ++sent;
      }
      return second.frames.size() > 100;
    });
    CHECK(line.middle.word(line.out[0], LINK_QUEUED) <= 2 * kTiny.output_bytes + 5000);
    line.run([&] { return line.sinks[0].frames.size() + second.frames.size() == sent; });
    std::set<uint32_t> numbers;
    for (const End* end : {&line.sinks[0], &second}) {
      for (const std::vector<uint8_t>& frame : end->frames) {
        const uint32_t number = number_of(frame.data());
        const std::vector<uint8_t> whole = routed_frame(1, number, 3000 + number % 1000);
        CHECK(numbers.insert(number).second);
        CHECK(frame == (end == &line.middle ? whole : passed(whole, final && end == &line.sinks[0], 0)));
      }
    }
    CHECK(numbers.size() == sent);
  }
}

/** What is no table is refused, and then nothing is passed on. */
void refuses_what_is_none() {
  Line line;
  const std::vector<uint32_t> good = routes_of({{line.way(0), line.way(1)}}, kHops, arcs_of({0, -1}), arcs_of({-1, 0}));
  CHECK(line.middle.route(good));
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK(!line.middle.route(std::vector<uint32_t>(good.begin(), good.begin() + static_cast<ptrdiff_t>(size))));
  }
  Random random;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint32_t> words = good;
    words[random.below(static_cast<uint32_t>(words.size()))] = random.below(2) == 0 ? random.below(9) : random.next();
    if (!line.middle.route(words)) continue;
    // Whatever it says, it is safe to go by.
    if (round % 50 == 0) line.send(routed_frame(random.next(), 1, 8));
  }
  CHECK(!line.middle.route({}));
  const size_t before = line.middle.frames.size();
  line.send(routed_frame(1, 77, 8));
  line.run([&] { return line.middle.frames.size() > before; });
  CHECK(number_of(line.middle.frames.back().data()) == 77);
}

/**
 * A sends to B, B to C, C to A, each as much as it can of what goes once around, through queues of next to nothing.
 * What finds no room comes to the handler, which drops it: reading goes on, and so nobody waits for ever.
 */
void goes_round_in_circles() {
  constexpr int kParties = 3;
  constexpr uint64_t kForMs = 2000;
  constexpr uint64_t kStallMs = 1000;
  End parties[kParties] = {End(kTiny), End(kTiny), End(kTiny)};
  Link out[kParties];
  Link in[kParties];
  uint32_t hellos = 0;
  uint64_t dropped = 0;
  uint16_t ports[kParties];
  for (int i = 0; i < kParties; ++i) ports[i] = parties[i].listen();
  for (int i = 0; i < kParties; ++i) {
    out[i] = parties[i].dial(ports[(i + 1) % kParties]);
    parties[i].opened = [&, i](Link link) {
      parties[i].greet(link);
      if (key_of(link) != key_of(out[i])) in[i] = link;
    };
    parties[i].frame = [&](Link, const uint8_t* bytes, uint32_t) { is_hello_frame(bytes) ? ++hellos : ++dropped; };
  }
  const auto all = {static_cast<Party*>(&parties[0]), static_cast<Party*>(&parties[1]),
                    static_cast<Party*>(&parties[2])};
  run_until(all, [&] { return hellos == 2 * kParties; });
  for (int i = 0; i < kParties; ++i) {
    parties[i].routable(in[i], true, false);
    parties[i].routable(out[i], false, true);
    CHECK(parties[i].route(routes_of({{{out[i].index, out[i].generation, false, 0}}}, 4, arcs_of({0}))));
  }
  double seen[kParties] = {};
  uint64_t moved_ms[kParties];
  // Of our own time: others may have the processor for long.
  const uint64_t begin_ms = cpu_ms();
  for (uint64_t& ms : moved_ms) ms = begin_ms;
  for (uint32_t number = 0; cpu_ms() < begin_ms + kForMs;) {
    for (int i = 0; i < kParties; ++i) {
      while (parties[i].send_frame(out[i], routed_frame(number * 2654435761U, number, number % 2000))) ++number;
      parties[i].turn();
      const double passed_on = parties[i].counter(COUNT_PASSED_ON);
      if (passed_on > seen[i]) moved_ms[i] = cpu_ms();
      seen[i] = passed_on;
      CHECK(cpu_ms() < moved_ms[i] + kStallMs);
    }
  }
  CHECK(dropped > 0);
  for (Party* party : all) CHECK(party->counter(COUNT_PASSED_ON) > 100);
}

/** Of the latest that went over a link heads are there when it is closed, and not after that. */
void keeps_heads() {
  Line line;
  CHECK(line.middle.route(routes_of({{line.way(0)}}, kHops, arcs_of({0}))));
  constexpr uint32_t kFrames = 1000;
  for (uint32_t number = 1; number <= kFrames; ++number) line.send(routed_frame(7, number, number % 100));
  line.run([&] { return line.sinks[0].frames.size() == kFrames; });
  std::vector<uint8_t> heads;
  uint32_t now_ms = 0;
  line.middle.closed = [&](Link link, uint32_t) {
    const HeadLog* log = line.middle.endpoint().heads(link.index, link.generation, &now_ms);
    CHECK(log != nullptr && log->size() > HeadLog::kBytes / 2 && log->size() <= 2 * HeadLog::kBytes);
    heads.resize(log->size());
    log->copy(heads.data(), now_ms);
  };
  line.sinks[0].endpoint().shut();
  line.run([&] { return !heads.empty(); });
  uint32_t number = 0;
  for (uint32_t at = 0; at < heads.size(); at += load32(&heads[at])) {
    CHECK(check_frame(&heads[at], heads.size() - at).verdict == Verdict::whole);
    CHECK(load16(&heads[at] + AT_EXTENSIONS) == EXT_ORIGIN && load32(&heads[at] + AT_METHOD_LOW) < 60000);
    CHECK(load32(&heads[at] + AT_METHOD_HIGH) == UINT32_MAX);
    CHECK(number == 0 || number_of(&heads[at]) == number + 1);
    number = number_of(&heads[at]);
  }
  CHECK(number == kFrames);
  CHECK(line.middle.endpoint().heads(line.out[0].index, line.out[0].generation, &now_ms) == nullptr);
  CHECK(line.middle.endpoint().heads(UINT32_MAX, 0, &now_ms) == nullptr);
}

/** Heads of any length, between two generations. */
void logs_any_length() {
  HeadLog log;
  Random random;
  uint32_t last = 0;
  for (uint32_t number = 1; number < 2000; ++number) {
    const uint32_t address = random.below(256);
    std::vector<uint8_t> frame = routed_frame(random.next(), number, padded(address));
    const auto bytes = static_cast<uint16_t>(address);
    std::memcpy(&frame[HEADER_BYTES + TARGET_BYTES], &bytes, sizeof bytes);
    log.note(frame.data(), number);
    last = number;
  }
  std::vector<uint8_t> heads(log.size());
  log.copy(heads.data(), 2000);
  uint32_t at = 0;
  for (; at < heads.size(); at += load32(&heads[at])) {
    CHECK(load32(&heads[at] + AT_METHOD_LOW) == 2000 - number_of(&heads[at]));
    if (at + load32(&heads[at]) == heads.size()) CHECK(number_of(&heads[at]) == last);
  }
  CHECK(at == heads.size());
  log.clear();
  CHECK(log.size() == 0);
}

}  // namespace

int main() {
  passes_on();
  passes_by_the_next_best();
  passes_over_who_is_full();
  keeps_heads();
  logs_any_length();
  refuses_what_is_none();
  goes_round_in_circles();
}
