// The least that tests need: a check that names itself and ends the program.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                      \
    }                                                                                    \
  } while (false)

/** Repeatable randomness: xorshift, seeded. */
struct Random {
  unsigned long long state = 0x9e3779b97f4a7c15ULL;
  unsigned next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<unsigned>(state >> 32);
  }
  unsigned below(unsigned bound) { return next() % bound; }
};
