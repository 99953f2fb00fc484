#include "endpoint_model.h"

#include <algorithm>
#include <cstring>

namespace chordite {

namespace {

/** Made once, because making it costs more than most inputs; each block exactly as long as it says. */
struct Memory {
  std::vector<uint8_t> receive = std::vector<uint8_t>(EndpointModel::kReceiveBytes);
  std::vector<uint8_t> transmit = std::vector<uint8_t>(EndpointModel::kTransmitBytes);
  std::vector<uint32_t> descriptors = std::vector<uint32_t>(size_t{DESCRIPTORS_MAX} * DESCRIPTOR_WORDS);
  std::vector<uint32_t> runs = std::vector<uint32_t>(size_t{RUNS_MAX} * RUN_WORDS);
  std::vector<uint32_t> words = std::vector<uint32_t>(size_t{EndpointModel::kLinkSlots} * LINK_WORDS);
  std::vector<uint32_t> control = std::vector<uint32_t>(CONTROL_WORDS);
  std::vector<double> counters = std::vector<double>(COUNTERS);

  SharedMemory shared() {
    std::fill(words.begin(), words.end(), 0);
    std::fill(control.begin(), control.end(), 0);
    std::fill(counters.begin(), counters.end(), 0);
    SharedMemory to;
    to.receive = receive.data();
    to.receive_bytes = static_cast<uint32_t>(receive.size());
    to.transmit = transmit.data();
    to.transmit_bytes = static_cast<uint32_t>(transmit.size());
    to.descriptors = descriptors.data();
    to.runs = runs.data();
    to.links = words.data();
    to.link_slots = EndpointModel::kLinkSlots;
    to.control = control.data();
    to.counters = counters.data();
    return to;
  }
};

Memory& memory() {
  static Memory made;
  return made;
}

uint32_t& queued(const Link& link) { return memory().words[link.index * LINK_WORDS + LINK_QUEUED]; }

/** What the socket brought after the frames that have been delivered. */
reference::Frame next_frame(const Link& link, size_t* left) {
  const std::vector<uint8_t>& inbox = kernel::socket_at(link.socket).inbox;
  REQUIRE(link.seen <= inbox.size());
  *left = inbox.size() - link.seen;
  return reference::look(inbox.data() + link.seen, *left);
}

/** Whether the link really ended as it says: of broken rules the one that the next frame breaks. */
bool is_reason(const Link& link, uint32_t reason) {
  if (link.socket == Link::kNoSocket) return reason == REASON_UNREACHABLE || reason == REASON_LOCAL;
  const kernel::Socket& socket = kernel::socket_at(link.socket);
  size_t left = 0;
  const reference::Frame next = next_frame(link, &left);
  switch (reason) {
    case REASON_LOCAL:
      return link.closed_by_us;
    case REASON_ENDED:
      return socket.ended && socket.unread() == 0 && next.outcome == reference::Outcome::partial;
    case REASON_RESET:
      return socket.reset || socket.shut_for_writing;
    case REASON_REFUSED:
    case REASON_UNREACHABLE:
      return link.dialed && !link.opened;
    case REASON_LENGTH:
    case REASON_VERSION:
    case REASON_RESERVED:
    case REASON_EXTENSIONS:
    case REASON_PADDING:
      return static_cast<uint32_t>(next.outcome) - static_cast<uint32_t>(reference::Outcome::length) ==
             reason - REASON_LENGTH;
    case REASON_HELLO:
      return !link.greeted && next.outcome == reference::Outcome::whole &&
             !reference::is_hello(socket.inbox.data() + link.seen, next);
    case REASON_MEMORY:
      // What has been read of it; the rest may be there by now.
      left -= socket.unread();
      return left > 0 && reference::look(socket.inbox.data() + link.seen, left).outcome == reference::Outcome::partial;
    default:
      return false;
  }
}

}  // namespace

EndpointModel::EndpointModel(const Limits& limits) : limits_(limits) {
  const Host host{
      .self = this,
      .deliver = [](void* self) { static_cast<EndpointModel*>(self)->deliver(); },
      .soon = [](void* self) { static_cast<EndpointModel*>(self)->soon = true; },
      .tick = [](void* self, bool on) { static_cast<EndpointModel*>(self)->ticking = on; },
  };
  REQUIRE(endpoint.open(memory().shared(), limits, host) == 0);
}

void EndpointModel::dial(bool valid) {
  const uint32_t sockets = kernel::sockets();
  const int32_t index = endpoint.dial(valid ? "127.0.0.1" : "no address", valid ? 4001 : 0);
  if (index < 0) return;
  Link& link = links.emplace_back();
  link.index = static_cast<uint32_t>(index);
  link.generation = memory().words[link.index * LINK_WORDS + LINK_GENERATION];
  link.dialed = true;
  if (kernel::sockets() > sockets) link.socket = sockets;
  by_index_[link.index] = &link;
}

bool EndpointModel::send(Link& link, uint32_t bytes) {
  Memory& m = memory();
  uint32_t& runs = m.control[CONTROL_RUNS];
  if (!link.open || !endpoint.is_open()) return false;
  if (queued(link) >= limits_.output_bytes) {
    (void)endpoint.flush();
    if (queued(link) >= limits_.output_bytes) {
      m.words[link.index * LINK_WORDS + LINK_REFUSED] = 1;
      return false;
    }
  }
  const uint32_t size = padded(bytes);
  if (runs == 0) head_ = 0;
  if (head_ + size > kTransmitBytes || runs == RUNS_MAX) {
    (void)endpoint.flush();
    head_ = 0;
  }
  for (uint32_t at = 0; at < size; at += 4) {
    const uint32_t word = ++next_word_;
    std::memcpy(&m.transmit[head_ + at], &word, 4);
  }
  // A header that says how long it is and how urgent, of all kinds in turn.
  constexpr uint16_t kTypes[] = {TYPE_HELLO, 2, 3, TYPE_MAINTENANCE_FIRST, TYPE_LOOKUP, TYPE_REQUEST, TYPE_REPLY, 68};
  const uint16_t flags = static_cast<uint16_t>(next_word_ / 8 % CLASSES << FLAG_CLASS_SHIFT);
  std::memcpy(&m.transmit[head_ + AT_LENGTH], &bytes, 4);
  std::memcpy(&m.transmit[head_ + AT_TYPE], &kTypes[next_word_ / 32 % 8], 2);
  std::memcpy(&m.transmit[head_ + AT_FLAGS], &flags, 2);
  link.committed += size;
  link.waiting[class_of(&m.transmit[head_])].emplace_back(m.transmit.begin() + head_,
                                                          m.transmit.begin() + head_ + size);
  queued(link) += size;
  const uint32_t run[] = {link.index, link.generation, head_, size};
  std::memcpy(m.runs.data() + size_t{runs} * RUN_WORDS, run, sizeof run);
  ++runs;
  head_ += size;
  return true;
}

void EndpointModel::close(Link& link, bool now) {
  if (link.closed || (!link.open && !now)) return;
  link.open = false;
  link.closed_by_us = true;
  endpoint.close_link(link.index, link.generation, now);
}

void EndpointModel::deliver() {
  Memory& m = memory();
  const uint32_t count = m.control[CONTROL_DESCRIPTORS];
  const uint32_t received = m.control[CONTROL_RECEIVED];
  REQUIRE(count > 0 && count <= DESCRIPTORS_MAX && received <= kReceiveBytes);
  uint32_t frames = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t* words = m.descriptors.data() + size_t{i} * DESCRIPTOR_WORDS;
    const uint32_t index = words[0] & ((1U << KIND_SHIFT) - 1);
    const uint32_t kind = words[0] >> KIND_SHIFT;
    if (kind == KIND_OPENED && words[2] != 0) {
      on_opened(index, words[1], words[2] - 1, words[3]);
      continue;
    }
    Link& link = link_of(index, words[1]);
    REQUIRE(!link.closed);
    if (kind == KIND_FRAME) {
      ++frames;
      on_frame(link, words[2], words[3]);
    } else if (kind == KIND_OPENED) {
      REQUIRE(link.dialed && !link.opened);
      link.opened = true;
    } else if (kind == KIND_CLOSED) {
      on_closed(link, words[2]);
    } else {
      REQUIRE(kind == KIND_DRAINED && link.opened);
    }
  }
  REQUIRE(frames <= 4096);
  // Nobody may look at these bytes any more.
  std::memset(m.receive.data(), 0xdb, received);
  if (reaction.shut) endpoint.shut();
}

