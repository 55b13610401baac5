#include "bindings/program_handle.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "bindings/convert.h"
#include "core/cuda.h"

namespace brauer::bindings {

Handle<Executable>* unwrap_program(napi_env env, const Environment& environment, napi_value value) {
  return unwrap_handle(env, *environment.programs, value);
}

napi_value load_program(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 7, length = 0;
    napi_value arguments[7] = {};
    void* environment = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, &environment);
    const double* words = nullptr;
    Status status = to_numbers(env, arguments[0], "load: words", words, length);
    if (!status.ok()) return to_js(env, status);
    std::int64_t dtype = 0;
    status = to_integer(env, arguments[1], "load: dtype", 3, dtype);
    if (!status.ok()) return to_js(env, status);
    std::int64_t expected_batch = 0;
    status = to_integer(env, arguments[2], "load: expectedBatch", std::int64_t{1} << 53, expected_batch);
    if (!status.ok()) return to_js(env, status);
    std::shared_ptr<const Executable> executable;
    if (count < 4) {
      executable = load(words, length, static_cast<Dtype>(dtype), expected_batch, status);
    } else {
      std::int64_t device = 0, mode = 0, precision = 0, memory = 0;
      status = to_integer(env, arguments[3], "load: device", 1 << 10, device);
      if (status.ok()) status = to_integer(env, arguments[4], "load: mode", 2, mode);
      if (status.ok()) status = to_integer(env, arguments[5], "load: precision", 2, precision);
      if (status.ok()) status = to_integer(env, arguments[6], "load: memory", std::int64_t{1} << 53, memory);
      if (!status.ok()) return to_js(env, status);
      cuda::LoadOptions options;
      options.device = static_cast<int>(device), options.mode = static_cast<cuda::Mode>(mode);
      options.precision = static_cast<cuda::Precision>(precision), options.memory = memory;
      executable = cuda::load(words, length, static_cast<Dtype>(dtype), options, status);
    }
    if (!executable) return to_js(env, status);
    // Memory of a device, of which the engine sees nothing, is to be collected in time.
    constexpr std::int64_t kDeviceBytes = std::int64_t(1) << 20;
    const auto bytes = static_cast<std::int64_t>(length * sizeof(double)) + (count < 4 ? 0 : kDeviceBytes);
    return wrap_handle(env, std::move(executable), bytes, static_cast<Environment*>(environment)->programs);
  });
}

napi_value program_work(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 3;
    napi_value arguments[3] = {}, array = nullptr;
    void* environment = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, &environment);
    const Handle<Executable>* const handle = unwrap_program(env, *static_cast<Environment*>(environment), arguments[0]);
    if (handle == nullptr || !handle->value)
      return to_js(env, Status::error(Code::invalid_argument, "work: expected a program that is loaded"));
    std::int64_t batch = 0, threads = 0;
    Status status = to_integer(env, arguments[1], "work: batch", std::int64_t{1} << 53, batch);
    if (status.ok()) status = to_integer(env, arguments[2], "work: threads", 4096, threads);
    if (!status.ok()) return to_js(env, status);
    const WorkCounts work = handle->value->work(batch, static_cast<int>(threads));
    static_assert(sizeof(WorkCounts) == kWorkKinds * sizeof(double));
    double kinds[kWorkKinds];
    std::memcpy(kinds, &work, sizeof kinds);
    napi_create_array_with_length(env, kWorkKinds, &array);
    for (int i = 0; i < kWorkKinds; i++) {
      napi_value number = nullptr;
      napi_create_double(env, kinds[i], &number);
      napi_set_element(env, array, static_cast<std::uint32_t>(i), number);
    }
    return array;
  });
}

napi_value dispose(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 1;
    napi_value argument = nullptr;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, &argument, nullptr, &data);
    const auto& environment = *static_cast<Environment*>(data);
    if (auto* const program = unwrap_program(env, environment, argument))
      program->free(env);
    else if (auto* const array = unwrap_handle(env, *environment.arrays, argument))
      array->free(env);
    return nullptr;
  });
}

}  // namespace brauer::bindings
