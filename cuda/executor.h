#pragma once

#include <memory>

#include "core/backend.h"
#include "core/dtype.h"
#include "cuda/device.h"

namespace brauer::cuda {

// fused: one launch, tiles of items in shared memory. staged: one launch per instruction. Both accept every program.
enum class Mode { automatic, fused, staged };

struct LoadOptions {
  int device = 0;
  Mode mode = Mode::automatic;
  // Memory of the device that the operands and the scratch of a call may take, in bytes; a larger batch is cut.
  std::int64_t memory = std::int64_t(1) << 30;
};

// Decodes, verifies and compiles a program for a device. Operands of its runs lie in host memory. Null with a status
// when it is refused, or the device has no room.
std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, const LoadOptions& options,
                                 Status& status) noexcept;

}  // namespace brauer::cuda
