// The kernels, once for every instruction set. The file that includes this one defines F32, F64 (vectors), kGemmRows
// and the name of its table. Everything but the table has internal linkage (see kernels.h): no standard header that
// defines inline functions may be included here.

#include "cpu/isa/gemm.inl"
// after gemm.inl, in this order
#include "cpu/isa/dots.inl"
#include "cpu/isa/product.inl"

#include "cpu/isa/lanes.inl"
#include "cpu/isa/peak.inl"
#include "cpu/isa/reduce.inl"
#include "cpu/isa/transpose.inl"
// after transpose.inl
#include "cpu/isa/rows.inl"
#include "cpu/isa/transform.inl"

namespace brauer {
namespace {

#if defined(BRAUER_F16C)

void widen_f16(float* out, const std::uint16_t* in, Index count) {
  Index i = 0;
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i))));
  for (; i < count; i++) out[i] = _cvtsh_ss(in[i]);
}

void narrow_f16(std::uint16_t* out, const float* in, Index count) {
  Index i = 0;
  for (; i + 8 <= count; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < count; i++) out[i] = std::uint16_t(_cvtss_sh(in[i], _MM_FROUND_TO_NEAREST_INT));
}

#else

constexpr void (*widen_f16)(float*, const std::uint16_t*, Index) = nullptr;
constexpr void (*narrow_f16)(std::uint16_t*, const float*, Index) = nullptr;

#endif

template <class S>
constexpr Kernels<typename S::T> kernels() {
  return {S::W, kGemmRows, gemm<S>, lane_mix<S>, map<S>, reduce<S>, transform<S>, transpose<S>, peak<S>};
}

}  // namespace

extern const KernelTable BRAUER_TABLE;
constexpr KernelTable BRAUER_TABLE = {BRAUER_TABLE_NAME, kernels<F32>(), kernels<F64>(), widen_f16, narrow_f16};

}  // namespace brauer
