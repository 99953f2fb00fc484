// From readiness to one call into JavaScript: what sockets bring goes into the batch, frames stay where they were read.

#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "endpoint.h"
#include "framing.h"
#include "platform.h"

namespace chordite {

namespace {

constexpr uint32_t kReadBytesMax = 65536;
constexpr uint32_t kAcceptsMax = 64;
/** Handlers that take longer for a batch get smaller ones: timers wait for them, and everything that came behind. */
constexpr uint64_t kBatchMs = 16;
/**
 * For JavaScript, of those that bring much, between two looks for those that bring little. What is passed on is not
 * cut: it takes less time, and parts of it would make more writes, each of less.
 */
constexpr uint32_t kPartFrames = 512;

uint32_t reason_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::length:
      return REASON_LENGTH;
    case Verdict::version:
      return REASON_VERSION;
    case Verdict::reserved:
      return REASON_RESERVED;
    case Verdict::extensions:
      return REASON_EXTENSIONS;
    default:
      return REASON_PADDING;
  }
}

}  // namespace

void Endpoint::wake() {
  count(COUNT_WAKEUPS);
  collect(true);
  deliver();
}

void Endpoint::wake_for_pending() {
  if (pending_.size() == 0) return;
  count(COUNT_WAKEUPS);
  collect(false);
  deliver();
}

/** Fills the batch: what is pending, what the last wake-up had no room for, what is ready now. */
void Endpoint::collect(bool poll) {
  ++wakeups_;
  batch_.start(memory_);
  take_pending();
  collecting_ = true;
  if (!poll || !read_light()) {
    read_ready();
    if (poll && ready_.is_empty()) {
      ready_.fill(poller_, [this](uint64_t token) { return expected_from(token); });
      if (!ready_.is_light_next() || batch_.taken() == 0) read_ready();
    }
  }
  collecting_ = false;
}

/** Those that bring little do not wait for all that the others have brought. False if there is nothing of the kind. */
bool Endpoint::read_light() {
  if (!ready_.wants_glance()) return false;
  const uint32_t before = batch_.used();
  ready_.glance(
      poller_, [this](uint64_t token) { return expected_from(token); },
      [this](const Ready& ready) {
        handle(ready);
        return batch_.has_room();
      });
  return batch_.used() > before;
}

/** Those that bring little, or those that bring much: not both. */
void Endpoint::read_ready() {
  const bool light = ready_.is_light_next();
  const bool in_parts = ready_.is_mixed() && !light;
  while (!ready_.is_empty() && ready_.is_light_next() == light && batch_.has_room()) {
    handle(ready_.take());
    if (in_parts && batch_.frame_count() >= kPartFrames) return;
  }
}

uint32_t Endpoint::expected_from(uint64_t token) {
  if (token == kListenerToken) return 0;
  const Connection* connection = find(static_cast<uint32_t>(token), static_cast<uint32_t>(token >> 32));
  return connection == nullptr ? 0 : connection->usual_read;
}

void Endpoint::take_pending() {
  uint32_t taken = 0;
  while (taken < pending_.size() && batch_.has_room()) {
    const Pending& event = pending_[taken++];
    batch_.event(event.kind, event.index, event.generation, event.detail, 0);
    if (event.kind == KIND_CLOSED) reported_.push(event.index);
  }
  pending_.drop_front(taken);
}

/**
 * One call, if there is anything to tell, and one flush after it: replies written by the promises that it settled leave
 * too, and what is passed on.
 */
void Endpoint::deliver() {
  if (batch_.count() == 0) {
    if (flush()) count(COUNT_FLUSHES);
  } else {
    memory_.control[CONTROL_DESCRIPTORS] = batch_.count();
    memory_.control[CONTROL_RECEIVED] = batch_.used();
    count(COUNT_BATCHES);
    count(COUNT_BATCH_FRAMES + static_cast<uint32_t>(std::bit_width(batch_.frame_count())));
    delivering_ = true;
    const uint64_t since_ms = platform::coarse_ms();
    host_.deliver(host_.self);
    batch_.pace(platform::coarse_ms() - since_ms > kBatchMs);
    delivering_ = false;
    if (!open_) return;
    if (flush()) count(COUNT_FLUSHES);
    for (const uint32_t index : reported_) {
      Connection& connection = at(index);
      connection.reported = true;
      free_slot(connection);
    }
    reported_.clear();
  }
  if (pending_.size() > 0) host_.soon(host_.self);
}

