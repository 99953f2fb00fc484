// Reads inputs (their length in 4 bytes, then their bytes) and says of each what framing.h makes of it, as four
// numbers: verdict, length, bytes between header and body, whether it is a hello. For test/wire/framing-twins.test.ts.

#include <cstdio>
#include <vector>

#include "../framing.h"
#include "check.h"

using namespace chordite;

int main() {
  uint32_t size = 0;
  while (std::fread(&size, sizeof size, 1, stdin) == 1) {
    std::vector<uint8_t> bytes(size);
    CHECK(size == 0 || std::fread(bytes.data(), size, 1, stdin) == 1);
    const FrameCheck check = check_frame(bytes.data(), size);
    const bool whole = check.verdict == Verdict::whole;
    const uint32_t answer[4] = {static_cast<uint32_t>(check.verdict), check.length,
                                whole ? extension_bytes(bytes.data()) : 0,
                                static_cast<uint32_t>(whole && is_hello(bytes.data()))};
    CHECK(std::fwrite(answer, sizeof answer, 1, stdout) == 1);
  }
}
