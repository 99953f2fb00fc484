// The exports: thin, checked conversions between JavaScript and the rest. Their one caller is src/native/ and
// src/transports/native.ts, so wrong arguments are our own bugs; they throw instead of reading wild memory.

#include <napi.h>

#include <initializer_list>

#include "arc_table.h"
#include "closest_preceding.h"
#include "id160.h"
#include "instance.h"
#include "layout.h"
#include "sha1_batch.h"

namespace chordite {

namespace {

napi_value fail(napi_env env, const char* message, const char* code = nullptr) {
  (void)napi_throw_type_error(env, code, message);
  return nullptr;
}

constexpr const char* kBadOption = "ERR_BAD_OPTION";

template <size_t kCount>
struct Arguments {
  napi_value values[kCount] = {};

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = kCount;
    (void)napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
};

bool is_given(napi_env env, napi_value value) {
  napi_valuetype type{};
  return napi_typeof(env, value, &type) == napi_ok && type != napi_null && type != napi_undefined;
}

/** Memory of a typed array, borrowed for the call that it is an argument of: JavaScript cannot run or collect
 * meanwhile. */
template <typename T>
struct Span {
  T* data = nullptr;
  size_t size = 0;
};

template <typename T>
bool read_array(napi_env env, napi_value value, napi_typedarray_type type, Span<T>* span) {
  napi_typedarray_type actual{};
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &actual, &span->size, &data, nullptr, nullptr) != napi_ok) return false;
  span->data = static_cast<T*>(data);
  return actual == type;
}

bool read_bytes(napi_env env, napi_value value, Span<uint8_t>* span) {
  return read_array(env, value, napi_uint8_array, span);
}

bool read_words(napi_env env, napi_value value, Span<uint32_t>* span) {
  return read_array(env, value, napi_uint32_array, span);
}

bool read_uint(napi_env env, napi_value value, uint32_t* number) {
  return napi_get_value_uint32(env, value, number) == napi_ok;
}

napi_value make_number(napi_env env, int32_t number) {
  napi_value value = nullptr;
  (void)napi_create_int32(env, number, &value);
  return value;
}

Instance* instance_of(napi_env env, napi_value handle) {
  void* instance = nullptr;
  if (napi_get_value_external(env, handle, &instance) != napi_ok) fail(env, "chordite: not an endpoint");
  return static_cast<Instance*>(instance);
}

/** Numeric host; too long for any is no host. */
bool read_host(napi_env env, napi_value value, char (&host)[80]) {
  size_t length = 0;
  return napi_get_value_string_utf8(env, value, host, sizeof host, &length) == napi_ok && length + 1 < sizeof host;
}

