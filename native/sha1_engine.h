// What the implementations of SHA-1 have in common (FIPS 180-4, sections 5 and 6.1). Each works on several messages
// side by side, its lanes, since the steps of one message wait for each other.
#pragma once

#include <cstdint>
#include <cstring>

#include "cpu.h"

namespace chordite::sha1 {

inline constexpr uint32_t kInitial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
inline constexpr uint32_t kConstants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
inline constexpr uint32_t kBlockBytes = 64;
inline constexpr uint32_t kHashBytes = 20;
/** The longest message that fits into one block with its padding. */
inline constexpr uint32_t kShortMax = kBlockBytes - 9;
inline constexpr uint32_t kLanesMax = 16;

/** Borrows the bytes and the place for the hash from the caller of the batch, for the length of that call. */
struct Message {
  const uint8_t* bytes;
  uint32_t length;
  uint8_t* hash;
};

/** A message of any length on its way through a compression function: whole blocks in place, then its padded end. */
struct Stream {
  Message message;
  uint32_t whole_left;
  uint32_t end_left;
  const uint8_t* at;
  uint32_t state[5];
  uint8_t end[2 * kBlockBytes];

  [[nodiscard]] uint32_t left() const { return whole_left + end_left; }

  const uint8_t* next_block() {
    const uint8_t* block = at;
    if (whole_left > 0) {
      at = --whole_left > 0 ? at + kBlockBytes : end;
    } else {
      --end_left;
      at += kBlockBytes;
    }
    return block;
  }
};

/** One way to compute it. */
struct Engine {
  const char* name;
  uint32_t lanes;
  /** 1 to `lanes` messages of at most kShortMax bytes. */
  void (*hash_short)(const Message* messages, uint32_t count);
  /** The next `blocks` blocks of 1 to `lanes` streams, each of which has as many left. */
  void (*compress)(Stream* const* streams, uint32_t count, uint32_t blocks);
};

/** The last `rest_bytes` of a message of `length` bytes, 0x80, zeros and the length in bits, in `count` blocks. */
inline void pad_blocks(const uint8_t* rest, uint32_t rest_bytes, uint64_t length, uint8_t* blocks, uint32_t count) {
  std::memset(blocks, 0, size_t{count} * kBlockBytes);
  if (rest_bytes > 0) std::memcpy(blocks, rest, rest_bytes);
  blocks[rest_bytes] = 0x80;
  const uint64_t bits = __builtin_bswap64(length * 8);
  std::memcpy(blocks + size_t{count} * kBlockBytes - 8, &bits, 8);
}

inline void pad_short(const Message& message, uint8_t block[kBlockBytes]) {
  pad_blocks(message.bytes, message.length, message.length, block, 1);
}

inline void store_hash(const uint32_t state[5], uint8_t* hash) {
  for (int i = 0; i < 5; ++i) {
    const uint32_t word = __builtin_bswap32(state[i]);
    std::memcpy(hash + 4 * i, &word, 4);
  }
}

extern const Engine kPortable;
#if CHORDITE_X86
// Only where cpu::read_features() has said so.
extern const Engine kShaNi;
extern const Engine kAvx512;
#endif

}  // namespace chordite::sha1
