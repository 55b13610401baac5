#include "core/cuda.h"

#include "bindings/convert.h"
#include "bindings/cuda.h"

namespace brauer::bindings {
namespace {

void set(napi_env env, napi_value object, const char* name, std::int64_t number) {
  napi_value value = nullptr;
  napi_create_int64(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

// What is not known is left out.
void set(napi_env env, napi_value object, const char* name, const std::string& text) {
  if (!text.empty()) napi_set_named_property(env, object, name, to_js(env, text.c_str()));
}

}  // namespace

napi_value cuda_info(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    const cuda::Probe probe = cuda::probe();
    napi_value object = nullptr, devices = nullptr;
    napi_create_object(env, &object);
    set(env, object, "driver", probe.driver);
    set(env, object, "runtime", probe.runtime);
    set(env, object, "problem", probe.problem);
    napi_create_array_with_length(env, probe.devices.size(), &devices);
    for (std::uint32_t i = 0; i < probe.devices.size(); i++) {
      const auto& [info, problem] = probe.devices[i];
      napi_value each = nullptr;
      napi_create_object(env, &each);
      napi_set_named_property(env, each, "name", to_js(env, info.name.c_str()));
      napi_set_named_property(env, each, "capability",
                              to_js(env, (std::to_string(info.major) + "." + std::to_string(info.minor)).c_str()));
      set(env, each, "multiprocessors", info.multiprocessors);
      set(env, each, "memory", info.memory);
      set(env, each, "problem", problem);
      napi_set_element(env, devices, i, each);
    }
    napi_set_named_property(env, object, "devices", devices);
    return object;
  });
}

}  // namespace brauer::bindings
