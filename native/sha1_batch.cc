#include "sha1_batch.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#define CHORDITE_SHA_NI 1
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace chordite {

namespace {

constexpr uint32_t kInitial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
constexpr uint32_t kBlock = 64;
/** The longest key that fits into one block with its padding. */
constexpr uint32_t kOneBlockMax = kBlock - 9;

/** The last one or two blocks of a message: its end, 0x80, zeros, its length in bits. Returns how many blocks. */
uint32_t last_blocks(const uint8_t* end, uint32_t rest, uint64_t length, uint8_t blocks[2 * kBlock]) {
  const uint32_t count = rest > kOneBlockMax ? 2 : 1;
  std::memset(blocks, 0, count * kBlock);
  if (rest > 0) std::memcpy(blocks, end, rest);
  blocks[rest] = 0x80;
  const uint64_t bits = __builtin_bswap64(length * 8);
  std::memcpy(blocks + count * kBlock - 8, &bits, 8);
  return count;
}

void store_hash(const uint32_t state[5], uint8_t* hash) {
  for (int i = 0; i < 5; ++i) {
    const uint32_t word = __builtin_bswap32(state[i]);
    std::memcpy(hash + 4 * i, &word, 4);
  }
}

/** FIPS 180-4, section 6.1.2. */
void compress_portable(uint32_t state[5], const uint8_t* block) {
  uint32_t w[80];
  for (int i = 0; i < 16; ++i) {
    std::memcpy(&w[i], block + 4 * i, 4);
    w[i] = __builtin_bswap32(w[i]);
  }
  for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  const auto round = [&](uint32_t f, uint32_t k, uint32_t word) {
    const uint32_t next = std::rotl(a, 5) + f + e + k + word;
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  };
  for (int i = 0; i < 20; ++i) round((b & c) | (~b & d), 0x5a827999, w[i]);
  for (int i = 20; i < 40; ++i) round(b ^ c ^ d, 0x6ed9eba1, w[i]);
  for (int i = 40; i < 60; ++i) round((b & c) | (b & d) | (c & d), 0x8f1bbcdc, w[i]);
  for (int i = 60; i < 80; ++i) round(b ^ c ^ d, 0xca62c1d6, w[i]);
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

template <typename Compress>
void hash_one(const uint8_t* key, uint32_t length, uint8_t* hash, Compress compress) {
  uint32_t state[5];
  std::memcpy(state, kInitial, sizeof state);
  uint32_t at = 0;
  for (; length - at >= kBlock; at += kBlock) compress(state, key + at);
  uint8_t blocks[2 * kBlock];
  const uint32_t count = last_blocks(key + at, length - at, length, blocks);
  for (uint32_t i = 0; i < count; ++i) compress(state, blocks + i * kBlock);
  store_hash(state, hash);
}

#if CHORDITE_SHA_NI

#define CHORDITE_SHA __attribute__((target("sha,sse4.1,ssse3")))

/** Words of one message block in the order that the SHA instructions want. */
CHORDITE_SHA inline __m128i load_words(const uint8_t* block) {
  const __m128i reverse = _mm_set_epi64x(0x0001020304050607LL, 0x08090a0b0c0d0e0fLL);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block)), reverse);
}

/** Four rounds of one of `lanes` independent messages, whose instructions fill each other's latency. */
template <int kGroup>
CHORDITE_SHA inline void four_rounds(__m128i& abcd, __m128i& e, __m128i words[4]) {
  __m128i& now = words[kGroup % 4];
  if constexpr (kGroup >= 4) {
    const __m128i& next = words[(kGroup + 1) % 4];
    const __m128i& after = words[(kGroup + 2) % 4];
    const __m128i& last = words[(kGroup + 3) % 4];
    now = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(now, next), after), last);
  }
  const __m128i before = abcd;
  if constexpr (kGroup == 0) {
    e = _mm_add_epi32(e, now);
  } else {
    e = _mm_sha1nexte_epu32(e, now);
  }
  abcd = _mm_sha1rnds4_epu32(abcd, e, kGroup / 5);
  e = before;
}

template <int kLanes>
CHORDITE_SHA inline void compress_lanes(__m128i (&abcd)[kLanes], __m128i (&e)[kLanes], const uint8_t* const* blocks) {
  __m128i words[kLanes][4];
  __m128i start_abcd[kLanes];
  __m128i start_e[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int i = 0; i < 4; ++i) words[lane][i] = load_words(blocks[lane] + 16 * i);
    start_abcd[lane] = abcd[lane];
    start_e[lane] = e[lane];
  }