/** info(): { poller, sha1, layout: { NAME: value } } */
napi_value info(napi_env env, napi_callback_info) {
  napi_value result = nullptr;
  napi_value layout = nullptr;
  napi_value value = nullptr;
  (void)napi_create_object(env, &result);
  (void)napi_create_object(env, &layout);
#define CHORDITE_CONSTANT(name, number)          \
  (void)napi_create_uint32(env, number, &value); \
  (void)napi_set_named_property(env, layout, #name, value);
  CHORDITE_LAYOUT(CHORDITE_CONSTANT)
#undef CHORDITE_CONSTANT
  (void)napi_set_named_property(env, result, "layout", layout);
  (void)napi_create_string_utf8(env, Poller::name(), NAPI_AUTO_LENGTH, &value);
  (void)napi_set_named_property(env, result, "poller", value);
  (void)napi_create_string_utf8(env, sha1_feature(), NAPI_AUTO_LENGTH, &value);
  (void)napi_set_named_property(env, result, "sha1", value);
  return result;
}

bool read_memory(napi_env env, const napi_value* arguments, SharedMemory* memory) {
  void* data = nullptr;
  size_t bytes = 0;
  if (napi_get_arraybuffer_info(env, arguments[0], &data, &bytes) != napi_ok) return false;
  memory->receive = static_cast<uint8_t*>(data);
  memory->receive_bytes = static_cast<uint32_t>(bytes);
  if (napi_get_arraybuffer_info(env, arguments[1], &data, &bytes) != napi_ok) return false;
  memory->transmit = static_cast<uint8_t*>(data);
  memory->transmit_bytes = static_cast<uint32_t>(bytes);
  napi_value item = nullptr;
  Span<uint32_t> words[4];
  for (uint32_t i = 0; i < 4; ++i) {
    if (napi_get_element(env, arguments[2], i, &item) != napi_ok || !read_words(env, item, &words[i])) return false;
  }
  Span<double> counters;
  if (napi_get_element(env, arguments[2], 4, &item) != napi_ok) return false;
  if (!read_array(env, item, napi_float64_array, &counters)) return false;
  memory->control = words[0].data;
  memory->descriptors = words[1].data;
  memory->runs = words[2].data;
  memory->links = words[3].data;
  memory->link_slots = static_cast<uint32_t>(words[3].size / LINK_WORDS);
  memory->counters = counters.data;
  // One wake-up must fit, whatever it brings.
  return memory->receive_bytes >= 4 * FRAME_BYTES_MAX && memory->transmit_bytes >= FRAME_BYTES_MAX &&
         words[0].size == CONTROL_WORDS && words[1].size == DESCRIPTORS_MAX * DESCRIPTOR_WORDS &&
         words[2].size == RUNS_MAX * RUN_WORDS && memory->link_slots > 0 && memory->link_slots < (1U << KIND_SHIFT) &&
         counters.size == COUNTERS;
}

/** open(receive, transmit, [control, descriptors, runs, links, counters], outputBytes, connections, tailBytes, onBatch)
 */
napi_value open(napi_env env, napi_callback_info callback) {
  const Arguments<7> arguments(env, callback);
  InstanceConfig config{};
  if (!read_memory(env, arguments.values, &config.memory) ||
      !read_uint(env, arguments.values[3], &config.limits.output_bytes) ||
      !read_uint(env, arguments.values[4], &config.limits.accepted_max) ||
      !read_uint(env, arguments.values[5], &config.limits.tail_bytes_max)) {
    return fail(env, "chordite: bad endpoint options");
  }
  config.receive = arguments.values[0];
  config.transmit = arguments.values[1];
  config.others = arguments.values[2];
  config.on_batch = arguments.values[6];
  Instance* instance = Instance::open(env, config);
  if (instance == nullptr) return nullptr;
  napi_value handle = nullptr;
  const auto finalize = [](napi_env, void* data, void*) { static_cast<Instance*>(data)->release(); };
  (void)napi_create_external(env, instance, finalize, nullptr, &handle);
  return handle;
}

/** listen(endpoint, host, port): the port, or a negative errno. With a null host: stops accepting. */
napi_value listen(napi_env env, napi_callback_info callback) {
  const Arguments<3> arguments(env, callback);
  Instance* instance = instance_of(env, arguments.values[0]);
  Endpoint* endpoint = instance == nullptr ? nullptr : instance->endpoint();
  if (endpoint == nullptr) return make_number(env, UV_ECANCELED);
  char host[80];
  uint32_t port = 0;
  napi_valuetype type{};
  if (napi_typeof(env, arguments.values[1], &type) == napi_ok && type == napi_null) {
    endpoint->unlisten();
    return make_number(env, 0);
  }
  if (!read_host(env, arguments.values[1], host) || !read_uint(env, arguments.values[2], &port) || port > 65535) {
    return make_number(env, UV_EINVAL);
  }
  return make_number(env, endpoint->listen(host, static_cast<uint16_t>(port)));
}

/** dial(endpoint, host, port): the link's index, or -1 when there are too many. */
napi_value dial(napi_env env, napi_callback_info callback) {
  const Arguments<3> arguments(env, callback);
  Instance* instance = instance_of(env, arguments.values[0]);
  Endpoint* endpoint = instance == nullptr ? nullptr : instance->endpoint();
  if (endpoint == nullptr) return make_number(env, -1);
  char host[80];
  uint32_t port = 0;
  // An address that is none ends like one that cannot be reached.
  if (!read_host(env, arguments.values[1], host)) host[0] = 0;
  if (!read_uint(env, arguments.values[2], &port) || port > 65535) port = 0;
  return make_number(env, endpoint->dial(host, static_cast<uint16_t>(port)));
}

/** flush(endpoint) */
napi_value flush(napi_env env, napi_callback_info callback) {
  const Arguments<1> arguments(env, callback);
  if (Instance* instance = instance_of(env, arguments.values[0])) instance->flush();
  return nullptr;
}

/** close(endpoint, index, generation, now) */
napi_value close(napi_env env, napi_callback_info callback) {
  const Arguments<4> arguments(env, callback);
  uint32_t index = 0;
  uint32_t generation = 0;
  bool now = false;
  Instance* instance = instance_of(env, arguments.values[0]);
  if (instance == nullptr || !read_uint(env, arguments.values[1], &index) ||
      !read_uint(env, arguments.values[2], &generation) ||
      napi_get_value_bool(env, arguments.values[3], &now) != napi_ok) {
    return nullptr;
  }
  if (instance->rings_intact()) instance->endpoint()->close_link(index, generation, now);
  return nullptr;
}

/** Of the frames passed on over a link: an ArrayBuffer, or undefined where there are none. */
napi_value heads_of(napi_env env, Instance& instance, uint32_t index, uint32_t generation) {
  uint32_t now_ms = 0;
  const HeadLog* log = instance.rings_intact() ? instance.endpoint()->heads(index, generation, &now_ms) : nullptr;
  if (log == nullptr || log->size() == 0) return nullptr;
  void* bytes = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env, log->size(), &bytes, &buffer) != napi_ok) return nullptr;
  log->copy(static_cast<uint8_t*>(bytes), now_ms);
  return buffer;
}

