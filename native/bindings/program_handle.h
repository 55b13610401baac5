#pragma once

#include <node_api.h>

#include "bindings/environment.h"

// What `Program` of binding.d.ts is.
namespace brauer::bindings {

// The handle in a value; null for a value that is none.
Handle<Executable>* unwrap_program(napi_env env, const Environment& environment, napi_value value);

// load(words, dtype, expectedBatch), or with (device, mode, precision, memory)
napi_value load_program(napi_env env, napi_callback_info info);
// work(program, batch, threads)
napi_value program_work(napi_env env, napi_callback_info info);
// dispose(program) or dispose(array)
napi_value dispose(napi_env env, napi_callback_info info);

}  // namespace brauer::bindings
