#pragma once

#include <cstddef>

#include "cuda/device.h"

namespace brauer::cuda {

// Copies `bytes`, a multiple of 16, between two places of one device that are aligned to 16 and do not overlap, with
// `blocks` blocks. What it reaches for large arrays is the bandwidth that runs are compared with.
Status launch_copy(Stream* stream, void* to, const void* from, std::size_t bytes, std::int64_t blocks);

Kernel copy_kernel_of_device();

}  // namespace brauer::cuda
