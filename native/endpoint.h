// One per event loop and transport: a listener, its connections, and the batches between them and JavaScript.
// Knows sockets and shared memory, but neither Node.js nor libuv: the host tells it to wake and is told to deliver.
#pragma once

#include <cstdint>

#include "array.h"
#include "connection.h"
#include "poller.h"
#include "ready_list.h"
#include "ring.h"
#include "route_table.h"

namespace chordite {

/** What an endpoint needs from the event loop that it lives on. */
struct Host {
  /** Must outlive the endpoint; handed to the functions as it is. */
  void* self = nullptr;
  /** Calls the batch reader in JavaScript. The endpoint may have been shut when it returns. */
  void (*deliver)(void* self) = nullptr;
  /** Has wake_for_pending() called soon, though no descriptor may become ready. */
  void (*soon)(void* self) = nullptr;
  /** Has tick() called every kTickMs, or no longer. */
  void (*tick)(void* self, bool on) = nullptr;
};

struct Limits {
  uint32_t output_bytes = 0;
  uint32_t accepted_max = 0;
  uint32_t tail_bytes_max = 0;
};

static_assert(COUNT_OPEN_MAX == COUNT_OPEN + 1 && COUNT_QUEUED_BYTES_MAX == COUNT_QUEUED_BYTES + 1);

inline constexpr uint32_t kTickMs = 100;
/** The listener's token; no link has this index. */
inline constexpr uint64_t kListenerToken = UINT64_MAX;

class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint();

