// What this processor can do. Asking takes microseconds in a virtual machine, so ask once. Code for one extension is
// compiled with a target attribute, never with flags for the whole addon, and called only after these have said yes.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#define CHORDITE_X86 1
#else
#define CHORDITE_X86 0
#endif

namespace chordite::cpu {

#if CHORDITE_X86

struct Features {
  bool sha_ni;
  /** F, CD, BW and VL, and an operating system that saves their registers. */
  bool avx512;
};

inline Features read_features() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return {};
  const uint32_t basic = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return {};
  Features features{};
  constexpr uint32_t kSha = 1U << 29;
  features.sha_ni = (basic & bit_SSSE3) != 0 && (basic & bit_SSE4_1) != 0 && (b & kSha) != 0;
  if ((basic & bit_OSXSAVE) == 0) return features;
  uint32_t saved = 0, ignored = 0;
  __asm__ volatile("xgetbv" : "=a"(saved), "=d"(ignored) : "c"(0));
  // SSE, AVX, mask registers, upper halves, upper sixteen.
  constexpr uint32_t kSaved = 0xe6;
  constexpr uint32_t kAvx512 = (1U << 16) | (1U << 28) | (1U << 30) | (1U << 31);
  constexpr uint32_t kBmi2 = 1U << 8;
  features.avx512 = (saved & kSaved) == kSaved && (b & kAvx512) == kAvx512 && (b & kBmi2) != 0;
  return features;
}

#endif

}  // namespace chordite::cpu
