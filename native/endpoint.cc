#include "endpoint.h"

#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <new>

#include "platform.h"

namespace chordite {

Endpoint::~Endpoint() {
  for (Connection* page : pages_) {
    for (uint32_t i = 0; i < kPageSlots; ++i) page[i].~Connection();
    std::free(page);
  }
}

int Endpoint::open(const SharedMemory& memory, const Limits& limits, const Host& host) {
  memory_ = memory;
  limits_ = limits;
  host_ = host;
  batch_.start(memory_);
  const int error = poller_.open();
  open_ = error == 0;
  return error;
}

void Endpoint::shut() {
  if (!open_) return;
  (void)flush();
  open_ = false;
  unlisten();
  for (uint32_t index = 0; index < slots_made_; ++index) {
    Connection& connection = at(index);
    if (connection.fd < 0) continue;
    // Unread input would make the kernel answer with a reset, which can overtake what was just sent.
    if (connection.state != State::connecting) {
      (void)::shutdown(connection.fd, SHUT_WR);
      (void)discard_input(connection.fd);
    }
    close(connection.fd);
    connection.fd = -1;
    connection.state = State::dead;
    connection.output.clear(pool_);
    connection.tail.clear(pool_);
    connection.heads.clear();
  }
  for (const uint32_t gauge : {COUNT_OPEN, COUNT_QUEUED_BYTES, COUNT_TAIL_BYTES}) memory_.counters[gauge] = 0;
}

int Endpoint::listen(const char* host, uint16_t port) {
  Address address{};
  if (!open_) return -ECANCELED;
  if (!parse_address(host, port, &address)) return -EINVAL;
  if (listener_ >= 0) return -EALREADY;
  uint16_t bound = 0;
  const int fd = open_listener(address, &bound);
  if (fd < 0) return fd;
  if (!poller_.add(fd, kListenerToken, true, false)) {
    const int error = errno;
    close(fd);
    return -error;
  }
  listener_ = fd;
  return bound;
}

void Endpoint::unlisten() {
  if (listener_ >= 0) close(listener_);
  listener_ = -1;
  accepting_paused_ = false;
}

int32_t Endpoint::dial(const char* host, uint16_t port) {
  Connection* connection = open_ ? take_slot() : nullptr;
  if (connection == nullptr) return -1;
  connection->dialed = true;
  connection->state = State::connecting;
  count(COUNT_DIALED);
  raise(COUNT_OPEN, 1);
  Address address{};
  if (port == 0 || !parse_address(host, port, &address)) {
    finish(*connection, REASON_UNREACHABLE);
  } else if (const int fd = start_connect(address); fd < 0) {
    finish(*connection, connect_failure(-fd));
  } else {
    connection->fd = fd;
    connection->writes_watched = true;
    if (!poller_.add(fd, connection->token(), true, true)) finish(*connection, REASON_UNREACHABLE);
  }
  return static_cast<int32_t>(connection->index);
}

void Endpoint::tick() {
  if (accepting_paused_) pause_accepting(false);
  constexpr uint32_t kLingerTicks = 2000 / kTickMs;
  for (uint32_t index = 0; lingering_ > 0 && index < slots_made_; ++index) {
    Connection& connection = at(index);
    if (connection.state != State::lingering || ++connection.linger_ticks < kLingerTicks) continue;
    close_descriptor(connection);
  }
  update_ticking();
}

void Endpoint::update_ticking() {
  const bool wanted = lingering_ > 0 || accepting_paused_;
  if (wanted == ticking_) return;
  ticking_ = wanted;
  host_.tick(host_.self, wanted);
}

Connection* Endpoint::take_slot() {
  if (free_slots_.size() == 0) {
    if (slots_made_ + kPageSlots > memory_.link_slots) return nullptr;
    auto* page = static_cast<Connection*>(std::malloc(kPageSlots * sizeof(Connection)));
    if (page == nullptr) return nullptr;
    pages_.push(page);
    for (uint32_t i = kPageSlots; i-- > 0;) {
      new (page + i) Connection();
      page[i].index = slots_made_ + i;
      free_slots_.push(slots_made_ + i);
    }
    slots_made_ += kPageSlots;
  }
  const uint32_t index = free_slots_.pop();
  Connection& connection = at(index);
  const uint32_t generation = connection.generation + 1;
  connection.~Connection();
  new (&connection) Connection();
  connection.index = index;
  connection.generation = generation;
  uint32_t* words = words_of(connection);
  words[LINK_GENERATION] = generation;
  for (uint32_t i = LINK_GENERATION + 1; i < LINK_WORDS; ++i) words[i] = 0;
  return &connection;
}

/** Once the descriptor is closed and JavaScript knows. */
void Endpoint::free_slot(Connection& connection) {
  if (connection.state != State::dead || !connection.reported) return;
  connection.heads.clear();
  connection.state = State::free;
  free_slots_.push(connection.index);
}

}  // namespace chordite
