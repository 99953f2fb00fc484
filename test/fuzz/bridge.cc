// libFuzzer inside Node.js: run() hands each input to a JavaScript function and shows libFuzzer the counters that
// instrumented JavaScript raises. Built by scripts/fuzz-js.mjs with clang's own libFuzzer; no part of the package.

#include <node_api.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
int LLVMFuzzerRunDriver(int* argc, char*** argv, int (*callback)(const uint8_t* data, size_t size));
void __sanitizer_cov_8bit_counters_init(uint8_t* begin, uint8_t* end);
void __sanitizer_cov_pcs_init(const uintptr_t* begin, const uintptr_t* end);
}

namespace {

napi_env env;
napi_value receiver;
napi_value target;
uint8_t* input;
size_t input_max;

/** What the target throws is a finding: shown, then SIGABRT, upon which libFuzzer saves the input. */
[[noreturn]] void report() {
  napi_value error = nullptr;
  napi_value stack = nullptr;
  char text[4096] = "no stack";
  size_t length = 0;
  napi_get_and_clear_last_exception(env, &error);
  if (napi_get_named_property(env, error, "stack", &stack) == napi_ok) {
    napi_get_value_string_utf8(env, stack, text, sizeof text, &length);
  }
  std::fprintf(stderr, "FINDING %s\n", text);
  std::abort();
}

int run_one(const uint8_t* data, size_t size) {
  if (size > input_max) return -1;
  napi_handle_scope scope = nullptr;
  napi_value length = nullptr;
  std::memcpy(input, data, size);
  napi_open_handle_scope(env, &scope);
  napi_create_uint32(env, static_cast<uint32_t>(size), &length);
  if (napi_call_function(env, receiver, target, 1, &length, nullptr) != napi_ok) report();
  napi_close_handle_scope(env, scope);
  return 0;
}

/** run(target, input, counters, arguments): target(length) looks at input[0 .. length). Ends the process. */
napi_value run(napi_env caller, napi_callback_info info) {
  napi_value arguments[4];
  size_t count = 4;
  napi_get_cb_info(caller, info, &count, arguments, nullptr, nullptr);
  env = caller;
  target = arguments[0];
  napi_get_global(env, &receiver);
  void* data = nullptr;
  napi_get_typedarray_info(env, arguments[1], nullptr, &input_max, &data, nullptr, nullptr);
  input = static_cast<uint8_t*>(data);

  size_t counters = 0;
  napi_get_typedarray_info(env, arguments[2], nullptr, &counters, &data, nullptr, nullptr);
  __sanitizer_cov_8bit_counters_init(static_cast<uint8_t*>(data), static_cast<uint8_t*>(data) + counters);
  // libFuzzer counts places by their addresses; any will do.
  static std::vector<uintptr_t> places;
  for (size_t i = 0; i < counters; ++i) places.insert(places.end(), {0x1000 + 16 * i, 0});
  __sanitizer_cov_pcs_init(places.data(), places.data() + places.size());

  uint32_t length = 0;
  napi_get_array_length(env, arguments[3], &length);
  static std::vector<std::string> texts;
  for (uint32_t i = 0; i < length; ++i) {
    napi_value item = nullptr;
    char text[1024];
    size_t bytes = 0;
    napi_get_element(env, arguments[3], i, &item);
    napi_get_value_string_utf8(env, item, text, sizeof text, &bytes);
    texts.emplace_back(text, bytes);
  }
  static std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  int argc = static_cast<int>(texts.size());
  char** argv = pointers.data();
  std::exit(LLVMFuzzerRunDriver(&argc, &argv, run_one));
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, nullptr, &function);
  napi_set_named_property(env, exports, "run", function);
  return exports;
}