/** routes(endpoint, words): whether they are routes; see route_table.h. With a link's index and generation: what went
 * by them. */
napi_value routes(napi_env env, napi_callback_info callback) {
  const Arguments<3> arguments(env, callback);
  Span<uint32_t> words;
  Instance* instance = instance_of(env, arguments.values[0]);
  if (instance == nullptr) return nullptr;
  napi_valuetype type{};
  if (napi_typeof(env, arguments.values[1], &type) == napi_ok && type == napi_number) {
    uint32_t index = 0;
    uint32_t generation = 0;
    if (!read_uint(env, arguments.values[1], &index) || !read_uint(env, arguments.values[2], &generation))
      return nullptr;
    return heads_of(env, *instance, index, generation);
  }
  if (!read_words(env, arguments.values[1], &words)) return fail(env, "chordite: routes are words", kBadOption);
  Endpoint* endpoint = instance->endpoint();
  napi_value answer = nullptr;
  const bool good = endpoint != nullptr && endpoint->install_routes(words.data, words.size);
  (void)napi_get_boolean(env, good, &answer);
  return answer;
}

/** reference(endpoint, on) */
napi_value reference(napi_env env, napi_callback_info callback) {
  const Arguments<2> arguments(env, callback);
  bool on = false;
  Instance* instance = instance_of(env, arguments.values[0]);
  if (instance != nullptr && napi_get_value_bool(env, arguments.values[1], &on) == napi_ok) instance->reference(on);
  return nullptr;
}

/** destroy(endpoint, done) */
napi_value destroy(napi_env env, napi_callback_info callback) {
  const Arguments<2> arguments(env, callback);
  if (Instance* instance = instance_of(env, arguments.values[0])) instance->destroy(arguments.values[1]);
  return nullptr;
}

/**
 * sha1Batch(bytes, offsets, hashes, table, numbers): all borrowed for the length of the call, as by the other batches
 * below. With a table of arcs the number of each key's arc, too; only then `hashes` may be null.
 */
