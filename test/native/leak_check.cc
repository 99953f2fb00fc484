// Lets a test ask LeakSanitizer before its process is killed. Built by scripts/sanitize.mjs.

#include <node_api.h>
#include <sanitizer/lsan_interface.h>

namespace {

napi_value check(napi_env, napi_callback_info) {
  (void)__lsan_do_recoverable_leak_check();
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "check", NAPI_AUTO_LENGTH, check, nullptr, &function);
  napi_set_named_property(env, exports, "check", function);
  return exports;
}
