// The libuv handles of one endpoint. Each is allocated with the size that the running libuv names and reached through
// functions only, so that one binary serves every libuv 1.x.
#pragma once

#include <uv.h>

namespace chordite {

class LoopHandles {
 public:
  struct Callbacks {
    /** Must live until `closed` was called. */
    void* self = nullptr;
    void (*ready)(void* self) = nullptr;
    /** Before the loop looks for events, each time around. */
    void (*prepare)(void* self) = nullptr;
    void (*soon)(void* self) = nullptr;
    void (*tick)(void* self) = nullptr;
    void (*closed)(void* self) = nullptr;
  };

  /** 0, or a libuv error. After an error close() must still be called. */
  [[nodiscard]] int start(uv_loop_t* loop, int poll_fd, const Callbacks& callbacks);
  /** No callback but `closed` any more. */
  void stop();
  /** Ends in `closed`, from the loop, unless nothing was started. False then. */
  bool close();
  /** Calls `soon` the next time around, without waiting for a descriptor. */
  void call_soon();
  void tick_every(unsigned ms);
  /** Whether the endpoint keeps the loop alive. */
  void reference(bool on);

 private:
  static void on_closed(uv_handle_t* handle);

  Callbacks callbacks_;
  uv_poll_t* poll_ = nullptr;
  uv_prepare_t* prepare_ = nullptr;
  uv_idle_t* idle_ = nullptr;
  uv_timer_t* timer_ = nullptr;
  int open_ = 0;
  bool stopped_ = false;
};

}  // namespace chordite
