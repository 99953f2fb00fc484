#include "instance.h"

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

namespace chordite {

namespace {

/** Values made in a callback from the loop need a scope, and go with it. */
class Scope {
 public:
  explicit Scope(napi_env env) : env_(env) { open_ = napi_open_handle_scope(env, &scope_) == napi_ok; }
  ~Scope() {
    if (open_) (void)napi_close_handle_scope(env_, scope_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  napi_env env_;
  napi_handle_scope scope_ = nullptr;
  bool open_ = false;
};

}  // namespace

Instance* Instance::open(napi_env env, const InstanceConfig& config) {
  void* memory = std::malloc(sizeof(Instance));
  if (memory == nullptr) std::abort();
  auto* instance = new (memory) Instance();
  const int error = instance->start(env, config);
  if (error == 0) return instance;
  (void)napi_throw_error(env, nullptr, error < 0 ? uv_strerror(error) : std::strerror(error));
  instance->released_ = true;
  instance->close();
  return nullptr;
}

int Instance::start(napi_env env, const InstanceConfig& config) {
  env_ = env;
  control_ = config.memory.control;
  const Host host{
      .self = this,
      .deliver = [](void* self) { static_cast<Instance*>(self)->deliver(); },
      .soon = [](void* self) { static_cast<Instance*>(self)->loop_.call_soon(); },
      .tick = [](void* self, bool on) { static_cast<Instance*>(self)->loop_.tick_every(on ? kTickMs : 0); },
  };
  if (const int error = endpoint_.open(config.memory, config.limits, host); error != 0) return error;

  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return UV_ENOSYS;
  const LoopHandles::Callbacks callbacks{
      .self = this,
      .ready =
          [](void* self) {
            auto* instance = static_cast<Instance*>(self);
            if (instance->rings_intact()) instance->endpoint_.wake();
          },
      .prepare = [](void* self) { static_cast<Instance*>(self)->flush(); },
      .soon =
          [](void* self) {
            auto* instance = static_cast<Instance*>(self);
            if (instance->rings_intact()) instance->endpoint_.wake_for_pending();
          },
      .tick = [](void* self) { static_cast<Instance*>(self)->endpoint_.tick(); },
      .closed = [](void* self) { static_cast<Instance*>(self)->on_closed(); },
  };
  if (const int error = loop_.start(loop, endpoint_.poll_fd(), callbacks); error != 0) return error;

  napi_value name = nullptr;
  const bool ok = napi_create_reference(env, config.receive, 1, &receive_) == napi_ok &&
                  napi_create_reference(env, config.transmit, 1, &transmit_) == napi_ok &&
                  napi_create_reference(env, config.others, 1, &others_) == napi_ok &&
                  napi_create_reference(env, config.on_batch, 1, &on_batch_) == napi_ok &&
                  napi_create_string_utf8(env, "chordite", NAPI_AUTO_LENGTH, &name) == napi_ok &&
                  napi_async_init(env, config.others, name, &context_) == napi_ok &&
                  napi_add_async_cleanup_hook(env, on_environment_exit, this, &hook_) == napi_ok;
  return ok ? 0 : UV_ENOMEM;
}

void Instance::flush() {
  if (closing_ || control_[CONTROL_RUNS] == 0 || !rings_intact()) return;
  (void)endpoint_.flush();
}

bool Instance::rings_intact() {
  if (closing_) return false;
  const Scope scope(env_);
  bool intact = true;
  for (napi_ref ref : {receive_, transmit_}) {
    napi_value buffer = nullptr;
    bool detached = true;
    if (napi_get_reference_value(env_, ref, &buffer) != napi_ok || buffer == nullptr) intact = false;
    if (!intact || napi_is_detached_arraybuffer(env_, buffer, &detached) != napi_ok || detached) intact = false;
  }
  if (intact) return true;
  endpoint_.forget_turn();
  stop();
  napi_value message = nullptr;
  napi_value error = nullptr;
  if (napi_create_string_utf8(env_, "chordite bug: a ring was transferred away", NAPI_AUTO_LENGTH, &message) ==
          napi_ok &&
      napi_create_error(env_, nullptr, message, &error) == napi_ok) {
    (void)napi_fatal_exception(env_, error);
  }
  return false;
}

/** A handler had the rings in its hands. */
void Instance::deliver() {
  call(on_batch_);
  (void)rings_intact();
}

/**
 * Calls into JavaScript as libuv's callbacks do: nextTicks and microtasks run before it returns. What escapes from
 * there becomes an uncaught exception; if nothing did and the call still failed, the environment is going away.
 */
void Instance::call(napi_ref function) {
  const Scope scope(env_);
  napi_value callee = nullptr;
  napi_value receiver = nullptr;
  if (napi_get_reference_value(env_, function, &callee) != napi_ok || callee == nullptr) return;
  if (napi_get_global(env_, &receiver) != napi_ok) return;
  if (napi_make_callback(env_, context_, receiver, callee, 0, nullptr, nullptr) == napi_ok) return;
  bool pending = false;
  napi_value error = nullptr;
  if (napi_is_exception_pending(env_, &pending) == napi_ok && pending &&
      napi_get_and_clear_last_exception(env_, &error) == napi_ok) {
    (void)napi_fatal_exception(env_, error);
  } else {
    stop();
  }
}

void Instance::stop() {
  loop_.stop();
  endpoint_.shut();
}

void Instance::destroy(napi_value done) {
  if (closing_) return;
  (void)rings_intact();
  (void)napi_create_reference(env_, done, 1, &done_);
  close();
}

/** May run inside a batch: memory goes later, from the loop. */
void Instance::close() {
  if (closing_) return;
  closing_ = true;
  endpoint_.shut();
  if (!loop_.close()) on_closed();
}

void Instance::on_closed() {
  closed_ = true;
  endpoint_.shut_poller();
  if (!environment_exits_) {
    if (done_ != nullptr) call(done_);
    drop_references();
  }
  if (hook_ != nullptr) (void)napi_remove_async_cleanup_hook(hook_);
  delete_if_unused();
}

/** Asynchronous: the environment waits for the handles. References go first, while there is something to refer to. */
void Instance::on_environment_exit(napi_async_cleanup_hook_handle, void* self) {
  auto* instance = static_cast<Instance*>(self);
  instance->environment_exits_ = true;
  instance->endpoint_.shut();
  instance->drop_references();
  instance->close();
}

void Instance::drop_references() {
  for (napi_ref* ref : {&receive_, &transmit_, &others_, &on_batch_, &done_}) {
    if (*ref != nullptr) (void)napi_delete_reference(env_, *ref);
    *ref = nullptr;
  }
  if (context_ != nullptr) (void)napi_async_destroy(env_, context_);
  context_ = nullptr;
}

void Instance::release() {
  released_ = true;
  delete_if_unused();
}

void Instance::delete_if_unused() {
  if (!closed_ || !released_) return;
  this->~Instance();
  std::free(this);
}

}  // namespace chordite
