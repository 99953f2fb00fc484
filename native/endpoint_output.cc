// From what JavaScript committed, and what is passed on, to the kernel; closing, in order or at once.

#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "endpoint.h"
#include "platform.h"

namespace chordite {

bool Endpoint::flush() {
  const uint32_t runs = memory_.control[CONTROL_RUNS];
  if ((runs == 0 && flushed_.size() == 0) || !open_) return false;
  for (uint32_t i = 0; i < runs; ++i) {
    const Run& run = run_at(memory_, i);
    Connection* connection = find(run.index, run.generation);
    if (connection != nullptr) add_piece(*connection, memory_.transmit + run.offset, run.bytes);
  }
  for (Connection* connection : flushed_) send_pieces_of(*connection);
  forget_turn();
  return true;
}

void Endpoint::forget_turn() {
  for (Connection* connection : flushed_) connection->first_piece = connection->last_piece = kNoPiece;
  flushed_.clear();
  pieces_.clear();
  memory_.control[CONTROL_RUNS] = 0;
}

/** What lies right behind the connection's last piece is one with it. */
void Endpoint::add_piece(Connection& connection, const uint8_t* at, uint32_t bytes) {
  if (connection.first_piece == kNoPiece) {
    connection.first_piece = pieces_.size();
    flushed_.push(&connection);
  } else {
    Piece& last = pieces_[connection.last_piece];
    if (last.at + last.bytes == at) {
      last.bytes += bytes;
      return;
    }
    last.next = pieces_.size();
  }
  connection.last_piece = pieces_.size();
  pieces_.push({at, bytes, kNoPiece});
}

void Endpoint::send_pieces_of(Connection& connection) {
  const uint32_t first = connection.first_piece;
  connection.first_piece = connection.last_piece = kNoPiece;
  if (first == kNoPiece || connection.broken) return;
  if (connection.state == State::connecting) return queue_pieces(connection, first, 0);
  if (connection.state != State::open) return;
  if (connection.output.size() > 0) return queue_pieces(connection, first, 0);
  send_from(connection, first);
}

void Endpoint::send_from(Connection& connection, uint32_t piece) {
  constexpr uint32_t kVectorMax = 1024;  // what every kernel takes at once
  iovec vector[kVectorMax];
  while (piece != kNoPiece) {
    const uint32_t first = piece;
    uint32_t count = 0;
    uint64_t bytes = 0;
    for (; piece != kNoPiece && count < kVectorMax; piece = pieces_[piece].next) {
      const Piece& next = pieces_[piece];
      vector[count++] = {const_cast<uint8_t*>(next.at), next.bytes};
      bytes += next.bytes;
    }
    this->count(COUNT_WRITES);
    const int64_t taken = send_vector(connection.fd, {vector, count}, bytes);
    if (taken < 0) return output_failed(connection);
    sent(connection, static_cast<uint32_t>(taken));
    if (static_cast<uint64_t>(taken) < bytes) {
      this->count(COUNT_WRITES_PARTIAL);
      return queue_pieces(connection, first, static_cast<uint32_t>(taken));
    }
  }
  report_room(connection);
}

/** Many short pieces are copied together: that costs less than what the kernel does for each. */
int64_t Endpoint::send_vector(int fd, std::span<iovec> vector, uint64_t bytes) {
  constexpr uint32_t kShort = 512;
  if (vector.size() == 1)
    return send_bytes(fd, static_cast<const uint8_t*>(vector[0].iov_base), static_cast<uint32_t>(bytes));
  if (bytes > sizeof gathered_ || bytes > vector.size() * uint64_t{kShort}) return send_pieces(fd, vector);
  uint32_t at = 0;
  for (const iovec& piece : vector) {
    std::memcpy(gathered_ + at, piece.iov_base, piece.iov_len);
    at += static_cast<uint32_t>(piece.iov_len);
  }
  return send_bytes(fd, gathered_, at);
}

/** Keeps the pieces from `piece` on, without their first `skip` bytes, until the kernel takes more. */
void Endpoint::queue_pieces(Connection& connection, uint32_t piece, uint32_t skip) {
  if (connection.output.size() == 0) connection.unsent.begin(platform::coarse_ms());
  for (; piece != kNoPiece; piece = pieces_[piece].next) {
    const Piece& next = pieces_[piece];
    if (skip >= next.bytes) {
      skip -= next.bytes;
      continue;
    }
    OutputQueue& output = connection.output;
    const bool kept =
        skip > 0 ? output.append_rest(pool_, next.at, next.bytes, skip) : output.append(pool_, next.at, next.bytes);
    if (!kept) return output_failed(connection);
    raise(COUNT_QUEUED_BYTES, next.bytes - skip);
    skip = 0;
  }
  tell_waiting(connection);
  if (connection.state != State::connecting) watch_writes(connection, true);
}

/** The kernel has room again. */
void Endpoint::send_output(Connection& connection) {
  if (connection.output.size() > 0) {
    iovec vector[OutputQueue::kVectorMax];
    const uint32_t pieces = connection.output.vector(vector);
    count(COUNT_WRITES);
    const int64_t taken = send_vector(connection.fd, {vector, pieces}, connection.output.size());
    if (taken < 0) return output_failed(connection);
    sent(connection, static_cast<uint32_t>(taken));
    raise(COUNT_QUEUED_BYTES, -static_cast<double>(taken));
    connection.output.take(pool_, static_cast<uint32_t>(taken));
    tell_waiting(connection);
    if (connection.output.size() > 0) count(COUNT_WRITES_PARTIAL);
    uint32_t limit = 0;
    if (connection.unsent.adapt(platform::coarse_ms(), &limit)) platform::limit_unsent(connection.fd, limit);
  }
  watch_writes(connection, connection.output.size() > 0);
  if (connection.state == State::draining && connection.output.size() == 0) return start_lingering(connection);
  report_room(connection);
}

void Endpoint::sent(Connection& connection, uint32_t bytes) {
  words_of(connection)[LINK_QUEUED] -= bytes;
  connection.unsent.took(bytes);
  count(COUNT_BYTES_OUT, bytes);
}

/** Of each class, with the more urgent ones. */
void Endpoint::tell_waiting(Connection& connection) {
  uint32_t* waiting = words_of(connection) + LINK_WAITING;
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < CLASSES; ++i) waiting[i] = bytes += connection.output.size_of(i);
}

