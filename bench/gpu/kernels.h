#pragma once

#include <cstdint>

#include "cuda/device.h"

// Kernels of the benchmark itself.
namespace brauer::gpu {

// out[i] = input_at(seed, i), rounded to float32, for i < count.
Status fill_inputs(cuda::Stream* stream, float* out, std::uint64_t seed, std::int64_t count, std::int64_t blocks);

// A kernel that does nothing: what the least launch costs.
Status launch_nothing(cuda::Stream* stream);

enum class Unit { ffma, tf32, bf16 };

// Floating-point operations, a product and a sum counted as two, of `blocks` blocks that run `steps` steps each with
// operands in registers; steps: a multiple of 4.
double peak_flops(Unit unit, std::int64_t blocks, std::int64_t steps);
// sink: 4 bytes for each thread of the grid, which is blocks of kPeakThreads.
inline constexpr int kPeakThreads = 256;
Status launch_peak(cuda::Stream* stream, Unit unit, std::int64_t blocks, std::int64_t steps, float* sink);

}  // namespace brauer::gpu
