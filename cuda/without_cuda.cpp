#include "core/cuda.h"

// The whole of CUDA in a build without nvcc.
namespace brauer::cuda {

Probe probe() {
  Probe result;
  result.problem = "expected a build with CUDA, received one without";
  return result;
}

}  // namespace brauer::cuda