/** What a frame of the class would wait for: all that has not been offered to the kernel may be more urgent. */
uint32_t Endpoint::ahead_of(const Connection& connection, uint32_t traffic_class) {
  const uint32_t* words = words_of(connection);
  return words[LINK_QUEUED] - words[LINK_WAITING + CLASSES - 1] + words[LINK_WAITING + traffic_class];
}

/**
 * Not closed at once: there may be good frames to read, and this may be called from within a flush. After the shutdown
 * reading gives those, and then the end.
 */
void Endpoint::output_failed(Connection& connection) {
  connection.broken = true;
  forget_output(connection);
  words_of(connection)[LINK_QUEUED] = 0;
  watch_writes(connection, false);
  (void)::shutdown(connection.fd, SHUT_RDWR);
}

void Endpoint::forget_output(Connection& connection) {
  raise(COUNT_QUEUED_BYTES, -static_cast<double>(connection.output.size()));
  connection.output.clear(pool_);
  tell_waiting(connection);
}

/** Only while output is queued: a level-triggered poller would otherwise never sleep. */
void Endpoint::watch_writes(Connection& connection, bool watch) {
  poller_.change(connection.fd, connection.token(), true, connection.writes_watched, true, watch);
  connection.writes_watched = watch;
}

void Endpoint::report_room(Connection& connection) {
  uint32_t* words = words_of(connection);
  if (words[LINK_REFUSED] == 0 || connection.state != State::open) return;
  uint32_t still = 0;
  for (uint32_t i = 0; i < CLASSES; ++i) {
    if (ahead_of(connection, i) > limits_.output_bytes / 2) still |= 1U << i;
  }
  if ((words[LINK_REFUSED] & ~still) == 0) return;
  words[LINK_REFUSED] &= still;
  announce(KIND_DRAINED, connection, 0);
}

void Endpoint::close_link(uint32_t index, uint32_t generation, bool now) {
  Connection* connection = find(index, generation);
  if (connection == nullptr) return;
  if (now) {
    if (connection->state == State::lingering) return close_descriptor(*connection);
    if (connection->state != State::dead) finish(*connection, REASON_LOCAL);
    return;
  }
  if (connection->state != State::open && connection->state != State::connecting) return;
  (void)flush();
  drop_tail(*connection);
  if (connection->state == State::connecting && connection->output.size() > 0) {
    connection->closing = true;
  } else if (connection->state == State::connecting) {
    finish(*connection, REASON_LOCAL);
  } else if (connection->output.size() > 0) {
    connection->state = State::draining;
  } else {
    start_lingering(*connection);
  }
}

/**
 * `closed` is told now; the descriptor stays until the other end has closed too (or two seconds), because closing with
 * unread input sends a reset, and that may overtake the last frames.
 */
void Endpoint::start_lingering(Connection& connection) {
  (void)::shutdown(connection.fd, SHUT_WR);
  connection.state = State::lingering;
  ++lingering_;
  announce(KIND_CLOSED, connection, REASON_LOCAL);
  update_ticking();
}

/** Closes the descriptor at once and tells JavaScript why. */
void Endpoint::finish(Connection& connection, uint32_t reason) {
  announce(KIND_CLOSED, connection, reason);
  close_descriptor(connection);
}

void Endpoint::close_descriptor(Connection& connection) {
  if (connection.state == State::lingering) --lingering_;
  if (connection.fd >= 0) close(connection.fd);
  connection.fd = -1;
  connection.state = State::dead;
  connection.first_piece = connection.last_piece = kNoPiece;
  forget_output(connection);
  drop_tail(connection);
  if (accepting_paused_) pause_accepting(false);
  free_slot(connection);
}

}  // namespace chordite