void EndpointModel::on_opened(uint32_t index, uint32_t generation, uint32_t at, uint32_t length_and_port) {
  const uint32_t length = length_and_port >> 16;
  REQUIRE(length == 9 && std::memcmp(memory().receive.data() + at, "127.0.0.1", length) == 0);
  REQUIRE(index < kLinkSlots && memory().words[index * LINK_WORDS + LINK_GENERATION] == generation);
  Link& link = links.emplace_back();
  link.index = index;
  link.generation = generation;
  link.socket = length_and_port & 0xffff;
  link.opened = true;
  REQUIRE(by_index_.count(index) == 0 || by_index_[index]->closed);
  by_index_[index] = &link;
}

/** Byte for byte what the next frame of the socket is, wherever the kernel cut it. */
void EndpointModel::on_frame(Link& link, uint32_t offset, uint32_t length) {
  const Memory& m = memory();
  REQUIRE(link.opened && offset % FRAME_ALIGN == 0 && offset + padded(length) <= m.control[CONTROL_RECEIVED]);
  size_t left = 0;
  const reference::Frame frame = next_frame(link, &left);
  REQUIRE(frame.outcome == reference::Outcome::whole && frame.length == length);
  const uint8_t* sent = kernel::socket_at(link.socket).inbox.data() + link.seen;
  REQUIRE(std::memcmp(m.receive.data() + offset, sent, padded(length)) == 0);
  REQUIRE(link.greeted || reference::is_hello(sent, frame));
  link.greeted = true;
  link.seen += padded(length);
  react(link, length);
}

