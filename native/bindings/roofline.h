#pragma once

#include <node_api.h>

namespace brauer::bindings {

// roofline(threads, dtype) of lib/backends/binding.d.ts.
napi_value roofline(napi_env env, napi_callback_info info);

}  // namespace brauer::bindings
