#pragma once

#include <node_api.h>

// Memory of devices, as JavaScript has it.
namespace brauer::bindings {

// allocate(device, bytes)
napi_value allocate_array(napi_env env, napi_callback_info info);
// copier(device, elementBytes)
napi_value load_copier(napi_env env, napi_callback_info info);
// mover(copier, words)
napi_value load_mover(napi_env env, napi_callback_info info);
// memory(device)
napi_value device_memory(napi_env env, napi_callback_info info);
// limitMemory(device, bytes)
napi_value limit_device_memory(napi_env env, napi_callback_info info);
// dropMemory(device)
napi_value drop_device_memory(napi_env env, napi_callback_info info);

}  // namespace brauer::bindings
