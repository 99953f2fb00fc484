#include "../framing.h"

#include <cstdlib>
#include <initializer_list>

#include "check.h"

using namespace chordite;

namespace {

struct Frame {
  alignas(8) uint8_t bytes[FRAME_BYTES_MAX] = {};

  Frame(uint32_t length, uint16_t type, uint16_t extensions) {
    std::memcpy(bytes + AT_LENGTH, &length, 4);
    std::memcpy(bytes + AT_TYPE, &type, 2);
    std::memcpy(bytes + AT_EXTENSIONS, &extensions, 2);
    bytes[AT_VERSION] = PROTOCOL_VERSION;
  }
  Verdict check(uint64_t available) const { return check_frame(bytes, available).verdict; }
};

void lengths() {
  CHECK(Frame(32, 16, 0).check(32) == Verdict::whole);
  CHECK(Frame(31, 16, 0).check(64) == Verdict::length);
  CHECK(Frame(0, 16, 0).check(64) == Verdict::length);
  CHECK(Frame(FRAME_BYTES_MAX, 16, 0).check(FRAME_BYTES_MAX) == Verdict::whole);
  CHECK(Frame(FRAME_BYTES_MAX + 1, 16, 0).check(64) == Verdict::length);
  CHECK(Frame(UINT32_MAX, 16, 0).check(64) == Verdict::length);
  CHECK(Frame(33, 16, 0).check(39) == Verdict::partial);
  CHECK(Frame(33, 16, 0).check(40) == Verdict::whole);
  for (uint64_t available = 0; available < 32; ++available) {
    CHECK(Frame(UINT32_MAX, 16, 0).check(available) == Verdict::partial);
  }
}

void reserved() {
  for (const uint32_t at : {AT_VERSION, AT_RESERVED}) {
    Frame frame(32, 16, 0);
    frame.bytes[at] ^= 0x80;
    CHECK(frame.check(32) == (at == AT_VERSION ? Verdict::version : Verdict::reserved));
  }
  for (uint32_t bit = 0; bit < 16; ++bit) {
    Frame frame(32, 16, 0);
    const auto flags = static_cast<uint16_t>(1U << bit);
    std::memcpy(frame.bytes + AT_FLAGS, &flags, 2);
    CHECK(frame.check(32) == ((flags & FLAGS_KNOWN) != 0 ? Verdict::whole : Verdict::reserved));
    const Frame extended(4096, 16, flags);
    CHECK(extended.check(4096) == ((flags & EXTENSIONS_KNOWN) != 0 ? Verdict::whole : Verdict::reserved));
  }
  for (uint32_t length = 33; length < 40; ++length) {
    Frame frame(length, 16, 0);
    CHECK(frame.check(40) == Verdict::whole);
    for (uint32_t at = length; at < 40; ++at) {
      frame.bytes[at] = 1;
      CHECK(frame.check(40) == Verdict::padding);
      frame.bytes[at] = 0;
    }
  }
}

void extensions() {
  for (uint16_t set = 0; set <= EXTENSIONS_KNOWN; ++set) {
    const uint32_t least = HEADER_BYTES + extension_bytes_fixed(set);
    if ((set & kLast) == kLast) {
      CHECK(Frame(least, 16, set).check(least) == Verdict::extensions);
      CHECK(Frame(4096, 16, set).check(HEADER_BYTES) == Verdict::extensions);
      continue;
    }
    CHECK(Frame(least, 16, set).check(least) == Verdict::whole);
    if (set == 0) continue;
    CHECK(Frame(least - 1, 16, set).check(least) == Verdict::extensions);
    if ((set & kLast) == 0) continue;
    // An address that takes the frame's last byte, and one that would take one more.
    const uint32_t last = least - ((set & EXT_OWNER) != 0 ? OWNER_FIXED_BYTES : ORIGIN_FIXED_BYTES);
    Frame frame(least + 24, 16, set);
    frame.bytes[last] = 24;
    CHECK(frame.check(least + 24) == Verdict::whole);
    frame.bytes[last] = 25;
    CHECK(frame.check(least + 24) == Verdict::extensions);
    frame.bytes[last] = frame.bytes[last + 1] = 0xff;
    CHECK(frame.check(least + 24) == Verdict::extensions);
  }
}

void hello() {
  Frame frame(36, TYPE_HELLO, 0);
  CHECK(!is_hello(frame.bytes));
  std::memcpy(frame.bytes + 32, &HELLO_MAGIC, 4);
  CHECK(is_hello(frame.bytes));
  CHECK(!is_hello(Frame(32, TYPE_HELLO, 0).bytes));
  frame.bytes[AT_TYPE] = 2;
  CHECK(!is_hello(frame.bytes));
}

/** Random bytes in a block of exactly their size: the sanitizer sees any read beyond it. */
void random_bytes() {
  Random random;
  for (int round = 0; round < 200000; ++round) {
    const uint32_t size = random.below(256);
    auto* bytes = static_cast<uint8_t*>(std::malloc(size == 0 ? 1 : size));
    for (uint32_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(random.next());
    if (size >= HEADER_BYTES && random.below(4) != 0) {
      const uint32_t length = random.below(300);
      const auto set = static_cast<uint16_t>(random.below(EXTENSIONS_KNOWN + 1));
      std::memcpy(bytes + AT_LENGTH, &length, 4);
      std::memset(bytes + AT_TYPE, 0, 4);
      bytes[AT_VERSION] = PROTOCOL_VERSION;
      bytes[AT_RESERVED] = 0;
      std::memcpy(bytes + AT_EXTENSIONS, &set, 2);
    }
    const FrameCheck check = check_frame(bytes, size);
    if (check.verdict == Verdict::whole) {
      CHECK(padded(check.length) <= size);
      CHECK(HEADER_BYTES + extension_bytes(bytes) <= check.length);
      (void)is_hello(bytes);
    }
    std::free(bytes);
  }
}

}  // namespace

int main() {
  lengths();
  reserved();
  extensions();
  hello();
  random_bytes();
}