void Endpoint::handle(const Ready& ready) {
  if (ready.token == kListenerToken) return accept_some();
  Connection* connection = find(static_cast<uint32_t>(ready.token), static_cast<uint32_t>(ready.token >> 32));
  if (connection == nullptr || connection->fd < 0) return;
  if (connection->state == State::connecting) {
    if (!ready.writable) return;
    finish_connect(*connection);
    if (connection->fd < 0) return;
  }
  if (ready.writable && connection->writes_watched) send_output(*connection);
  if (!ready.readable) return;
  if (connection->state == State::open) return read_frames(*connection);
  if (!discard_input(connection->fd)) return;
  // The other end is gone: nobody is left to take what was still queued.
  if (connection->state == State::lingering) return close_descriptor(*connection);
  finish(*connection, REASON_LOCAL);
}

void Endpoint::accept_some() {
  for (uint32_t i = 0; i < kAcceptsMax && listener_ >= 0 && batch_.has_room(); ++i) {
    Address address{};
    address.size = sizeof address.storage;
    const int fd = platform::accept_socket(listener_, reinterpret_cast<sockaddr*>(&address.storage), &address.size);
    if (fd < 0) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      // Out of descriptors or memory: the listener would stay ready and spin.
      if (errno != EAGAIN && errno != EWOULDBLOCK) pause_accepting(true);
      return;
    }
    Connection* connection = accepted_open_ < limits_.accepted_max ? take_slot() : nullptr;
    if (connection == nullptr || !poller_.add(fd, connection->token(), true, false)) {
      count(COUNT_REASONS + REASON_CONNECTIONS);
      close(fd);
      if (connection != nullptr) free_slots_.push(connection->index);
      continue;
    }
    platform::no_delay(fd);
    platform::limit_unsent(fd, UnsentLimit::kFirst);
    connection->fd = fd;
    connection->state = State::open;
    ++accepted_open_;
    count(COUNT_ACCEPTED);
    raise(COUNT_OPEN, 1);
    char host[64];
    uint32_t port = 0;
    const uint32_t length = format_address(address, host, sizeof host, &port);
    std::memcpy(batch_.place(), host, length);
    const uint32_t at = batch_.keep(length);
    // One more than the offset: zero means a link that was dialed.
    batch_.event(KIND_OPENED, connection->index, connection->generation, at + 1, length << 16 | port);
  }
}

void Endpoint::pause_accepting(bool pause) {
  if (listener_ < 0 || pause == accepting_paused_) return;
  if (pause) count(COUNT_ACCEPT_PAUSES);
  poller_.change(listener_, kListenerToken, pause, false, !pause, false);
  accepting_paused_ = pause;
  update_ticking();
}

void Endpoint::finish_connect(Connection& connection) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return finish(connection, connection.closing ? REASON_LOCAL : connect_failure(error));
  connection.state = connection.closing ? State::draining : State::open;
  if (!connection.closing) announce(KIND_OPENED, connection, 0);
}

