// SHA-1 of sixteen messages side by side, one in each 32-bit lane of AVX-512's registers.

#include "sha1_engine.h"

#if CHORDITE_X86

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 finds fault with how its own header says "any value".
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <utility>

#define CHORDITE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi2")))
#define CHORDITE_AVX512_INLINE __attribute__((target("avx512f,avx512bw,avx512vl,bmi2"), always_inline)) inline

namespace chordite::sha1 {

namespace {

constexpr uint32_t kLanes = 16;

CHORDITE_AVX512_INLINE __m512i swap_bytes(__m512i words) {
  const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  return _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(order));
}

/** 16 × 16 words: row i of the result holds word i of each lane. First 4 × 4 words within, then 4 × 4 quarters. */
CHORDITE_AVX512_INLINE void transpose(__m512i (&rows)[16]) {
  __m512i half[16];
  for (int i = 0; i < 16; i += 4) {
    const __m512i a = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    const __m512i b = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    const __m512i c = _mm512_unpacklo_epi32(rows[i + 2], rows[i + 3]);
    const __m512i d = _mm512_unpackhi_epi32(rows[i + 2], rows[i + 3]);
    half[i] = _mm512_unpacklo_epi64(a, c);
    half[i + 1] = _mm512_unpackhi_epi64(a, c);
    half[i + 2] = _mm512_unpacklo_epi64(b, d);
    half[i + 3] = _mm512_unpackhi_epi64(b, d);
  }
  for (int i = 0; i < 4; ++i) {
    const __m512i a = _mm512_shuffle_i32x4(half[i], half[i + 4], 0x88);
    const __m512i b = _mm512_shuffle_i32x4(half[i + 8], half[i + 12], 0x88);
    const __m512i c = _mm512_shuffle_i32x4(half[i], half[i + 4], 0xdd);
    const __m512i d = _mm512_shuffle_i32x4(half[i + 8], half[i + 12], 0xdd);
    rows[i] = _mm512_shuffle_i32x4(a, b, 0x88);
    rows[i + 4] = _mm512_shuffle_i32x4(c, d, 0x88);
    rows[i + 8] = _mm512_shuffle_i32x4(a, b, 0xdd);
    rows[i + 12] = _mm512_shuffle_i32x4(c, d, 0xdd);
  }
}

struct State {
  __m512i a, b, c, d, e;
};

CHORDITE_AVX512_INLINE __m512i all_lanes(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }

/** One of 80 rounds, and the word that is needed 16 rounds later. */
template <int kRound>
CHORDITE_AVX512_INLINE void round(State& s, __m512i (&w)[16]) {
  // Truth tables of: b ? c : d, parity, majority.
  constexpr int kFunction = kRound < 20 ? 0xca : kRound >= 40 && kRound < 60 ? 0xe8 : 0x96;
  __m512i& word = w[kRound % 16];
  if constexpr (kRound >= 16) {
    const __m512i three =
        _mm512_ternarylogic_epi32(w[(kRound + 13) % 16], w[(kRound + 8) % 16], w[(kRound + 2) % 16], 0x96);
    word = _mm512_rol_epi32(_mm512_xor_si512(word, three), 1);
  }
  const __m512i early = _mm512_add_epi32(_mm512_add_epi32(s.e, all_lanes(kConstants[kRound / 20])), word);
  const __m512i mixed = _mm512_add_epi32(early, _mm512_ternarylogic_epi32(s.b, s.c, s.d, kFunction));
  const __m512i next = _mm512_add_epi32(mixed, _mm512_rol_epi32(s.a, 5));
  s = {next, s.a, _mm512_rol_epi32(s.b, 30), s.c, s.d};
}

template <int... kRounds>
CHORDITE_AVX512_INLINE void all_rounds(State& s, __m512i (&w)[16], std::integer_sequence<int, kRounds...>) {
  (round<kRounds>(s, w), ...);
}

CHORDITE_AVX512_INLINE State compressed(const State& from, __m512i (&w)[16]) {
  State s = from;
  all_rounds(s, w, std::make_integer_sequence<int, 80>{});
  return {_mm512_add_epi32(s.a, from.a), _mm512_add_epi32(s.b, from.b), _mm512_add_epi32(s.c, from.c),
          _mm512_add_epi32(s.d, from.d), _mm512_add_epi32(s.e, from.e)};
}

CHORDITE_AVX512_INLINE State initial_state() {
  return {all_lanes(kInitial[0]), all_lanes(kInitial[1]), all_lanes(kInitial[2]), all_lanes(kInitial[3]),
          all_lanes(kInitial[4])};
}

/** Each lane's first four words together, and its fifth. */
struct Lanes {
  alignas(64) uint8_t first[kLanes][16];
  alignas(64) uint32_t fifth[kLanes];
};

CHORDITE_AVX512_INLINE void store_lanes(const State& s, Lanes& lanes) {
  const __m512i ab = _mm512_unpacklo_epi32(s.a, s.b);
  const __m512i ab_high = _mm512_unpackhi_epi32(s.a, s.b);
  const __m512i cd = _mm512_unpacklo_epi32(s.c, s.d);
  const __m512i cd_high = _mm512_unpackhi_epi32(s.c, s.d);
  // Quarter q of `of[i]` belongs to lane 4 q + i.
  const __m512i of[4] = {_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd),
                         _mm512_unpacklo_epi64(ab_high, cd_high), _mm512_unpackhi_epi64(ab_high, cd_high)};
  for (int i = 0; i < 4; ++i) {
    _mm_store_si128(reinterpret_cast<__m128i*>(lanes.first[i]), _mm512_castsi512_si128(of[i]));
    _mm_store_si128(reinterpret_cast<__m128i*>(lanes.first[4 + i]), _mm512_extracti32x4_epi32(of[i], 1));
    _mm_store_si128(reinterpret_cast<__m128i*>(lanes.first[8 + i]), _mm512_extracti32x4_epi32(of[i], 2));
    _mm_store_si128(reinterpret_cast<__m128i*>(lanes.first[12 + i]), _mm512_extracti32x4_epi32(of[i], 3));
  }
  _mm512_store_si512(lanes.fifth, s.e);
}

