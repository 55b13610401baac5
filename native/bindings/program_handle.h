#pragma once

#include <node_api.h>

#include <memory>

#include "bindings/environment.h"
#include "core/backend.h"

namespace brauer::bindings {

// What `Program` of binding.d.ts is: an object around an executable, freed by `dispose` or by the garbage collector.
struct ProgramHandle {
  std::shared_ptr<const Executable> executable;  // null once disposed of
  std::int64_t bytes = 0;                        // told to the garbage collector, which sees only a small object
  std::shared_ptr<Handles> handles;              // where this handle is listed
};

// The handle in a value; null for a value that is none.
ProgramHandle* unwrap_program(napi_env env, const Environment& environment, napi_value value);

// load(words, dtype, expectedBatch)
napi_value load_program(napi_env env, napi_callback_info info);
// work(program, batch, threads)
napi_value program_work(napi_env env, napi_callback_info info);
// dispose(program)
napi_value dispose_program(napi_env env, napi_callback_info info);

}  // namespace brauer::bindings
