#include "fake_runtime.h"

#include <cuda_runtime_api.h>

#include <cstdio>

namespace {

cudaError_t called(const char* name) {
  fake::calls.push_back(name);
  if (fake::failing != name) return cudaSuccess;
  fake::last_error = fake::error;
  return static_cast<cudaError_t>(fake::error);
}

char memory[1 << 12];

}  // namespace

extern "C" {

cudaError_t cudaGetLastError() {
  const int error = fake::last_error;
  fake::last_error = 0;
  return static_cast<cudaError_t>(error);
}
const char* cudaGetErrorName(cudaError_t error) { return error == cudaErrorMemoryAllocation ? "noMemory" : "aName"; }
const char* cudaGetErrorString(cudaError_t) { return "a description"; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, called(__func__); }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, called(__func__); }
cudaError_t cudaGetDeviceCount(int* count) { return *count = 4, called(__func__); }
cudaError_t cudaSetDevice(int device) { return fake::current_device = device, called(__func__); }
// Device 1 is too old, device 2 may not compute.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  std::snprintf(properties->name, sizeof properties->name, "Fake %d", device);
  properties->major = device == 1 ? 7 : 9;
  properties->multiProcessorCount = 132;
  properties->totalGlobalMem = std::size_t(1) << 33;
  properties->sharedMemPerBlock = 48 << 10;
  properties->sharedMemPerBlockOptin = 227 << 10;
  return called(__func__);
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  *value = attribute == cudaDevAttrComputeMode ? (device == 2 ? cudaComputeModeProhibited : 0) : 227 << 10;
  return called(__func__);
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  attributes->type = fake::pageable ? cudaMemoryTypeUnregistered : cudaMemoryTypeDevice;
  return called(__func__);
}
cudaError_t cudaMalloc(void** result, std::size_t) { return *result = memory, called(__func__); }
cudaError_t cudaFree(void*) { return called(__func__); }
cudaError_t cudaHostAlloc(void** result, std::size_t, unsigned) { return *result = memory, called(__func__); }
cudaError_t cudaFreeHost(void*) { return called(__func__); }
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) { return *free = 1, *total = 2, called(__func__); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned) { return called(__func__); }
cudaError_t cudaStreamDestroy(cudaStream_t) { return called(__func__); }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return called(__func__); }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return called(__func__); }
cudaError_t cudaEventCreate(cudaEvent_t*) { return called(__func__); }
cudaError_t cudaEventDestroy(cudaEvent_t) { return called(__func__); }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return called(__func__); }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return called(__func__); }
cudaError_t cudaEventQuery(cudaEvent_t) { return called(__func__); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  return *milliseconds = 1.5f, called(__func__);
}
cudaError_t cudaMemcpyAsync(void*, const void*, std::size_t, cudaMemcpyKind, cudaStream_t) { return called(__func__); }
cudaError_t cudaMemsetAsync(void*, int, std::size_t, cudaStream_t) { return called(__func__); }
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  return attributes->sharedSizeBytes = 1 << 10, called(__func__);
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return called(__func__); }
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, std::size_t, cudaStream_t) { return called(__func__); }
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, std::size_t) {
  return *blocks = 3, called(__func__);
}

}  // extern "C"