napi_value sha1_batch_export(napi_env env, napi_callback_info callback) {
  const Arguments<5> arguments(env, callback);
  Span<uint8_t> bytes;
  Span<uint32_t> offsets;
  Span<uint8_t> hashes;
  Span<uint32_t> words;
  Span<int32_t> numbers;
  const bool finds = is_given(env, arguments.values[3]);
  const bool kept = !finds || is_given(env, arguments.values[2]);
  if (!read_bytes(env, arguments.values[0], &bytes) || !read_words(env, arguments.values[1], &offsets) ||
      offsets.size == 0 || offsets.size > UINT32_MAX ||
      (kept && (!read_bytes(env, arguments.values[2], &hashes) || hashes.size != (offsets.size - 1) * kIdBytes))) {
    return fail(env, "chordite: bad arguments for sha1Batch", kBadOption);
  }
  const PackedKeys keys{bytes.data, bytes.size, offsets.data, static_cast<uint32_t>(offsets.size - 1)};
  if (!finds) {
    return sha1_batch(keys, hashes.data) ? nullptr : fail(env, "chordite: offsets out of order", kBadOption);
  }
  ArcTable table;
  if (!read_words(env, arguments.values[3], &words) || !table.open(words.data, words.size) ||
      !read_array(env, arguments.values[4], napi_int32_array, &numbers) || numbers.size != keys.count) {
    return fail(env, "chordite: not a table of arcs, or no room for numbers", kBadOption);
  }
  if (hash_and_find_arcs(table, keys, numbers.data, hashes.data)) return nullptr;
  return fail(env, "chordite: offsets out of order", kBadOption);
}

/** isBetweenBatch(ids, after, before, answers) */
napi_value is_between_export(napi_env env, napi_callback_info callback) {
  const Arguments<4> arguments(env, callback);
  Span<uint8_t> ids;
  Span<uint8_t> after;
  Span<uint8_t> before;
  Span<uint8_t> answers;
  if (!read_bytes(env, arguments.values[0], &ids) || !read_bytes(env, arguments.values[1], &after) ||
      !read_bytes(env, arguments.values[2], &before) || !read_bytes(env, arguments.values[3], &answers) ||
      after.size != kIdBytes || before.size != kIdBytes || ids.size != answers.size * kIdBytes) {
    return fail(env, "chordite: bad arguments for isBetweenBatch", kBadOption);
  }
  is_between_batch(ids.data, static_cast<uint32_t>(answers.size), after.data, before.data, answers.data);
  return nullptr;
}

/**
 * searchBatch(arcs, table, keys, numbers): in a table of arcs, as src/core/arc-table.ts prepares it, or for the closest
 * preceding entries in one of src/core/routing-table.ts
 */
napi_value search_batch_export(napi_env env, napi_callback_info callback) {
  const Arguments<4> arguments(env, callback);
  bool arcs = false;
  Span<uint32_t> words;
  Span<uint8_t> keys;
  Span<int32_t> numbers;
  if (napi_get_value_bool(env, arguments.values[0], &arcs) != napi_ok ||
      !read_words(env, arguments.values[1], &words) || !read_bytes(env, arguments.values[2], &keys) ||
      !read_array(env, arguments.values[3], napi_int32_array, &numbers) || numbers.size > UINT32_MAX ||
      keys.size != numbers.size * kIdBytes) {
    return fail(env, "chordite: bad arguments for searchBatch", kBadOption);
  }
  const auto count = static_cast<uint32_t>(numbers.size);
  ArcTable arc_table;
  RoutingTable routing_table;
  if (arcs && arc_table.open(words.data, words.size)) {
    find_arcs(arc_table, keys.data, count, numbers.data);
  } else if (!arcs && routing_table.open(words.data, words.size)) {
    closest_preceding_batch(routing_table, keys.data, count, numbers.data);
  } else {
    fail(env, "chordite: not a prepared table", kBadOption);
  }
  return nullptr;
}

struct Export {
  const char* name;
  napi_callback function;
};

constexpr Export kExports[] = {
    {"info", info},
    {"open", open},
    {"listen", listen},
    {"dial", dial},
    {"flush", flush},
    {"close", close},
    {"routes", routes},
    {"reference", reference},
    {"destroy", destroy},
    {"sha1Batch", sha1_batch_export},
    {"isBetweenBatch", is_between_export},
    {"searchBatch", search_batch_export},
};

}  // namespace

static void add_exports(napi_env env, napi_value exports) {
  for (const Export& item : kExports) {
    napi_value function = nullptr;
    (void)napi_create_function(env, item.name, NAPI_AUTO_LENGTH, item.function, nullptr, &function);
    (void)napi_set_named_property(env, exports, item.name, function);
  }
}

}  // namespace chordite

/** Context-aware: nothing is shared between environments. */
NAPI_MODULE_INIT() {
  chordite::add_exports(env, exports);
  return exports;
}
