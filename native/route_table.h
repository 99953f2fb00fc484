// Where frames by key go next, as src/runtime/routes.ts decides it for whole arcs of the ring: the best ways first.
//
//   head         rows, hops after which a frame is not passed on, words of the first table, words of the second
//   rows         of each row its ways: link index | final steps << 24 | FINAL, generation; ROUTE_NONE where there is
//   none first table  of arcs (arc_table.h), numbers of rows: what the members decide, -1 where JavaScript must second
//   the same of remembered ranges, -1 where none is; absent if it has no words
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "arc_table.h"
#include "array.h"
#include "framing.h"
#include "layout.h"

namespace chordite {

/** One of a row's ways. */
struct Way {
  uint32_t head;
  uint32_t generation;

  [[nodiscard]] bool is_none() const { return head == ROUTE_NONE; }
  [[nodiscard]] bool is_final() const { return (head & ROUTE_FINAL) != 0; }
  [[nodiscard]] uint32_t index() const { return head & ((1U << ROUTE_STEPS_SHIFT) - 1); }
  [[nodiscard]] uint8_t final_steps() const { return static_cast<uint8_t>((head & ~ROUTE_FINAL) >> ROUTE_STEPS_SHIFT); }
};
static_assert(sizeof(Way) == 8);

class RouteTable {
 public:
  /** Copies all of it; if it is not well-formed, nothing is known from then on, and the answer is false. */
  [[nodiscard]] bool install(const uint32_t* words, size_t size, uint32_t link_slots) {
    first_ = second_ = ArcTable();
    if (size < ROUTE_HEAD_WORDS || size > kWordsMax) return false;
    words_.reserve(static_cast<uint32_t>(size));
    std::memcpy(words_.items(), words, size * sizeof(uint32_t));
    // Only the copy is looked at: nobody else can change that.
    words = words_.items();
    const uint32_t rows = words[0];
    if (rows > ArcTable::kArcsMax || words[1] > UINT8_MAX) return false;
    if (size != ROUTE_HEAD_WORDS + uint64_t{rows} * kRowWords + words[2] + words[3]) return false;
    const uint32_t* ways = words + ROUTE_HEAD_WORDS;
    const uint32_t* tables = ways + size_t{rows} * kRowWords;
    if (!are_ways(ways, rows, link_slots) || !is_table(tables, words[2], rows)) return false;
    if (words[3] > 0 && !is_table(tables + words[2], words[3], rows)) return false;
    hops_ = words[1];
    (void)first_.open(tables, words[2]);
    if (words[3] > 0) (void)second_.open(tables + words[2], words[3]);
    return true;
  }

  /** Whether a whole frame may be passed on at all; what must be known of it beside its key is known then. */
  [[nodiscard]] bool takes(const uint8_t* frame) const {
    const uint32_t type = load16(frame + AT_TYPE);
    const uint32_t set = load16(frame + AT_EXTENSIONS);
    constexpr uint32_t kNeeded = EXT_TARGET | EXT_ORIGIN;
    if ((type != TYPE_LOOKUP && type != TYPE_REQUEST) || (set & kNeeded) != kNeeded) return false;
    if ((load16(frame + AT_FLAGS) & FLAG_FINAL) != 0 || uint32_t{frame[AT_HOPS]} + 1 >= hops_) return false;
    const uint8_t* incarnation = frame + HEADER_BYTES + TARGET_INCARNATION;
    if ((load32(incarnation) | load32(incarnation + 4)) != 0) return false;
    // Nobody waits for it any more: JavaScript drops it.
    return (set & EXT_DEADLINE) == 0 || load32(frame + HEADER_BYTES + TARGET_BYTES) != 0;
  }

  /** The row of the key, 20 bytes; null where there is none. */
  [[nodiscard]] const Way* decided(const uint8_t* key) const { return row(first_.find(key)); }
  [[nodiscard]] const Way* remembered(const uint8_t* key) const { return row(second_.find(key)); }

 private:
  static constexpr uint32_t kRowWords = 2 * ROUTE_WAYS;
  static constexpr size_t kTableWordsMax = 2 + 6 * size_t{ArcTable::kArcsMax} + (1U << (ArcTable::kBitsMax - 1)) + 1;
  static constexpr size_t kWordsMax = ROUTE_HEAD_WORDS + kRowWords * size_t{ArcTable::kArcsMax} + 2 * kTableWordsMax;

  [[nodiscard]] const Way* row(int32_t number) const {
    if (number < 0) return nullptr;
    const uint32_t* words = words_.items() + ROUTE_HEAD_WORDS + size_t{kRowWords} * static_cast<uint32_t>(number);
    return reinterpret_cast<const Way*>(words);
  }

  static bool are_ways(const uint32_t* words, uint32_t rows, uint32_t link_slots) {
    for (uint64_t i = 0; i < uint64_t{rows} * ROUTE_WAYS; ++i) {
      const Way way{words[2 * i], words[2 * i + 1]};
      if (!way.is_none() && way.index() >= link_slots) return false;
    }
    return true;
  }

  static bool is_table(const uint32_t* words, uint32_t size, uint32_t rows) {
    ArcTable table;
    if (!table.open(words, size) || !table.is_sound()) return false;
    for (uint32_t arc = 0; arc < table.arcs(); ++arc) {
      const int32_t number = table.number(arc);
      if (number < ArcTable::kNoArc || number >= static_cast<int64_t>(rows)) return false;
    }
    return true;
  }

  Array<uint32_t> words_;
  uint32_t hops_ = 0;
  ArcTable first_;
  ArcTable second_;
};

}  // namespace chordite
