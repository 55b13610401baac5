#include "cuda/device_state.h"

#include <vector>

#include "cuda/codes.h"

namespace brauer::cuda {
namespace {

// What every kernel may have without being told.
constexpr std::size_t kPlainShared = 48 << 10;

// Never destroyed: threads may still use devices while the process ends, when no call to CUDA is legal any more.
std::vector<DeviceState>& states() {
  static std::vector<DeviceState>* const all = [] {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) count = 0;
    cudaGetLastError();
    return new std::vector<DeviceState>(static_cast<std::size_t>(count));
  }();
  return *all;
}

Status lost(int device, DeviceState& state) {
  const std::lock_guard lock(state.mutex);
  return Status::error(Code::device_lost,
                       "cuda:" + std::to_string(device) + ": expected a usable device, received " + state.cause);
}

}  // namespace

DeviceState& state_of(int device) { return states()[static_cast<std::size_t>(device)]; }

int usable_device() {
  for (std::size_t device = 0; device < states().size(); ++device)
    if (!states()[device].lost.load(std::memory_order_acquire)) return static_cast<int>(device);
  return 0;
}

Status use(int device) {
  if (device < 0 || static_cast<std::size_t>(device) >= states().size()) {
    const std::string problem = states().empty() ? probe().problem : "";
    return Status::error(Code::invalid_argument,
                         "cuda:" + std::to_string(device) + ": " +
                             (problem.empty() ? "expected an index below " + std::to_string(states().size()) +
                                                    ", received " + std::to_string(device)
                                              : problem));
  }
  DeviceState& state = state_of(device);
  if (state.lost.load(std::memory_order_acquire)) return lost(device, state);
  return outcome(device, cudaSetDevice(device), "cudaSetDevice");
}

Status outcome(int device, cudaError_t error, const char* call) {
  if (error == cudaSuccess) return {};
  // CUDA keeps the error for the thread's next question, which may be another part's of the process.
  cudaGetLastError();
  const std::string what = std::string(call) + ": " + cudaGetErrorName(error) + " (CUDA error " +
                           std::to_string(error) + "), " + cudaGetErrorString(error);
  switch (failure_of(error)) {
    case Failure::out_of_memory:
      return Status::error(Code::out_of_memory,
                           "cuda:" + std::to_string(device) + ": expected free memory, received " + what);
    case Failure::lost: {
      DeviceState& state = state_of(device);
      {
        const std::lock_guard lock(state.mutex);
        if (state.cause.empty()) state.cause = what;
      }
      state.lost.store(true, std::memory_order_release);
      return lost(device, state);
    }
    default:
      return Status::error(Code::internal, "cuda:" + std::to_string(device) + ": expected success, received " + what);
  }
}

Status allow_shared(int device, const Kernel& kernel, std::size_t bytes, bool& fits) {
  fits = true;
  if (bytes <= kPlainShared) return {};
  DeviceState& state = state_of(device);
  const std::lock_guard lock(state.mutex);
  auto found = state.most_shared.find(kernel.function);
  if (found == state.most_shared.end()) {
    int most = 0;
    cudaFuncAttributes attributes = {};
    cudaError_t error = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    if (error == cudaSuccess) error = cudaFuncGetAttributes(&attributes, kernel.function);
    const int dynamic = most - static_cast<int>(attributes.sharedSizeBytes);
    if (error == cudaSuccess)
      error = cudaFuncSetAttribute(kernel.function, cudaFuncAttributeMaxDynamicSharedMemorySize, dynamic);
    if (error != cudaSuccess) return outcome(device, error, "cudaFuncSetAttribute");
    found = state.most_shared.emplace(kernel.function, static_cast<std::size_t>(dynamic)).first;
  }
  fits = bytes <= found->second;
  return {};
}

}  // namespace brauer::cuda