#define CHORDITE_GROUP(n) \
  for (int lane = 0; lane < kLanes; ++lane) four_rounds<n>(abcd[lane], e[lane], words[lane])
  CHORDITE_GROUP(0);
  CHORDITE_GROUP(1);
  CHORDITE_GROUP(2);
  CHORDITE_GROUP(3);
  CHORDITE_GROUP(4);
  CHORDITE_GROUP(5);
  CHORDITE_GROUP(6);
  CHORDITE_GROUP(7);
  CHORDITE_GROUP(8);
  CHORDITE_GROUP(9);
  CHORDITE_GROUP(10);
  CHORDITE_GROUP(11);
  CHORDITE_GROUP(12);
  CHORDITE_GROUP(13);
  CHORDITE_GROUP(14);
  CHORDITE_GROUP(15);
  CHORDITE_GROUP(16);
  CHORDITE_GROUP(17);
  CHORDITE_GROUP(18);
  CHORDITE_GROUP(19);
#undef CHORDITE_GROUP
  for (int lane = 0; lane < kLanes; ++lane) {
    e[lane] = _mm_sha1nexte_epu32(e[lane], start_e[lane]);
    abcd[lane] = _mm_add_epi32(abcd[lane], start_abcd[lane]);
  }
}

CHORDITE_SHA inline void load_state(const uint32_t state[5], __m128i& abcd, __m128i& e) {
  abcd = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state)), 0x1b);
  e = _mm_set_epi32(static_cast<int>(state[4]), 0, 0, 0);
}

CHORDITE_SHA inline void store_state(uint32_t state[5], __m128i abcd, __m128i e) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_shuffle_epi32(abcd, 0x1b));
  state[4] = static_cast<uint32_t>(_mm_extract_epi32(e, 3));
}

CHORDITE_SHA void compress_sha_ni(uint32_t state[5], const uint8_t* block) {
  __m128i abcd[1];
  __m128i e[1];
  load_state(state, abcd[0], e[0]);
  compress_lanes<1>(abcd, e, &block);
  store_state(state, abcd[0], e[0]);
}

constexpr uint32_t kLanes = 4;

/** Keys that fit into one block, which nearly all do. */
CHORDITE_SHA void hash_lanes(const uint8_t* const* keys, const uint32_t* lengths, uint8_t* hashes) {
  uint8_t blocks[kLanes][2 * kBlock];
  const uint8_t* firsts[kLanes];
  __m128i abcd[kLanes];
  __m128i e[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    (void)last_blocks(keys[lane], lengths[lane], lengths[lane], blocks[lane]);
    firsts[lane] = blocks[lane];
    load_state(kInitial, abcd[lane], e[lane]);
  }
  compress_lanes<static_cast<int>(kLanes)>(abcd, e, firsts);
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    uint32_t state[5];
    store_state(state, abcd[lane], e[lane]);
    store_hash(state, hashes + 20 * lane);
  }
}

void sha1_batch_sha_ni(const uint8_t* bytes, const uint32_t* offsets, uint32_t count, uint8_t* hashes) {
  uint32_t i = 0;
  while (i < count) {
    const uint8_t* keys[kLanes];
    uint32_t lengths[kLanes];
    uint32_t lanes = 0;
    while (lanes < kLanes && i + lanes < count) {
      const uint32_t start = offsets[i + lanes];
      const uint32_t length = offsets[i + lanes + 1] - start;
      if (length > kOneBlockMax) break;
      keys[lanes] = bytes + start;
      lengths[lanes++] = length;
    }
    if (lanes == kLanes) {
      hash_lanes(keys, lengths, hashes + 20 * uint64_t{i});
      i += kLanes;
    } else {
      const uint32_t start = offsets[i];
      hash_one(bytes + start, offsets[i + 1] - start, hashes + 20 * uint64_t{i}, compress_sha_ni);
      ++i;
    }
  }
}

bool has_sha_ni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  const bool sse = (c & bit_SSSE3) != 0 && (c & bit_SSE4_1) != 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kSha = 1U << 29;
  return sse && (b & kSha) != 0;
}

#else

bool has_sha_ni() { return false; }
constexpr Sha1Batch sha1_batch_sha_ni = sha1_batch_portable;

#endif

}  // namespace

void sha1_batch_portable(const uint8_t* bytes, const uint32_t* offsets, uint32_t count, uint8_t* hashes) {
  for (uint32_t i = 0; i < count; ++i) {
    hash_one(bytes + offsets[i], offsets[i + 1] - offsets[i], hashes + 20 * uint64_t{i}, compress_portable);
  }
}

Sha1Batch sha1_batch() { return has_sha_ni() ? sha1_batch_sha_ni : sha1_batch_portable; }

const char* sha1_feature() { return has_sha_ni() ? "sha-ni" : "portable"; }

}  // namespace chordite
