#pragma once

#include <cstdint>

#include "core/cuda.h"
#include "cuda/compile.h"
#include "cuda/layout.h"

// What a run moves and computes on a device, counted from the very tables that the kernels read, and the time that it
// implies. The mode of a call is chosen by it; nothing of a result depends on it otherwise.
namespace brauer::cuda {

// Rates of a device, from its datasheet but for the bandwidth, which is that of a copy.
struct DeviceRates {
  double bandwidth;  // bytes read and written in a second
  double clock;      // cycles in a second
  double l2;         // bytes in a second
  double tensor;     // floating-point operations in tf32 in a second, by mma.sync
};

DeviceRates rates_of(const DeviceInfo& device);

Estimate estimate_fused(const Program& program, const Compiled& compiled, const FusedLayout& layout, int element_bytes,
                        int storage_bytes, std::int64_t batch, const DeviceInfo& device);
Estimate estimate_staged(const Program& program, const Compiled& compiled, int element_bytes, int storage_bytes,
                         std::int64_t batch, const DeviceInfo& device);

}  // namespace brauer::cuda
