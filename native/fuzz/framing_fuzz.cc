// A stream of bytes through check_frame and through the plain rules: the same verdicts, and no byte read beyond what
// came.

#include "../framing.h"

#include <algorithm>
#include <vector>

#include "reference.h"

using namespace chordite;

namespace {

/** Gives each call a block of exactly the bytes that have come, so that the sanitizer sees a read beyond them. */
FrameCheck check_exactly(const uint8_t* bytes, uint64_t available) {
  const std::vector<uint8_t> block(bytes, bytes + available);
  const FrameCheck check = check_frame(block.data(), available);
  const reference::Frame expected = reference::look(block.data(), available);
  REQUIRE(static_cast<uint8_t>(check.verdict) == static_cast<uint8_t>(expected.outcome));
  REQUIRE(check.length == expected.length);
  if (check.verdict == Verdict::whole) {
    REQUIRE(HEADER_BYTES + extension_bytes(block.data()) == expected.body_at);
    REQUIRE(chordite::is_hello(block.data()) == reference::is_hello(block.data(), expected));
  }
  return check;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  for (uint64_t at = 0; at < size;) {
    const uint64_t left = size - at;
    const FrameCheck check = check_exactly(bytes + at, left);
    // Some of the ways in which the same frame could have come in pieces.
    (void)check_exactly(bytes + at, std::min<uint64_t>(left, HEADER_BYTES));
    (void)check_exactly(bytes + at, left / 2);
    if (check.verdict != Verdict::whole) break;
    const uint32_t frame = padded(check.length);
    (void)check_exactly(bytes + at, frame);
    REQUIRE(check_exactly(bytes + at, frame - 1).verdict == Verdict::partial);
    at += frame;
  }
  return 0;
}
