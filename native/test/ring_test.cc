#include "../ring.h"

#include <vector>

#include "../array.h"
#include "../byte_queue.h"
#include "check.h"

using namespace chordite;

namespace {

void batch() {
  std::vector<uint8_t> receive(4 * FRAME_BYTES_MAX);
  std::vector<uint32_t> descriptors(DESCRIPTORS_MAX * DESCRIPTOR_WORDS);
  SharedMemory memory;
  memory.receive = receive.data();
  memory.receive_bytes = static_cast<uint32_t>(receive.size());
  memory.descriptors = descriptors.data();
  BatchWriter writer;
  writer.start(memory);
  CHECK(writer.has_room() && writer.count() == 0 && writer.used() == 0);
  writer.frame(5, 7, 33);
  CHECK(writer.used() == 40 && writer.place() == receive.data() + 40);
  writer.event(KIND_CLOSED, 5, 7, REASON_ENDED, 0);
  const uint32_t expected[] = {5, 7, 0, 33, 5 | KIND_CLOSED << KIND_SHIFT, 7, REASON_ENDED, 0};
  for (uint32_t i = 0; i < 8; ++i) CHECK(descriptors[i] == expected[i]);
  CHECK(writer.keep(9) == 40 && writer.used() == 56);
  // Every frame of the budget fits, with events besides; then there is no room, and a new batch has it again.
  while (writer.has_room()) {
    writer.frame(1, 1, 32);
    if (writer.frames_left() % 2 == 0) writer.event(KIND_DRAINED, 1, 1, 0, 0);
  }
  CHECK(writer.used() <= memory.receive_bytes && writer.count() <= DESCRIPTORS_MAX);
  CHECK(writer.frames_left() < 64 || writer.bytes_left() < 2 * FRAME_BYTES_MAX + 64);
  writer.start(memory);
  CHECK(writer.has_room() && writer.frames_left() == 4096);
  // However many events come first, the frames that there is room for find their descriptors.
  while (writer.has_room()) writer.event(KIND_CLOSED, 1, 1, 0, 0);
  CHECK(writer.count() + writer.frames_left() <= DESCRIPTORS_MAX);
  while (writer.has_room_for_event()) writer.event(KIND_CLOSED, 1, 1, 0, 0);
  CHECK(writer.count() + writer.frames_left() == DESCRIPTORS_MAX);
}

/** Slow handlers get half as many frames the next time, down to a bound; quick ones twice as many, if there were many.
 */
void pace() {
  std::vector<uint8_t> receive(size_t{4} << 20);
  std::vector<uint32_t> descriptors(DESCRIPTORS_MAX * DESCRIPTOR_WORDS);
  SharedMemory memory;
  memory.receive = receive.data();
  memory.receive_bytes = static_cast<uint32_t>(receive.size());
  memory.descriptors = descriptors.data();
  BatchWriter writer;
  // Every other frame is passed on, which is a frame as well.
  const auto fill = [&](uint32_t most) {
    writer.start(memory);
    while (writer.has_room() && writer.taken() < most) {
      if (writer.taken() % 2 == 0)
        writer.pass(HEADER_BYTES);
      else
        writer.frame(1, 1, HEADER_BYTES);
    }
    return writer.taken();
  };
  const uint32_t whole = fill(UINT32_MAX);
  CHECK(whole > 4000);
  uint32_t before = whole;
  while (before > 300) {
    writer.pace(true);
    CHECK(fill(UINT32_MAX) == before / 2);
    before /= 2;
  }
  for (int i = 0; i < 10; ++i) {
    writer.pace(true);
    (void)fill(UINT32_MAX);
  }
  CHECK(fill(UINT32_MAX) == 128);
  // That a few were handled quickly says nothing about many.
  for (int i = 0; i < 10; ++i) {
    CHECK(fill(10) == 10);
    writer.pace(false);
  }
  CHECK(fill(UINT32_MAX) == 128);
  for (uint32_t frames = 256; frames < whole; frames *= 2) {
    writer.pace(false);
    CHECK(fill(UINT32_MAX) == frames);
  }
  writer.pace(false);
  CHECK(fill(UINT32_MAX) == whole);
}

/** What is given back is what is taken next; more than is kept, and too large ones, are freed. */
void byte_pool() {
  BytePool pool;
  uint32_t capacity = 0;
  uint8_t* first = pool.take(1, &capacity);
  CHECK(capacity == 256);
  pool.give(first, capacity);
  CHECK(pool.take(256, &capacity) == first && capacity == 256);
  uint8_t* larger = pool.take(257, &capacity);
  CHECK(larger != first && capacity == 512);
  pool.give(larger, 512);
  pool.give(first, 256);
  pool.give(nullptr, 0);
  for (const uint32_t bytes : {65536U, 65537U}) {
    std::vector<uint8_t*> blocks;
    for (int i = 0; i < 80; ++i) blocks.push_back(pool.take(bytes, &capacity));
    CHECK(capacity == (bytes == 65536 ? 65536U : 131072U));
    for (uint8_t* block : blocks) pool.give(block, capacity);
  }
  CHECK(pool.take((uint64_t{1} << 31) + 1, &capacity) == nullptr);
}

/** Against a plain model, with the sanitizer watching. */
void byte_queue() {
  Random random;
  BytePool pool;
  ByteQueue queue;
  std::vector<uint8_t> model;
  uint8_t next = 0;
  for (int round = 0; round < 20000; ++round) {
    if (random.below(2) == 0) {
      std::vector<uint8_t> bytes(1 + random.below(700));
      for (uint8_t& byte : bytes) byte = next++;
      CHECK(queue.append(pool, bytes.data(), static_cast<uint32_t>(bytes.size())));
      model.insert(model.end(), bytes.begin(), bytes.end());
    } else if (!model.empty()) {
      const uint32_t count = 1 + random.below(static_cast<uint32_t>(model.size()));
      queue.take(pool, count);
      model.erase(model.begin(), model.begin() + count);
    }
    CHECK(queue.size() == model.size());
    if (!model.empty()) CHECK(std::memcmp(queue.data(), model.data(), model.size()) == 0);
    if (model.empty()) CHECK(queue.capacity() == 0);
  }
  queue.clear(pool);
  CHECK(queue.append(pool, &next, 1));
  CHECK(!queue.append(pool, &next, UINT32_MAX - 300));  // nothing is read of what cannot be had
}

void array() {
  Array<uint32_t> items;
  for (uint32_t i = 0; i < 100; ++i) items.push(i);
  items.drop_front(40);
  CHECK(items.size() == 60 && items[0] == 40 && items.pop() == 99);
  uint32_t sum = 0;
  for (const uint32_t item : items) sum += item;
  CHECK(sum == (40 + 98) * 59 / 2);
  items.clear();
  CHECK(items.size() == 0);
}

}  // namespace

int main() {
  batch();
  pace();
  byte_pool();
  byte_queue();
  array();
}
