// Who is read first, and that nobody is forgotten or waits for ever. The poller's answers are real: pipes with bytes in
// them.

#include "../ready_list.h"

#include <unistd.h>

#include <array>
#include <vector>

#include "check.h"

using namespace chordite;

namespace {

constexpr uint32_t kMuch = 8192;

/** Pipes that are ready as long as they are full; `expected[i]` is what pipe i will bring. */
struct Pipes {
  Poller poller;
  std::vector<std::array<int, 2>> ends;
  std::vector<uint32_t> expected;

  explicit Pipes(std::vector<uint32_t> expect) : ends(expect.size()), expected(std::move(expect)) {
    CHECK(poller.open() == 0);
    for (uint32_t i = 0; i < ends.size(); ++i) {
      CHECK(pipe(ends[i].data()) == 0 && poller.add(ends[i][0], i, true, false));
      full(i);
    }
  }
  Pipes(const Pipes&) = delete;
  ~Pipes() {
    for (const auto& pair : ends) {
      close(pair[0]);
      close(pair[1]);
    }
  }
  void full(uint32_t i) const { CHECK(write(ends[i][1], "x", 1) == 1); }
  void empty(uint64_t i) const {
    char byte = 0;
    CHECK(read(ends[i][0], &byte, 1) == 1);
  }
  void fill(ReadyList& list) {
    list.fill(poller, [this](uint64_t token) { return expected[token]; });
  }
  std::vector<uint64_t> glance(ReadyList& list, uint32_t most = 100) {
    std::vector<uint64_t> tokens;
    list.glance(
        poller, [this](uint64_t token) { return expected[token]; },
        [&](const Ready& ready) {
          tokens.push_back(ready.token);
          return tokens.size() < most;
        });
    return tokens;
  }
};

std::vector<uint64_t> take_all(ReadyList& list) {
  std::vector<uint64_t> tokens;
  while (!list.is_empty()) tokens.push_back(list.take().token);
  return tokens;
}

/** Each exactly once, the light ones first and known as such. */
void light_first() {
  Pipes pipes({kMuch, 100, kMuch, kMuch, 0, kMuch, 200});
  ReadyList list;
  CHECK(list.is_empty() && !list.is_mixed() && !list.wants_glance());
  pipes.fill(list);
  CHECK(list.is_mixed());
  std::vector<bool> seen(pipes.ends.size());
  for (uint32_t i = 0; i < pipes.ends.size(); ++i) {
    CHECK(list.is_light_next() == (i < 3));
    const uint64_t token = list.take().token;
    CHECK(!seen[token] && (pipes.expected[token] < kMuch) == (i < 3));
    seen[token] = true;
  }
  CHECK(list.is_empty() && !list.is_light_next() && !list.wants_glance());
}

/** The poller's order stands where nobody brings much, or all bring much. */
void alike() {
  for (const std::vector<uint32_t>& expected :
       {std::vector<uint32_t>{10, 4000, 10, 4000}, {kMuch, kMuch, kMuch / 2, 2 * kMuch}, {0, 0, 0}}) {
    Pipes pipes(expected);
    ReadyList list;
    pipes.fill(list);
    CHECK(!list.is_light_next() && !list.is_mixed());
    const std::vector<uint64_t> taken = take_all(list);
    CHECK(taken.size() == expected.size());
    for (uint64_t i = 0; i < taken.size(); ++i) CHECK(taken[i] == i);
  }
}

/** Between two heavy ones at most one glance, which hands over light ones only and leaves the heavy ones where they
 * are. */
void glances() {
  Pipes pipes({100, 100, kMuch, kMuch, kMuch, kMuch});
  ReadyList list;
  pipes.fill(list);
  CHECK(!list.wants_glance());
  for (int i = 0; i < 2; ++i) pipes.empty(list.take().token);
  CHECK(list.wants_glance());
  CHECK(pipes.glance(list).empty() && !list.wants_glance());
  pipes.full(0);
  pipes.full(1);
  std::vector<uint64_t> heavy;
  for (int i = 0; i < 4; ++i) {
    heavy.push_back(list.take().token);
    CHECK(list.wants_glance() == (i < 3));
    if (i >= 3) continue;
    const std::vector<uint64_t> light = pipes.glance(list, i == 0 ? 1 : 100);
    CHECK(light.size() == (i == 0 ? 1U : 2U) && light[0] < 2 && !list.wants_glance());
  }
  CHECK((heavy == std::vector<uint64_t>{2, 3, 4, 5}));
}

/** After long enough without light ones it is as it was before the first. */
void forgets() {
  Pipes pipes({kMuch, kMuch, kMuch, kMuch, 100});
  ReadyList list;
  pipes.fill(list);
  pipes.empty(4);
  for (uint32_t i = 0; i < ReadyList::kMixedLists; ++i) {
    CHECK(list.is_mixed());
    (void)take_all(list);
    pipes.fill(list);
  }
  CHECK(!list.is_mixed() && !list.wants_glance());
}

}  // namespace

int main() {
  light_first();
  alike();
  glances();
  forgets();
}
