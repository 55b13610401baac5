#pragma once

#include "core/dtype.h"
#include "cpu/kernels.h"

namespace brauer {

// float16 and bfloat16 storage to float32 and back, rounded to nearest even.
void widen(const KernelTable& kernels, Dtype dtype, float* out, const std::uint16_t* in, Index count);
void narrow(const KernelTable& kernels, Dtype dtype, std::uint16_t* out, const float* in, Index count);

}  // namespace brauer
