#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>

#include "cuda/device.h"

// What the process remembers of each device between calls.
namespace brauer::cuda {

struct DeviceState {
  std::atomic<bool> lost{false};
  std::mutex mutex;   // for what follows
  std::string cause;  // the first failure that lost the device
  // Kernels that may use all of the shared memory, with the most dynamic shared memory each of them can have.
  std::unordered_map<const void*, std::size_t> most_shared;
};

// Makes the device the calling thread's, and says whether it can still be used.
Status use(int device);

// The outcome of a call to the device that `use` has chosen: clears an error that leaves it usable, and marks the
// device lost by one that does not. call: the name of the function of CUDA.
Status outcome(int device, cudaError_t error, const char* call);

// Lets a kernel have so much dynamic shared memory, which above 48 KB has to be asked for once on each device. fits:
// whether a block can have it at all.
Status allow_shared(int device, const Kernel& kernel, std::size_t bytes, bool& fits);

// A device that can still be used, for what belongs to none: the first one where none can.
int usable_device();

// The state of a device that `use` has accepted.
DeviceState& state_of(int device);

}  // namespace brauer::cuda
