// One endpoint on one event loop of one JavaScript environment: who may call whom, and when memory may go.
#pragma once

#include <node_api.h>

#include "endpoint.h"
#include "loop.h"

namespace chordite {

/** What JavaScript hands over: kept alive by strong references until the endpoint has shut. */
struct InstanceConfig {
  SharedMemory memory;
  Limits limits;
  napi_value receive;
  napi_value transmit;
  /** An array that holds the other shared arrays. */
  napi_value others;
  napi_value on_batch;
};

/** Deletes itself when both its JavaScript handle and its libuv handles are gone. */
class Instance {
 public:
  /** The new instance, or null with an error pending in JavaScript. */
  static Instance* open(napi_env env, const InstanceConfig& config);

  /** Null once it is closing, and then nothing may be done with it any more. */
  [[nodiscard]] Endpoint* endpoint() { return closing_ ? nullptr : &endpoint_; }
  void flush();
  void reference(bool on) { loop_.reference(on); }
  /** `done` is called when all descriptors are closed, unless the environment goes first. */
  void destroy(napi_value done);
  /** The JavaScript handle was collected. */
  void release();

  /** A transferred ring is somebody else's memory, or nobody's. Reported as an uncaught error; the endpoint stops. */
  [[nodiscard]] bool rings_intact();

 private:
  Instance() = default;
  ~Instance() = default;

  int start(napi_env env, const InstanceConfig& config);
  void deliver();
  void call(napi_ref function);
  void stop();
  void close();
  void drop_references();
  void on_closed();
  void delete_if_unused();
  static void on_environment_exit(napi_async_cleanup_hook_handle handle, void* self);

  /** Not used any more once on_environment_exit() has run. */
  napi_env env_ = nullptr;
  Endpoint endpoint_;
  LoopHandles loop_;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  /** Strong: they keep the memory that endpoint_ borrows. Deleted by drop_references(), after endpoint_.shut(). */
  napi_ref receive_ = nullptr;
  napi_ref transmit_ = nullptr;
  napi_ref others_ = nullptr;
  napi_ref on_batch_ = nullptr;
  napi_ref done_ = nullptr;
  /** Into `others_`, and as long as that is held. */
  uint32_t* control_ = nullptr;
  bool closing_ = false;
  bool closed_ = false;
  bool released_ = false;
  bool environment_exits_ = false;
};

}  // namespace chordite
