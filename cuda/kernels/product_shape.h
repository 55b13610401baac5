#pragma once

namespace brauer::cuda {

// A worker's rows of a product, with one `right` for all items (they may then belong to several), by one vector of
// columns.
inline constexpr int kProductRows = 8;

// By two vectors: as many as keep their sums in registers where two blocks share a multiprocessor, by ten times the
// compute capability.
constexpr int pair_rows(int capability) { return capability == 90 ? 6 : 4; }
#ifdef __CUDA_ARCH__
inline constexpr int kPairRows = pair_rows(__CUDA_ARCH__ / 10);
#else
inline constexpr int kPairRows = pair_rows(90);  // on an emulated device
#endif

}  // namespace brauer::cuda
