// Frames by key that are not for us: on to the next node by the routes that JavaScript has installed, from where they
// lie in the receive ring, with the flush of this wake-up. Whatever is not plain goes to JavaScript, which decides the
// same.

#include <cstring>

#include "endpoint.h"
#include "framing.h"
#include "platform.h"
#include "traffic_class.h"

namespace chordite {

namespace {

void store16(uint8_t* at, uint32_t half) {
  const auto value = static_cast<uint16_t>(half);
  std::memcpy(at, &value, sizeof value);
}

/** What changes at each hop. */
void patch_hop(uint8_t* frame, const Way& way) {
  const uint32_t flags = load16(frame + AT_FLAGS);
  store16(frame + AT_FLAGS, way.is_final() ? flags | FLAG_FINAL : flags & ~FLAG_FINAL);
  ++frame[AT_HOPS];
  frame[AT_FINAL_STEPS] = way.final_steps();
}

}  // namespace

/** From members only: others do not say who asks, or must not. */
bool Endpoint::passes_from(const Connection& connection) {
  return memory_.control[CONTROL_ROUTING] != 0 && (words_of(connection)[LINK_ROUTE] & ROUTE_FROM) != 0;
}

/**
 * Whether the frame is on its way: then nobody else sees it. Unless we know the owner ourselves, the one that is
 * remembered comes first.
 */
bool Endpoint::pass_on(uint8_t* frame, uint32_t length) {
  if (!routes_.takes(frame)) return false;
  const uint8_t* key = frame + HEADER_BYTES;
  const Way* decided = routes_.decided(key);
  // Ours, or nobody's.
  if (decided == nullptr) return false;
  const bool known = (load16(frame + AT_FLAGS) & FLAG_UNCACHED) != 0 || (!decided->is_none() && decided->is_final());
  const Way* remembered = known ? nullptr : routes_.remembered(key);
  Passing passing = remembered == nullptr ? Passing::shut : pass_by(remembered, frame, length);
  if (passing == Passing::shut) passing = pass_by(decided, frame, length);
  if (passing == Passing::done) return true;
  count(COUNT_NOT_PASSED_ON);
  return false;
}

/** By the first way that is open. An owner that is behind gets no more of it by way of others. */
Endpoint::Passing Endpoint::pass_by(const Way* row, uint8_t* frame, uint32_t length) {
  for (uint32_t i = 0; i < ROUTE_WAYS && !row[i].is_none(); ++i) {
    const Way& way = row[i];
    Connection* to = find(way.index(), way.generation);
    if (to == nullptr || to->state != State::open || to->broken) continue;
    uint32_t* words = words_of(*to);
    if ((words[LINK_ROUTE] & ROUTE_TO) == 0) continue;
    if (!has_room(*to, frame)) {
      if (way.is_final()) return Passing::full;
      continue;
    }
    patch_hop(frame, way);
    to->heads.note(frame, now_ms());
    words[LINK_QUEUED] += padded(length);
    ++words[LINK_PASSED_OUT];
    add_piece(*to, frame, padded(length));
    return Passing::done;
  }
  return Passing::shut;
}

/** As JavaScript reserves: what this wake-up brought has not been offered to the kernel yet. */
bool Endpoint::has_room(Connection& connection, const uint8_t* frame) {
  // What is passed on may use twice what our own messages may; see laneMark() in src/transports/transmit.ts.
  const uint64_t mark = uint64_t{2} * limits_.output_bytes;
  if (words_of(connection)[LINK_QUEUED] < mark) return true;
  const uint32_t traffic_class = class_of(frame);
  if (ahead_of(connection, traffic_class) < mark) return true;
  send_pieces_of(connection);
  return ahead_of(connection, traffic_class) < mark && !connection.broken;
}

void Endpoint::note_passed(const Connection& connection, uint32_t frames) {
  words_of(connection)[LINK_PASSED_IN] += frames;
  count(COUNT_PASSED_ON, frames);
}

const HeadLog* Endpoint::heads(uint32_t index, uint32_t generation, uint32_t* now_ms) {
  *now_ms = platform::monotonic_ms();
  const Connection* connection = find(index, generation);
  return connection == nullptr ? nullptr : &connection->heads;
}

/** As of this wake-up. */
uint32_t Endpoint::now_ms() {
  if (now_wakeup_ != wakeups_) now_ms_ = platform::monotonic_ms();
  now_wakeup_ = wakeups_;
  return now_ms_;
}

}  // namespace chordite
