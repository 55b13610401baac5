#include "bindings/program_handle.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "bindings/convert.h"
#include "core/cuda.h"

namespace brauer::bindings {
namespace {

void free_executable(napi_env env, ProgramHandle& handle) {
  if (!handle.executable) return;
  handle.executable.reset();
  std::int64_t total = 0;
  napi_adjust_external_memory(env, -handle.bytes, &total);
}

napi_value wrap(napi_env env, std::unique_ptr<ProgramHandle> handle) {
  napi_value object = nullptr;
  const auto drop = [](napi_env finalizing, void* data, void*) {
    const std::unique_ptr<ProgramHandle> dropped(static_cast<ProgramHandle*>(data));
    dropped->handles->erase(dropped.get());
    free_executable(finalizing, *dropped);
  };
  handle->handles->insert(handle.get());
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, handle.get(), drop, nullptr, nullptr) != napi_ok) {
    handle->handles->erase(handle.get());
    return nullptr;
  }
  std::int64_t total = 0;
  napi_adjust_external_memory(env, handle.release()->bytes, &total);
  return object;
}

}  // namespace

ProgramHandle* unwrap_program(napi_env env, const Environment& environment, napi_value value) {
  void* data = nullptr;
  if (napi_unwrap(env, value, &data) != napi_ok) return nullptr;
  // Another addon's object holds something else: only what is listed is ours. (A type tag takes longer to compare.)
  auto* const handle = static_cast<ProgramHandle*>(data);
  return environment.handles->contains(handle) ? handle : nullptr;
}

napi_value load_program(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 6, length = 0;
    napi_value arguments[6] = {};
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
      std::int64_t device = 0, mode = 0, precision = 0;
      status = to_integer(env, arguments[3], "load: device", 1 << 10, device);
      if (status.ok()) status = to_integer(env, arguments[4], "load: mode", 2, mode);
      if (status.ok()) status = to_integer(env, arguments[5], "load: precision", 2, precision);
      if (!status.ok()) return to_js(env, status);
      cuda::LoadOptions options;
      options.device = static_cast<int>(device), options.mode = static_cast<cuda::Mode>(mode);
      options.precision = static_cast<cuda::Precision>(precision);
      executable = cuda::load(words, length, static_cast<Dtype>(dtype), options, status);
    }
    if (!executable) return to_js(env, status);
    auto handle = std::make_unique<ProgramHandle>();
    handle->executable = std::move(executable);
    handle->bytes = static_cast<std::int64_t>(length * sizeof(double));
    handle->handles = static_cast<Environment*>(environment)->handles;
    return wrap(env, std::move(handle));
  });
}

napi_value program_work(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 3;
    napi_value arguments[3] = {}, array = nullptr;
    void* environment = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, &environment);
    const ProgramHandle* const handle = unwrap_program(env, *static_cast<Environment*>(environment), arguments[0]);
    if (handle == nullptr || !handle->executable)
      return to_js(env, Status::error(Code::invalid_argument, "work: expected a program that is loaded"));
    std::int64_t batch = 0, threads = 0;
    Status status = to_integer(env, arguments[1], "work: batch", std::int64_t{1} << 53, batch);
    if (status.ok()) status = to_integer(env, arguments[2], "work: threads", 4096, threads);
    if (!status.ok()) return to_js(env, status);
    const WorkCounts work = handle->executable->work(batch, static_cast<int>(threads));
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

napi_value dispose_program(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 1;
    napi_value argument = nullptr;
    void* environment = nullptr;
    napi_get_cb_info(env, info, &count, &argument, nullptr, &environment);
    if (ProgramHandle* const handle = unwrap_program(env, *static_cast<Environment*>(environment), argument))
      free_executable(env, *handle);
    return nullptr;
  });
}

}  // namespace brauer::bindings