/** One read for a wake-up: a short one has drained the socket, a full one has used up its share. */
void Endpoint::read_frames(Connection& connection) {
  const uint32_t held = connection.tail.size();
  const uint32_t by_frames = (batch_.frames_left() - 1) * HEADER_BYTES;
  const uint32_t by_space = batch_.bytes_left() - held;
  const uint32_t share = by_frames < kReadBytesMax ? by_frames : kReadBytesMax;
  uint8_t* place = batch_.place() + held;
  const ssize_t got = recv(connection.fd, place, share < by_space ? share : by_space, 0);
  if (got <= 0) {
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return count(COUNT_READS_EMPTY);
    return finish(connection, got == 0 && !connection.broken ? REASON_ENDED : REASON_RESET);
  }
  count(COUNT_READS);
  count(COUNT_BYTES_IN, static_cast<double>(got));
  const auto bytes = static_cast<uint32_t>(got);
  // Who brings much brings little now and then, too.
  const uint32_t usual = connection.usual_read - connection.usual_read / 8;
  connection.usual_read = bytes > usual ? bytes : usual;
  if (held > 0 && held + bytes < connection.tail_needed) {
    return keep_tail(connection, place, bytes, connection.tail_needed);
  }
  if (held > 0) {
    std::memcpy(batch_.place(), connection.tail.data(), held);
    drop_tail(connection);
  }
  split_frames(connection, held + bytes);
}

void Endpoint::split_frames(Connection& connection, uint32_t bytes) {
  const uint32_t end = batch_.used() + bytes;
  const uint32_t before = batch_.frames_left();
  const bool passes = passes_from(connection);
  FrameCheck check{Verdict::whole, 0};
  uint32_t passed = 0;
  while (batch_.used() < end) {
    const uint8_t* frame = batch_.place();
    check = check_frame(frame, end - batch_.used());
    if (check.verdict != Verdict::whole) break;
    if (!connection.greeted && !is_hello(frame)) return finish(connection, REASON_HELLO);
    connection.greeted = true;
    if (passes && pass_on(batch_.place(), check.length)) {
      batch_.pass(check.length);
      ++passed;
      continue;
    }
    batch_.frame(connection.index, connection.generation, check.length);
  }
  count(COUNT_FRAMES_IN, before - batch_.frames_left());
  if (passed > 0) note_passed(connection, passed);
  if (check.verdict == Verdict::whole) return;
  if (check.verdict != Verdict::partial) return finish(connection, reason_of(check.verdict));
  const uint32_t needed = check.length == 0 ? HEADER_BYTES : padded(check.length);
  keep_tail(connection, batch_.place(), end - batch_.used(), needed);
}

/** The only copy that received bytes ever take. */
void Endpoint::keep_tail(Connection& connection, const uint8_t* bytes, uint32_t count, uint32_t needed) {
  const uint32_t before = connection.tail.capacity();
  if (!connection.tail.append(pool_, bytes, count)) return finish(connection, REASON_MEMORY);
  connection.tail_needed = needed;
  connection.tail_since = wakeups_;
  hold_tails(connection.tail.capacity() - before);
  this->count(COUNT_TAIL_BYTES_COPIED, count);
  while (tail_bytes_ > limits_.tail_bytes_max) close_slowest();
}

void Endpoint::drop_tail(Connection& connection) {
  hold_tails(-int64_t{connection.tail.capacity()});
  connection.tail.clear(pool_);
}

/** Over the budget: whoever has kept us waiting longest for the rest of a frame goes. */
void Endpoint::close_slowest() {
  Connection* slowest = nullptr;
  for (uint32_t index = 0; index < slots_made_; ++index) {
    Connection& connection = at(index);
    if (connection.tail.size() == 0) continue;
    if (slowest == nullptr || connection.tail_since < slowest->tail_since) slowest = &connection;
  }
  if (slowest != nullptr) finish(*slowest, REASON_MEMORY);
}

/** Into the batch that is being filled, else into the next one. */
void Endpoint::announce(uint32_t kind, Connection& connection, uint32_t detail) {
  if (kind == KIND_CLOSED) {
    count(COUNT_REASONS + detail);
    count(COUNT_OPEN, -1);
    if (!connection.dialed) --accepted_open_;
  }
  if (collecting_ && pending_.size() == 0 && batch_.has_room_for_event()) {
    batch_.event(kind, connection.index, connection.generation, detail, 0);
    if (kind == KIND_CLOSED) reported_.push(connection.index);
    return;
  }
  pending_.push({kind, connection.index, connection.generation, detail});
  if (!collecting_ && !delivering_) host_.soon(host_.self);
}

}  // namespace chordite
