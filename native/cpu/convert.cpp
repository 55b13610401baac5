#include "cpu/convert.h"

namespace brauer {

void widen(const KernelTable& kernels, Dtype dtype, float* out, const std::uint16_t* in, Index count) {
  if (dtype == Dtype::bf16)
    for (Index i = 0; i < count; i++) out[i] = bf16_to_float(in[i]);
  else if (kernels.f16_to_float)
    kernels.f16_to_float(out, in, count);
  else
    for (Index i = 0; i < count; i++) out[i] = f16_to_float(in[i]);
}

void narrow(const KernelTable& kernels, Dtype dtype, std::uint16_t* out, const float* in, Index count) {
  if (dtype == Dtype::bf16)
    for (Index i = 0; i < count; i++) out[i] = float_to_bf16(in[i]);
  else if (kernels.float_to_f16)
    kernels.float_to_f16(out, in, count);
  else
    for (Index i = 0; i < count; i++) out[i] = float_to_f16(in[i]);
}

}  // namespace brauer
