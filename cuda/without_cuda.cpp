#include "core/cuda.h"

// The whole of CUDA in a build without nvcc.
namespace brauer::cuda {

Probe probe() {
  Probe result;
  result.problem = "expected a build with CUDA, received one without";
  return result;
}

std::unique_ptr<DeviceProgram> load(const double*, std::size_t, Dtype, const LoadOptions&, Status& status) noexcept {
  status = Status::error(Code::invalid_argument, "load: " + probe().problem);
  return nullptr;
}

}  // namespace brauer::cuda
