// SHA-1 with the SHA instructions of x86: up to four messages side by side, whose instructions fill each other's
// latency.

#include "sha1_engine.h"

#if CHORDITE_X86

#include <immintrin.h>

#define CHORDITE_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define CHORDITE_SHA_INLINE __attribute__((target("sha,sse4.1,ssse3"), always_inline)) inline

namespace chordite::sha1 {

namespace {

template <int kCount>
struct State {
  __m128i abcd[kCount];
  __m128i e[kCount];
};

/** Four words of a message block in the order that the SHA instructions want. */
CHORDITE_SHA_INLINE __m128i load_words(const uint8_t* bytes) {
  const __m128i reverse = _mm_set_epi64x(0x0001020304050607LL, 0x08090a0b0c0d0e0fLL);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)), reverse);
}

/** Four rounds of one message. */
template <int kGroup>
CHORDITE_SHA_INLINE void four_rounds(__m128i& abcd, __m128i& e, __m128i (&words)[4]) {
  __m128i& now = words[kGroup % 4];
  if constexpr (kGroup >= 4) {
    const __m128i& next = words[(kGroup + 1) % 4];
    const __m128i& after = words[(kGroup + 2) % 4];
    const __m128i& last = words[(kGroup + 3) % 4];
    now = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(now, next), after), last);
  }
  const __m128i before = abcd;
  e = kGroup == 0 ? _mm_add_epi32(e, now) : _mm_sha1nexte_epu32(e, now);
  abcd = _mm_sha1rnds4_epu32(abcd, e, kGroup / 5);
  e = before;
}

template <int kGroup, int kCount>
CHORDITE_SHA_INLINE void group(State<kCount>& s, __m128i (&words)[kCount][4]) {
  for (int lane = 0; lane < kCount; ++lane) four_rounds<kGroup>(s.abcd[lane], s.e[lane], words[lane]);
  if constexpr (kGroup < 19) group<kGroup + 1>(s, words);
}

template <int kCount>
CHORDITE_SHA_INLINE void compress_blocks(State<kCount>& s, const uint8_t* const* blocks) {
  __m128i words[kCount][4];
  for (int lane = 0; lane < kCount; ++lane) {
    for (int i = 0; i < 4; ++i) words[lane][i] = load_words(blocks[lane] + 16 * i);
  }
  const State<kCount> start = s;
  group<0>(s, words);
  for (int lane = 0; lane < kCount; ++lane) {
    s.e[lane] = _mm_sha1nexte_epu32(s.e[lane], start.e[lane]);
    s.abcd[lane] = _mm_add_epi32(s.abcd[lane], start.abcd[lane]);
  }
}

CHORDITE_SHA_INLINE void load_state(const uint32_t state[5], __m128i& abcd, __m128i& e) {
  abcd = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state)), 0x1b);
  e = _mm_set_epi32(static_cast<int>(state[4]), 0, 0, 0);
}

template <int kCount>
CHORDITE_SHA void hash_padded(const Message* messages, const uint8_t (*blocks)[kBlockBytes]) {
  State<kCount> s;
  const uint8_t* at[kCount];
  for (int lane = 0; lane < kCount; ++lane) {
    load_state(kInitial, s.abcd[lane], s.e[lane]);
    at[lane] = blocks[lane];
  }
  compress_blocks(s, at);
  const __m128i reverse = _mm_set_epi64x(0x0001020304050607LL, 0x08090a0b0c0d0e0fLL);
  for (int lane = 0; lane < kCount; ++lane) {
    uint8_t* hash = messages[lane].hash;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(hash), _mm_shuffle_epi8(s.abcd[lane], reverse));
    const uint32_t last = __builtin_bswap32(static_cast<uint32_t>(_mm_extract_epi32(s.e[lane], 3)));
    std::memcpy(hash + 16, &last, 4);
  }
}

CHORDITE_SHA void hash_short(const Message* messages, uint32_t count) {
  // All are padded before the first is read: a wide load waits long for narrow stores to the same place just before it.
  alignas(16) uint8_t blocks[kLanesMax][kBlockBytes];
  for (uint32_t i = 0; i < count; ++i) pad_short(messages[i], blocks[i]);
  uint32_t i = 0;
  for (; count - i >= 4; i += 4) hash_padded<4>(messages + i, blocks + i);
  if (count - i >= 2) {
    hash_padded<2>(messages + i, blocks + i);
    i += 2;
  }
  if (count > i) hash_padded<1>(messages + i, blocks + i);
}

template <int kCount>
CHORDITE_SHA void compress_streams(Stream* const* streams, uint32_t blocks) {
  State<kCount> s;
  for (int lane = 0; lane < kCount; ++lane) load_state(streams[lane]->state, s.abcd[lane], s.e[lane]);
  for (; blocks > 0; --blocks) {
    const uint8_t* at[kCount];
    for (int lane = 0; lane < kCount; ++lane) at[lane] = streams[lane]->next_block();
    compress_blocks(s, at);
  }
  for (int lane = 0; lane < kCount; ++lane) {
    uint32_t* state = streams[lane]->state;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_shuffle_epi32(s.abcd[lane], 0x1b));
    state[4] = static_cast<uint32_t>(_mm_extract_epi32(s.e[lane], 3));
  }
}

void compress(Stream* const* streams, uint32_t count, uint32_t blocks) {
  uint32_t i = 0;
  for (; count - i >= 4; i += 4) compress_streams<4>(streams + i, blocks);
  if (count - i >= 2) {
    compress_streams<2>(streams + i, blocks);
    i += 2;
  }
  if (count > i) compress_streams<1>(streams + i, blocks);
}

}  // namespace

const Engine kShaNi{"sha-ni", kLanesMax, hash_short, compress};

}  // namespace chordite::sha1

#endif