void EndpointModel::on_closed(Link& link, uint32_t reason) {
  REQUIRE(is_reason(link, reason));
  link.closed = true;
  link.open = false;
}

void EndpointModel::react(Link& link, uint32_t length) {
  if (reaction.echo) (void)send(link, length);
  if (reaction.flush) (void)endpoint.flush();
  if (reaction.dial && links.size() < 32) dial(true);
  if (reaction.close || reaction.close_now) close(link, reaction.close_now);
}

void EndpointModel::check_output() {
  for (Link& link : links) {
    if (link.socket == Link::kNoSocket) continue;
    const kernel::Socket& socket = kernel::socket_at(link.socket);
    const size_t left = socket.outbox.size();
    REQUIRE(left <= link.committed);
    check_left(link, socket.outbox.data(), left);
    const bool healthy = socket.open && !socket.reset && !socket.shut_for_writing && !link.closed;
    if (healthy) REQUIRE(queued(link) == link.committed - left);
  }
}

/** Whole frames are the next of their class each; one that has left in part may be. */
void EndpointModel::check_left(Link& link, const uint8_t* bytes, size_t count) {
  while (link.checked < count) {
    const uint8_t* frame = bytes + link.checked;
    const size_t left = count - link.checked;
    std::deque<std::vector<uint8_t>>* found = nullptr;
    for (auto& waiting : link.waiting) {
      if (waiting.empty()) continue;
      const std::vector<uint8_t>& next = waiting.front();
      if (std::memcmp(next.data(), frame, left < next.size() ? left : next.size()) == 0) found = &waiting;
    }
    REQUIRE(found != nullptr);
    if (found->front().size() > left) return;
    link.checked += found->front().size();
    found->pop_front();
  }
}

void EndpointModel::check_quiet() {
  check_output();
  uint32_t open = 0;
  for (const Link& link : links) {
    if (!link.closed) ++open;
    if (link.socket == Link::kNoSocket) {
      REQUIRE(link.closed);
      continue;
    }
    const kernel::Socket& socket = kernel::socket_at(link.socket);
    if (link.closed) {
      REQUIRE(!socket.open || socket.shut_for_writing);
      continue;
    }
    // Open on both sides: every frame has been delivered, all that was committed has left.
    size_t left = 0;
    REQUIRE(link.open && link.opened && socket.unread() == 0);
    REQUIRE(next_frame(link, &left).outcome == reference::Outcome::partial);
    REQUIRE(socket.outbox.size() == link.committed);
  }
  REQUIRE(memory().counters[COUNT_OPEN] == open);
}

Link& EndpointModel::link_of(uint32_t index, uint32_t generation) {
  const auto found = by_index_.find(index);
  REQUIRE(found != by_index_.end() && found->second->generation == generation);
  return *found->second;
}

}  // namespace chordite
