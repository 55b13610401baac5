#include <cuda_runtime_api.h>

#include "cuda/codes.h"
#include "cuda/device.h"

namespace brauer::cuda {
namespace {

DeviceInfo info_of(const cudaDeviceProp& properties) {
  DeviceInfo info;
  info.name = properties.name;
  info.major = properties.major;
  info.minor = properties.minor;
  info.multiprocessors = properties.multiProcessorCount;
  info.memory = static_cast<std::int64_t>(properties.totalGlobalMem);
  info.shared_per_block = static_cast<std::int64_t>(properties.sharedMemPerBlockOptin);
  info.shared_per_multiprocessor = static_cast<std::int64_t>(properties.sharedMemPerMultiprocessor);
  info.l2 = properties.l2CacheSize;
  return info;
}

std::string prohibited(int device) {
  int mode = cudaComputeModeDefault;
  if (cudaDeviceGetAttribute(&mode, cudaDevAttrComputeMode, device) != cudaSuccess) return "";
  return mode == cudaComputeModeProhibited ? "expected a device that may compute, received compute mode Prohibited"
                                           : "";
}

}  // namespace

Probe probe() {
  Probe result;
  int driver = 0, runtime = 0, count = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  result.driver = version_text(driver);
  result.runtime = version_text(runtime);
  const cudaError_t error = cudaGetDeviceCount(&count);
  result.problem = no_device_problem(error, cudaGetErrorName(error), driver, runtime);
  for (int device = 0; error == cudaSuccess && device < count; ++device) {
    Probe::Found found;
    cudaDeviceProp properties = {};
    if (const cudaError_t failure = cudaGetDeviceProperties(&properties, device); failure != cudaSuccess) {
      found.problem = std::string("expected the properties of the device, received ") + cudaGetErrorName(failure);
    } else {
      found.info = info_of(properties);
      found.problem = device_problem(properties.major, properties.minor, BRAUER_CUDA_CODE, driver, runtime);
      if (found.problem.empty()) found.problem = prohibited(device);
    }
    result.devices.push_back(std::move(found));
  }
  cudaGetLastError();  // a failure here is told above, and must not be found by a later call
  return result;
}

}  // namespace brauer::cuda
