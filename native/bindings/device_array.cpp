#include "bindings/device_array.h"

#include "bindings/convert.h"
#include "bindings/environment.h"
#include "bindings/program_handle.h"
#include "core/cuda.h"

namespace brauer::bindings {
namespace {

constexpr std::int64_t kMostDevices = 1 << 10, kMostBytes = std::int64_t{1} << 53;

// Two integers of a call: the index of a device, which need not be there, and another number.
Status read(napi_env env, napi_callback_info info, const char* what, std::int64_t most, int& device,
            std::int64_t& number, Environment*& environment) {
  std::size_t count = 2;
  napi_value arguments[2] = {};
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  environment = static_cast<Environment*>(data);
  std::int64_t index = 0;
  Status status = to_integer(env, arguments[0], "device", kMostDevices, index);
  device = static_cast<int>(index);
  if (status.ok() && what != nullptr) status = to_integer(env, arguments[1], what, most, number);
  return status;
}

}  // namespace

napi_value allocate_array(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    int device = 0;
    std::int64_t bytes = 0;
    Environment* environment = nullptr;
    Status status = read(env, info, "allocate: bytes", kMostBytes, device, bytes, environment);
    if (!status.ok()) return to_js(env, status);
    auto array = cuda::make_array(device, bytes, status);
    return array ? wrap_handle(env, std::move(array), bytes, environment->arrays) : to_js(env, status);
  });
}

napi_value load_copier(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    int device = 0;
    std::int64_t bytes = 0;
    Environment* environment = nullptr;
    Status status = read(env, info, "copier: bytes of an element", 8, device, bytes, environment);
    if (!status.ok()) return to_js(env, status);
    std::shared_ptr<const Executable> copier = cuda::make_copier(device, static_cast<int>(bytes), status);
    return copier ? wrap_handle(env, std::move(copier), 0, environment->programs) : to_js(env, status);
  });
}

napi_value load_mover(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 2, length = 0;
    napi_value arguments[2] = {};
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
    const auto* const environment = static_cast<Environment*>(data);
    const Handle<Executable>* const copier = unwrap_program(env, *environment, arguments[0]);
    if (copier == nullptr || !copier->value)
      return to_js(env, Status::error(Code::invalid_argument, "mover: expected a copier, received another value"));
    const double* words = nullptr;
    Status status = to_numbers(env, arguments[1], "mover: words", words, length);
    if (!status.ok()) return to_js(env, status);
    std::shared_ptr<const Executable> mover = cuda::make_mover(*copier->value, words, length, status);
    const auto bytes = static_cast<std::int64_t>(length * sizeof(double));
    return mover ? wrap_handle(env, std::move(mover), bytes, environment->programs) : to_js(env, status);
  });
}

napi_value device_memory(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    int device = 0;
    std::int64_t none = 0;
    Environment* environment = nullptr;
    cuda::MemoryUse use;
    Status status = read(env, info, nullptr, 0, device, none, environment);
    if (status.ok()) status = cuda::memory_use(device, use);
    if (!status.ok()) return to_js(env, status);
    napi_value object = nullptr;
    napi_create_object(env, &object);
    const std::pair<const char*, std::int64_t> members[] = {{"used", use.used}, {"kept", use.kept},
                                                            {"peak", use.peak}, {"limit", use.limit},
                                                            {"free", use.free}, {"total", use.total}};
    for (const auto& [name, number] : members) {
      napi_value value = nullptr;
      napi_create_int64(env, number, &value);
      napi_set_named_property(env, object, name, value);
    }
    return object;
  });
}

napi_value limit_device_memory(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    int device = 0;
    std::int64_t bytes = 0;
    Environment* environment = nullptr;
    Status status = read(env, info, "limitMemory: bytes", kMostBytes, device, bytes, environment);
    if (status.ok()) status = cuda::find_device(device);
    if (status.ok()) cuda::limit_memory(device, bytes);
    return to_js(env, status);
  });
}

napi_value drop_device_memory(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    int device = 0;
    std::int64_t none = 0;
    Environment* environment = nullptr;
    Status status = read(env, info, nullptr, 0, device, none, environment);
    if (status.ok()) status = cuda::find_device(device);
    if (status.ok()) cuda::drop_memory(device);
    return to_js(env, status);
  });
}

}  // namespace brauer::bindings
