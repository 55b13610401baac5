#include <napi.h>

#include <cstdint>
#include <vector>

#include "bindings/blas.h"
#include "bindings/convert.h"
#include "bindings/cuda.h"
#include "bindings/device_array.h"
#include "bindings/environment.h"
#include "bindings/program_handle.h"
#include "bindings/roofline.h"
#include "bindings/run.h"
#include "core/backend.h"

namespace brauer::bindings {
namespace {

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

void set(napi_env env, napi_value object, const char* name, std::int64_t number) {
  napi_value value = nullptr;
  napi_create_int64(env, number, &value);
  set(env, object, name, value);
}

napi_value to_array(napi_env env, const std::vector<Isa>& isas) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, isas.size(), &array);
  for (std::uint32_t i = 0; i < isas.size(); i++) {
    napi_value isa = nullptr, available = nullptr;
    napi_create_object(env, &isa);
    napi_get_boolean(env, isas[i].available, &available);
    set(env, isa, "name", to_js(env, isas[i].name));
    set(env, isa, "available", available);
    napi_set_element(env, array, i, isa);
  }
  return array;
}

napi_value info(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    const CpuInfo& cpu = cpu_info();
    napi_value result = nullptr;
    napi_create_object(env, &result);
    set(env, result, "cpu", to_js(env, cpu.cpu.c_str()));
    set(env, result, "isa", to_js(env, cpu.isa.c_str()));
    set(env, result, "isas", to_array(env, cpu.isas));
    if (!cpu.error.empty()) set(env, result, "error", to_js(env, cpu.error.c_str()));
    set(env, result, "threads", std::int64_t(cpu.threads));
    set(env, result, "l2", cpu.l2);
    set(env, result, "llc", cpu.llc);
    set(env, result, "tileBytes", cpu.tile_bytes);
    set(env, result, "blas", blas_object(env));
    return result;
  });
}

// The whole of lib/backends/binding.d.ts.
constexpr struct {
  const char* name;
  napi_callback callback;
} kFunctions[] = {
    {"info", info},
    {"cuda", cuda_info},
    {"cudaEstimate", cuda_estimate},
    {"load", load_program},
    {"runSync", run_sync},
    {"run", run_async},
    {"cancel", cancel_run},
    {"idle", idle},
    {"dispose", dispose},
    {"allocate", allocate_array},
    {"copier", load_copier},
    {"mover", load_mover},
    {"memory", device_memory},
    {"limitMemory", limit_device_memory},
    {"dropMemory", drop_device_memory},
    {"work", program_work},
    {"roofline", roofline},
    {"productRate", product_rate},
    {"installedBlas", installed_blas},
    {"useBlas", use_blas},
};

}  // namespace
}  // namespace brauer::bindings

// Nothing here throws, and a call that fails leaves it to the next to fail too: where a worker is terminated every one
// may, at any time.
static Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace brauer::bindings;
  Environment* const environment = Environment::create(env);
  if (environment == nullptr) {
    napi_throw_error(env, nullptr,
                     "addon: expected a live environment and memory, received one that is ending or none");
    return exports;
  }
  set(env, exports, "version", to_js(env, BRAUER_VERSION));
  for (const auto& [name, callback] : kFunctions) {
    napi_value function = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, environment, &function);
    set(env, exports, name, function);
  }
  return exports;
}

NODE_API_MODULE(brauer, init)
