#include "bindings/roofline.h"

#include "bindings/convert.h"
#include "core/roofline.h"

namespace brauer::bindings {

napi_value roofline(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 2;
    napi_value arguments[2] = {}, object = nullptr, copy = nullptr, peak = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
    std::int64_t threads = 0, dtype = 0;
    Roofline result = {};
    Status status = to_integer(env, arguments[0], "roofline: threads", 4096, threads);
    if (status.ok()) status = to_integer(env, arguments[1], "roofline: dtype", 3, dtype);
    if (status.ok()) status = measure_roofline(static_cast<int>(threads), static_cast<Dtype>(dtype), result);
    if (!status.ok()) return to_js(env, status);
    napi_create_object(env, &object);
    napi_create_double(env, result.copy, &copy);
    napi_create_double(env, result.peak, &peak);
    napi_set_named_property(env, object, "copy", copy);
    napi_set_named_property(env, object, "peak", peak);
    return object;
  });
}

}  // namespace brauer::bindings
