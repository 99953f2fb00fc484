// The closest preceding nodes of sixteen keys side by side. Where the first word decides, which it does in any real
// ring, and entries are few, all are counted that lie before each key: two instructions an entry for sixteen keys.

#include "closest_preceding.h"
#include "cpu.h"

#if CHORDITE_X86

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 finds fault with how its own header says "any value".
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#define CHORDITE_AVX512 __attribute__((target("avx512f,avx512cd,avx512bw,avx512vl,bmi,bmi2,lzcnt")))
#define CHORDITE_AVX512_INLINE \
  __attribute__((target("avx512f,avx512cd,avx512bw,avx512vl,bmi,bmi2,lzcnt"), always_inline)) inline

namespace chordite {

namespace {

constexpr uint32_t kLanes = 16;
/** More are not counted but searched. */
constexpr uint32_t kCountedMax = 31;

/** Sixteen keys as they lie: five registers. */
struct Keys {
  __m512i parts[5];
};

CHORDITE_AVX512_INLINE Keys load_keys(const uint8_t* keys) {
  Keys loaded;
  for (int i = 0; i < 5; ++i) loaded.parts[i] = _mm512_loadu_si512(keys + 64 * i);
  return loaded;
}

/** Word `index` of each key: it lies at 5 × lane + index of the 80 words. */
CHORDITE_AVX512_INLINE __m512i word_of(const Keys& keys, int index) {
  const __m512i fives = _mm512_setr_epi32(0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75);
  const __m512i at = _mm512_add_epi32(fives, _mm512_set1_epi32(index));
  // A permutation takes the low five bits, so each source may be asked for all; the mask says whose answer counts.
  const __mmask16 second = _mm512_cmpge_epu32_mask(at, _mm512_set1_epi32(32));
  const __mmask16 third = _mm512_cmpge_epu32_mask(at, _mm512_set1_epi32(64));
  const __m512i low = _mm512_permutex2var_epi32(keys.parts[0], at, keys.parts[1]);
  const __m512i middle = _mm512_permutex2var_epi32(keys.parts[2], at, keys.parts[3]);
  const __m512i words =
      _mm512_mask_permutexvar_epi32(_mm512_mask_mov_epi32(low, second, middle), third, at, keys.parts[4]);
  const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  return _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(order));
}

CHORDITE_AVX512_INLINE __m512i all(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }

/** Entries by their first word, in order: what is nearer than the first word tells is 0, what lies behind all ones. */
struct FirstWords {
  alignas(64) uint32_t words[kCountedMax + 1];
  uint32_t count;
};

void fill_first_words(const RoutingTable& table, FirstWords& firsts) {
  for (uint32_t& word : firsts.words) word = UINT32_MAX;
  firsts.count = table.entries();
  for (uint32_t i = 0; i < firsts.count; ++i) {
    const uint64_t code = table.code(i);
    const auto depth = static_cast<uint32_t>(code >> 32);
    if (depth == Difference::kFirstWord) firsts.words[i] = static_cast<uint32_t>(code);
    if (depth < Difference::kFirstWord) firsts.words[i] = 0;
  }
}

CHORDITE_AVX512 uint32_t by_counting(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes) {
  FirstWords firsts;
  fill_first_words(table, firsts);
  const __m512i low = _mm512_load_si512(firsts.words);
  const __m512i high = _mm512_load_si512(firsts.words + kLanes);
  const __m512i self = all(table.self()[0]);
  uint32_t done = 0;
  for (; count - done >= kLanes; done += kLanes) {
    const uint8_t* at = keys + uint64_t{done} * kIdBytes;
    const __m512i difference = _mm512_sub_epi32(word_of(load_keys(at), 0), self);
    __m512i index = all(UINT32_MAX);
    for (uint32_t i = 0; i < firsts.count; ++i) {
      const __mmask16 before = _mm512_cmplt_epu32_mask(all(firsts.words[i]), difference);
      index = _mm512_mask_add_epi32(index, before, index, all(1));
    }
    // The next entry: if its word is the same, the others decide.
    const __m512i next = _mm512_permutex2var_epi32(low, _mm512_add_epi32(index, all(1)), high);
    uint32_t open = _mm512_cmpeq_epu32_mask(next, difference) | _mm512_testn_epi32_mask(difference, difference);
    _mm512_storeu_si512(indexes + done, index);
    for (; open != 0; open &= open - 1) {
      const auto lane = static_cast<uint32_t>(__builtin_ctz(open));
      indexes[done + lane] = table.preceding(at + size_t{lane} * kIdBytes);
    }
  }
  return done;
}

/** The first differing words of sixteen keys, and how deep they are. */
struct Differences {
  alignas(64) uint32_t words[kLanes];
  alignas(64) uint32_t depths[kLanes];
  /** Lanes that are the node, or behind it. */
  uint32_t behind;
};

CHORDITE_AVX512_INLINE void find_differences(const RoutingTable& table, const uint8_t* at, Differences& found) {
  const Keys keys = load_keys(at);
  __m512i word = _mm512_sub_epi32(word_of(keys, 0), all(table.self()[0]));
  __m512i depth = all(Difference::kFirstWord);
  __mmask16 equal = _mm512_testn_epi32_mask(word, word);
  __mmask16 behind = 0;
  for (int index = 1; index < 5 && equal != 0; ++index) {
    const __m512i key = word_of(keys, index);
    const __m512i self = all(table.self()[index]);
    behind |= _mm512_mask_cmplt_epu32_mask(equal, key, self);
    word = _mm512_mask_sub_epi32(word, equal, key, self);
    depth = _mm512_mask_sub_epi32(depth, equal, depth, all(1));
    equal = _mm512_mask_cmpeq_epi32_mask(equal, key, self);
  }
  _mm512_store_si512(found.words, word);
  _mm512_store_si512(found.depths, depth);
  found.behind = static_cast<uint32_t>(behind | equal);
}

CHORDITE_AVX512 uint32_t by_buckets(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes) {
  uint32_t done = 0;
  for (; count - done >= kLanes; done += kLanes) {
    const uint8_t* at = keys + uint64_t{done} * kIdBytes;
    Differences found;
    find_differences(table, at, found);
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      const uint8_t* key = at + size_t{lane} * kIdBytes;
      const bool behind = (found.behind >> lane & 1) != 0;
      indexes[done + lane] = behind ? table.preceding_behind(key)
                                    : table.preceding(Difference{found.words[lane], found.depths[lane]}, key);
    }
  }
  return done;
}

}  // namespace

uint32_t closest_preceding_avx512(const RoutingTable& table, const uint8_t* keys, uint32_t count, int32_t* indexes) {
  if (table.entries() <= kCountedMax) return by_counting(table, keys, count, indexes);
  return by_buckets(table, keys, count, indexes);
}

}  // namespace chordite

#endif
