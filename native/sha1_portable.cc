// SHA-1 in plain C++, one message after the other: for processors without the instructions that the others use.

#include <bit>
#include <utility>

#include "sha1_engine.h"

namespace chordite::sha1 {

namespace {

struct State {
  uint32_t a, b, c, d, e;
};

/** One of 80 rounds (FIPS 180-4, section 6.1.3: the words in a circle). Unrolled, since then no variable is moved. */
template <int kRound>
inline void round(State& s, uint32_t (&w)[16]) {
  uint32_t& word = w[kRound % 16];
  if constexpr (kRound >= 16) {
    word = std::rotl(word ^ w[(kRound + 13) % 16] ^ w[(kRound + 8) % 16] ^ w[(kRound + 2) % 16], 1);
  }
  uint32_t f = s.b ^ s.c ^ s.d;
  if constexpr (kRound < 20) f = s.d ^ (s.b & (s.c ^ s.d));
  if constexpr (kRound >= 40 && kRound < 60) f = (s.b & s.c) + (s.d & (s.b ^ s.c));
  const uint32_t next = std::rotl(s.a, 5) + f + s.e + kConstants[kRound / 20] + word;
  s = {next, s.a, std::rotl(s.b, 30), s.c, s.d};
}

template <int... kRounds>
inline void all_rounds(State& s, uint32_t (&w)[16], std::integer_sequence<int, kRounds...>) {
  (round<kRounds>(s, w), ...);
}

void compress_block(uint32_t state[5], const uint8_t* block) {
  uint32_t w[16];
  for (int i = 0; i < 16; ++i) {
    std::memcpy(&w[i], block + 4 * i, 4);
    w[i] = __builtin_bswap32(w[i]);
  }
  State s = {state[0], state[1], state[2], state[3], state[4]};
  all_rounds(s, w, std::make_integer_sequence<int, 80>{});
  state[0] += s.a;
  state[1] += s.b;
  state[2] += s.c;
  state[3] += s.d;
  state[4] += s.e;
}

void hash_short(const Message* messages, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    uint8_t block[kBlockBytes];
    uint32_t state[5];
    std::memcpy(state, kInitial, sizeof state);
    pad_short(messages[i], block);
    compress_block(state, block);
    store_hash(state, messages[i].hash);
  }
}

void compress(Stream* const* streams, uint32_t count, uint32_t blocks) {
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t done = 0; done < blocks; ++done) compress_block(streams[i]->state, streams[i]->next_block());
  }
}

}  // namespace

const Engine kPortable{"portable", 1, hash_short, compress};

}  // namespace chordite::sha1