  /** 0, or an errno. */
  [[nodiscard]] int open(const SharedMemory& memory, const Limits& limits, const Host& host);
  /** Closes every descriptor but the poller's. Nothing is delivered any more and shared memory is not touched again. */
  void shut();
  /** Closes the last one, which nobody may watch any more. */
  void shut_poller() { poller_.shut(); }
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] bool is_delivering() const { return delivering_; }
  [[nodiscard]] int poll_fd() const { return poller_.fd(); }

  /** The port, or -errno. */
  [[nodiscard]] int listen(const char* host, uint16_t port);
  void unlisten();
  /** Index of the new link, whose generation stands in its shared words, or -1: all slots are taken, or it is shut. */
  [[nodiscard]] int32_t dial(const char* host, uint16_t port);
  void close_link(uint32_t index, uint32_t generation, bool now);
  /** What is noted of frames passed on over the link, if it is still known; `*now_ms` is for copying it. */
  [[nodiscard]] const HeadLog* heads(uint32_t index, uint32_t generation, uint32_t* now_ms);
  /** Hands all runs, and all frames to pass on, to the kernel; false if there were none. Never calls JavaScript. */
  bool flush();
  /** The rings are nobody's memory any more: what was to leave from there does not. */
  void forget_turn();

  /** Frames by key are passed on by these from now on, while CONTROL_ROUTING is set. False if they are none. */
  [[nodiscard]] bool install_routes(const uint32_t* words, size_t size) {
    return routes_.install(words, size, memory_.link_slots);
  }

  /** The poller's descriptor is ready. */
  void wake();
  /** Delivers what happened outside a wake-up. */
  void wake_for_pending();
  void tick();

 private:
  struct Pending {
    uint32_t kind;
    uint32_t index;
    uint32_t generation;
    uint32_t detail;
  };

  // endpoint.cc: life cycle and slots
  Connection* take_slot();
  void free_slot(Connection& connection);
  void update_ticking();

  // endpoint_batch.cc: from readiness to one call into JavaScript
  void collect(bool poll);
  void take_pending();
  [[nodiscard]] bool read_light();
  void read_ready();
  [[nodiscard]] uint32_t expected_from(uint64_t token);
  void deliver();
  void handle(const Ready& ready);
  void accept_some();
  void pause_accepting(bool pause);
  void finish_connect(Connection& connection);
  void read_frames(Connection& connection);
  void split_frames(Connection& connection, uint32_t bytes);
  void keep_tail(Connection& connection, const uint8_t* bytes, uint32_t count, uint32_t needed);
  void drop_tail(Connection& connection);
  void close_slowest();
  void announce(uint32_t kind, Connection& connection, uint32_t detail);

  // endpoint_forward.cc: frames that JavaScript need not see
  [[nodiscard]] bool passes_from(const Connection& connection);
  [[nodiscard]] bool pass_on(uint8_t* frame, uint32_t length);
  enum class Passing : uint8_t { done, full, shut };
  [[nodiscard]] Passing pass_by(const Way* row, uint8_t* frame, uint32_t length);
  [[nodiscard]] bool has_room(Connection& connection, const uint8_t* frame);
  void note_passed(const Connection& connection, uint32_t frames);
  [[nodiscard]] uint32_t now_ms();

  // endpoint_output.cc: from runs to the kernel, and closing
  void add_piece(Connection& connection, const uint8_t* at, uint32_t bytes);
  void send_pieces_of(Connection& connection);
  void send_from(Connection& connection, uint32_t piece);
  [[nodiscard]] int64_t send_vector(int fd, std::span<iovec> vector, uint64_t bytes);
  void queue_pieces(Connection& connection, uint32_t piece, uint32_t skip);
  void send_output(Connection& connection);
  void sent(Connection& connection, uint32_t bytes);
  void tell_waiting(Connection& connection);
  [[nodiscard]] uint32_t ahead_of(const Connection& connection, uint32_t traffic_class);
  void output_failed(Connection& connection);
  void watch_writes(Connection& connection, bool watch);
  void report_room(Connection& connection);
  void start_lingering(Connection& connection);
  void finish(Connection& connection, uint32_t reason);
  void close_descriptor(Connection& connection);

  /** Null if the slot has another tenant by now, or none. */
  Connection* find(uint32_t index, uint32_t generation) {
    if (index >= slots_made_) return nullptr;
    Connection& connection = at(index);
    return connection.generation == generation && connection.state != State::free ? &connection : nullptr;
  }
  Connection& at(uint32_t index) { return pages_[index / kPageSlots][index % kPageSlots]; }
  uint32_t* words_of(const Connection& connection) { return memory_.links + connection.index * LINK_WORDS; }
  void count(uint32_t counter, double by = 1) { memory_.counters[counter] += by; }
  /** For gauges that are followed by the highest that they have been. */
  void raise(uint32_t gauge, double by) {
    const double now = memory_.counters[gauge] += by;
    if (now > memory_.counters[gauge + 1]) memory_.counters[gauge + 1] = now;
  }
  void hold_tails(int64_t more) {
    tail_bytes_ += more;
    memory_.counters[COUNT_TAIL_BYTES] = static_cast<double>(tail_bytes_);
  }
  void forget_output(Connection& connection);

  SharedMemory memory_;
  Limits limits_;
  Host host_;
  Poller poller_;
  bool open_ = false;
  bool delivering_ = false;
  bool collecting_ = false;
  bool accepting_paused_ = false;
  bool ticking_ = false;
  int listener_ = -1;
  uint32_t accepted_open_ = 0;
  uint32_t lingering_ = 0;
  int64_t tail_bytes_ = 0;
  uint64_t wakeups_ = 0;
  /** The clock, and when it was looked at. */
  uint32_t now_ms_ = 0;
  uint64_t now_wakeup_ = UINT64_MAX;

  static constexpr uint32_t kPageSlots = 64;
  /** Pages never move and are freed with the endpoint: a Connection* or & is good for that long, its slot's tenant not.
   */
  Array<Connection*> pages_;
  uint32_t slots_made_ = 0;
  Array<uint32_t> free_slots_;
  /** Slots whose `closed` is in the batch under way. */
  Array<uint32_t> reported_;

  /** Must outlive the connections' queues. */
  BytePool pool_;
  BatchWriter batch_;
  Array<Pending> pending_;
  /** What the poller said and a full batch left for the next wake-up. */
  ReadyList ready_;

  /** Bytes in one of the rings, and the piece that follows it over the same connection. */
  struct Piece {
    const uint8_t* at;
    uint32_t bytes;
    uint32_t next;
  };
  /** What leaves with the next flush: frames of this wake-up to pass on, then what JavaScript has committed. */
  Array<Piece> pieces_;
  /** Connections that these go over, some maybe twice, some maybe closed by then. */
  Array<Connection*> flushed_;
  /** For one write. */
  uint8_t gathered_[65536];
  RouteTable routes_;
};

}  // namespace chordite
