#pragma once

#include <node_api.h>

namespace brauer::bindings {

// cuda() of lib/backends/binding.d.ts.
napi_value cuda_info(napi_env env, napi_callback_info info);
// cudaEstimate(words, dtype, device, batch) of lib/backends/binding.d.ts.
napi_value cuda_estimate(napi_env env, napi_callback_info info);

}  // namespace brauer::bindings
