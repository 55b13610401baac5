#pragma once

#include <node_api.h>

// Running a loaded program. Each function is a Node-API callback whose data is the Environment.
namespace brauer::bindings {

// runSync(program, batch, operands, threads)
napi_value run_sync(napi_env env, napi_callback_info info);
// run(program, batch, operands, threads, done)
napi_value run_async(napi_env env, napi_callback_info info);
// cancel(job)
napi_value cancel_run(napi_env env, napi_callback_info info);
// idle()
napi_value idle(napi_env env, napi_callback_info info);

}  // namespace brauer::bindings
