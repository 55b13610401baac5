#include <napi.h>

#include "bindings/blas.h"
#include "bindings/cuda.h"
#include "bindings/device_array.h"
#include "bindings/environment.h"
#include "bindings/program_handle.h"
#include "bindings/roofline.h"
#include "bindings/run.h"
#include "core/backend.h"

namespace {

Napi::Value info(const Napi::CallbackInfo& call) {
  const brauer::CpuInfo& cpu = brauer::cpu_info();
  const Napi::Env env = call.Env();
  Napi::Array isas = Napi::Array::New(env, cpu.isas.size());
  for (std::uint32_t i = 0; i < isas.Length(); ++i) {
    Napi::Object isa = Napi::Object::New(env);
    isa.Set("name", cpu.isas[i].name);
    isa.Set("available", cpu.isas[i].available);
    isas.Set(i, isa);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("cpu", cpu.cpu);
  result.Set("isa", cpu.isa);
  result.Set("isas", isas);
  if (!cpu.error.empty()) result.Set("error", cpu.error);
  result.Set("threads", cpu.threads);
  result.Set("l2", static_cast<double>(cpu.l2));
  result.Set("llc", static_cast<double>(cpu.llc));
  result.Set("tileBytes", static_cast<double>(cpu.tile_bytes));
  // Last, and by a call that throws nothing: a failure here is one of an environment that is ending.
  if (napi_value blas = brauer::bindings::blas_object(env)) napi_set_named_property(env, result, "blas", blas);
  return result;
}

// The whole of lib/backends/binding.d.ts.
Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace brauer::bindings;
  Environment* const environment = Environment::create(env);
  if (environment == nullptr)
    throw Napi::Error::New(env, "addon: expected a live environment, received one that is ending");
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value function = nullptr;
    NAPI_THROW_IF_FAILED_VOID(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, environment, &function));
    exports.Set(name, function);
  };
  exports.Set("version", BRAUER_VERSION);
  exports.Set("info", Napi::Function::New(env, info, "info"));
  add("cuda", cuda_info);
  add("cudaEstimate", cuda_estimate);
  add("load", load_program);
  add("runSync", run_sync);
  add("run", run_async);
  add("cancel", cancel_run);
  add("idle", idle);
  add("dispose", dispose);
  add("allocate", allocate_array);
  add("copier", load_copier);
  add("memory", device_memory);
  add("limitMemory", limit_device_memory);
  add("dropMemory", drop_device_memory);
  add("work", program_work);
  add("roofline", roofline);
  add("productRate", product_rate);
  add("installedBlas", installed_blas);
  add("useBlas", use_blas);
  return exports;
}

}  // namespace

NODE_API_MODULE(brauer, init)
