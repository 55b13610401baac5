#pragma once

#include <node_api.h>

namespace brauer::bindings {

// `blas` of CpuInfo in lib/backends/binding.d.ts. May throw std::bad_alloc.
napi_value blas_object(napi_env env);

// productRate(kind, dtype, rows, inner, cols) of lib/backends/binding.d.ts.
napi_value product_rate(napi_env env, napi_callback_info info);

// installedBlas() and useBlas(library, ranges).
napi_value installed_blas(napi_env env, napi_callback_info info);
napi_value use_blas(napi_env env, napi_callback_info info);

}  // namespace brauer::bindings
