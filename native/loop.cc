#include "loop.h"

#include <cstdlib>
#include <initializer_list>

namespace chordite {

namespace {

template <typename Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

template <typename Handle>
LoopHandles& owner_of(Handle* handle) {
  return *static_cast<LoopHandles*>(uv_handle_get_data(base(handle)));
}

template <typename Handle>
Handle* make(uv_handle_type type) {
  auto* handle = static_cast<Handle*>(std::calloc(1, uv_handle_size(type)));
  if (handle == nullptr) std::abort();
  return handle;
}

}  // namespace

int LoopHandles::start(uv_loop_t* loop, int poll_fd, const Callbacks& callbacks) {
  callbacks_ = callbacks;
  auto* poll = make<uv_poll_t>(UV_POLL);
  if (const int error = uv_poll_init(loop, poll, poll_fd); error != 0) {
    std::free(poll);
    return error;
  }
  poll_ = poll;
  prepare_ = make<uv_prepare_t>(UV_PREPARE);
  idle_ = make<uv_idle_t>(UV_IDLE);
  timer_ = make<uv_timer_t>(UV_TIMER);
  (void)uv_prepare_init(loop, prepare_);
  (void)uv_idle_init(loop, idle_);
  (void)uv_timer_init(loop, timer_);
  for (uv_handle_t* handle : {base(poll_), base(prepare_), base(idle_), base(timer_)}) {
    uv_handle_set_data(handle, this);
    ++open_;
  }
  // Only the sockets keep a program running.
  uv_unref(base(prepare_));
  uv_unref(base(idle_));
  uv_unref(base(timer_));
  // Always on: it reads one shared word. Starting it for each turn that sends would cost that turn a crossing.
  (void)uv_prepare_start(prepare_, [](uv_prepare_t* handle) {
    const Callbacks& to = owner_of(handle).callbacks_;
    to.prepare(to.self);
  });
  return uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    const Callbacks& to = owner_of(handle).callbacks_;
    to.ready(to.self);
  });
}

void LoopHandles::stop() {
  if (stopped_ || poll_ == nullptr) return;
  stopped_ = true;
  (void)uv_poll_stop(poll_);
  (void)uv_prepare_stop(prepare_);
  (void)uv_idle_stop(idle_);
  (void)uv_timer_stop(timer_);
}

bool LoopHandles::close() {
  if (poll_ == nullptr) return false;
  stop();
  for (uv_handle_t* handle : {base(poll_), base(prepare_), base(idle_), base(timer_)}) uv_close(handle, on_closed);
  return true;
}

void LoopHandles::on_closed(uv_handle_t* handle) {
  LoopHandles& owner = owner_of(handle);
  std::free(handle);
  if (--owner.open_ == 0) owner.callbacks_.closed(owner.callbacks_.self);
}

void LoopHandles::call_soon() {
  if (stopped_) return;
  (void)uv_idle_start(idle_, [](uv_idle_t* handle) {
    (void)uv_idle_stop(handle);
    const Callbacks& to = owner_of(handle).callbacks_;
    to.soon(to.self);
  });
}

void LoopHandles::tick_every(unsigned ms) {
  if (stopped_) return;
  if (ms == 0) {
    (void)uv_timer_stop(timer_);
    return;
  }
  const auto on_tick = [](uv_timer_t* handle) {
    const Callbacks& to = owner_of(handle).callbacks_;
    to.tick(to.self);
  };
  (void)uv_timer_start(timer_, on_tick, ms, ms);
}

void LoopHandles::reference(bool on) {
  if (stopped_) return;
  if (on) {
    uv_ref(base(poll_));
  } else {
    uv_unref(base(poll_));
  }
}

}  // namespace chordite
