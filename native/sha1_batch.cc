#include "sha1_batch.h"

#include "sha1_engine.h"

namespace chordite {

namespace {

using sha1::Engine;
using sha1::Message;
using sha1::Stream;

/** Engines to use together: the wide one while there is enough for its lanes, the other for what is left. */
struct Way {
  const char* name;
  const Engine* wide;
  /** Fewer messages than these are faster one by one, or four by four. */
  uint32_t wide_from;
  const Engine* narrow;

  [[nodiscard]] const Engine& engine_for(uint32_t count) const { return count >= wide_from ? *wide : *narrow; }
};

struct Ways {
  Way list[4];
  uint32_t count;
};

Ways find_ways() {
  Ways ways{};
  const auto add = [&ways](const Way& way) { ways.list[ways.count++] = way; };
#if CHORDITE_X86
  const cpu::Features features = cpu::read_features();
  if (features.avx512 && features.sha_ni) add({"avx512", &sha1::kAvx512, 12, &sha1::kShaNi});
  if (features.sha_ni) add({"sha-ni", &sha1::kShaNi, 1, &sha1::kShaNi});
  if (features.avx512) add({"avx512 alone", &sha1::kAvx512, 2, &sha1::kPortable});
#endif
  add({"portable", &sha1::kPortable, 1, &sha1::kPortable});
  return ways;
}

/** Found when the addon is loaded. */
const Ways kWays = find_ways();

/** Takes keys in any order of lengths. Those of one block, nearly all, wait for full lanes by themselves. */
class Batch {
 public:
  explicit Batch(const Way& way) : way_(way) {}

  void add(const Message& message) {
    if (message.length > sha1::kShortMax) return add_long(message);
    short_[shorts_++] = message;
    if (shorts_ < sha1::kLanesMax) return;
    hash_shorts();
  }

  void finish() {
    if (shorts_ > 0) hash_shorts();
    while (streams_ > 0) advance();
  }

 private:
  void hash_shorts() {
    const Engine& engine = way_.engine_for(shorts_);
    for (uint32_t done = 0; done < shorts_; done += engine.lanes) {
      const uint32_t left = shorts_ - done;
      engine.hash_short(short_ + done, left < engine.lanes ? left : engine.lanes);
    }
    shorts_ = 0;
  }

  void add_long(const Message& message) {
    if (streams_ == made_) lanes_[made_++] = &pool_[streams_];
    Stream* stream = lanes_[streams_++];
    stream->message = message;
    stream->at = message.bytes;
    stream->whole_left = message.length / sha1::kBlockBytes;
    const uint32_t rest = message.length % sha1::kBlockBytes;
    stream->end_left = rest > sha1::kShortMax ? 2 : 1;
    sha1::pad_blocks(message.bytes + (message.length - rest), rest, message.length, stream->end, stream->end_left);
    if (stream->whole_left == 0) stream->at = stream->end;
    std::memcpy(stream->state, sha1::kInitial, sizeof stream->state);
    while (streams_ == sha1::kLanesMax) advance();
  }

  /** As many blocks as all streams under way have; at least one of them ends, and another key may take its lane. */
  void advance() {
    const Engine& engine = way_.engine_for(streams_);
    const uint32_t lanes = streams_ < engine.lanes ? streams_ : engine.lanes;
    uint32_t blocks = lanes_[0]->left();
    for (uint32_t i = 1; i < lanes; ++i) {
      if (lanes_[i]->left() < blocks) blocks = lanes_[i]->left();
    }
    engine.compress(lanes_, lanes, blocks);
    for (uint32_t i = lanes; i-- > 0;) {
      Stream* stream = lanes_[i];
      if (stream->left() > 0) continue;
      sha1::store_hash(stream->state, stream->message.hash);
      lanes_[i] = lanes_[--streams_];
      lanes_[streams_] = stream;
    }
  }

  const Way& way_;
  Message short_[sha1::kLanesMax];
  uint32_t shorts_ = 0;
  Stream pool_[sha1::kLanesMax];
  /** The first `streams_` are under way, the others up to `made_` are free. */
  Stream* lanes_[sha1::kLanesMax];
  uint32_t streams_ = 0;
  uint32_t made_ = 0;
};

bool hash_all(const Way& way, const PackedKeys& keys, uint8_t* hashes) {
  Batch batch(way);
  // Each offset is read once, and checked then: nobody can change it in between.
  uint32_t start = keys.offsets[0];
  if (start > keys.size) return false;
  for (uint32_t i = 0; i < keys.count; ++i) {
    const uint32_t end = keys.offsets[i + 1];
    if (end < start || end > keys.size) return false;
    batch.add({keys.bytes + start, end - start, hashes + uint64_t{i} * sha1::kHashBytes});
    start = end;
  }
  batch.finish();
  return true;
}

}  // namespace

bool sha1_batch(const PackedKeys& keys, uint8_t* hashes) { return hash_all(kWays.list[0], keys, hashes); }

const char* sha1_feature() { return sha1_way_name(0); }

bool sha1_batch_by(uint32_t way, const PackedKeys& keys, uint8_t* hashes) {
  return hash_all(kWays.list[way], keys, hashes);
}

uint32_t sha1_ways() { return kWays.count; }

const char* sha1_way_name(uint32_t way) { return kWays.list[way].name; }

}  // namespace chordite