CHORDITE_AVX512 void hash_short(const Message* messages, uint32_t count) {
  __m512i w[16];
  alignas(64) uint32_t lengths[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    // Lanes without a message repeat the first.
    const Message& message = messages[lane < count ? lane : 0];
    const __mmask64 bytes = _bzhi_u64(~uint64_t{0}, message.length);
    const __m512i text = _mm512_maskz_loadu_epi8(bytes, message.bytes);
    w[lane] = _mm512_mask_mov_epi8(text, uint64_t{1} << message.length, _mm512_set1_epi8(static_cast<char>(0x80)));
    lengths[lane] = message.length;
  }
  transpose(w);
  for (int i = 0; i < 14; ++i) w[i] = swap_bytes(w[i]);
  w[15] = _mm512_slli_epi32(_mm512_load_si512(lengths), 3);
  State s = compressed(initial_state(), w);
  s = {swap_bytes(s.a), swap_bytes(s.b), swap_bytes(s.c), swap_bytes(s.d), swap_bytes(s.e)};
  Lanes lanes;
  store_lanes(s, lanes);
  for (uint32_t lane = 0; lane < count; ++lane) {
    std::memcpy(messages[lane].hash, lanes.first[lane], 16);
    std::memcpy(messages[lane].hash + 16, &lanes.fifth[lane], 4);
  }
}

CHORDITE_AVX512 void compress(Stream* const* streams, uint32_t count, uint32_t blocks) {
  alignas(64) uint32_t words[5][kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const Stream& stream = *streams[lane < count ? lane : 0];
    for (int i = 0; i < 5; ++i) words[i][lane] = stream.state[i];
  }
  State s = {_mm512_load_si512(words[0]), _mm512_load_si512(words[1]), _mm512_load_si512(words[2]),
             _mm512_load_si512(words[3]), _mm512_load_si512(words[4])};
  for (; blocks > 0; --blocks) {
    __m512i w[16];
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      w[lane] = lane < count ? swap_bytes(_mm512_loadu_si512(streams[lane]->next_block())) : _mm512_setzero_si512();
    }
    transpose(w);
    s = compressed(s, w);
  }
  Lanes lanes;
  store_lanes(s, lanes);
  for (uint32_t lane = 0; lane < count; ++lane) {
    std::memcpy(streams[lane]->state, lanes.first[lane], 16);
    streams[lane]->state[4] = lanes.fifth[lane];
  }
}

}  // namespace

const Engine kAvx512{"avx512", kLanes, hash_short, compress};

}  // namespace chordite::sha1

#endif
