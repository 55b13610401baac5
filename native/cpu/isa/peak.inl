// Peak (kernels.h). Chains of fma that depend on themselves only, as many as gemm keeps sums in registers: enough to
// hide the latency of an fma on every port.
namespace brauer {
namespace {

template <class S>
Index peak(Index steps, typename S::T* out) {
  constexpr int kChains = kGemmRows < 6 ? 12 : 2 * kGemmRows;
  // Sums settle at 1, far from denormal numbers and overflow.
  const typename S::V keep = S::fill(out[0]), add = S::fill(out[1]);
  typename S::V sum[kChains];
  for (int i = 0; i < kChains; i++) sum[i] = S::fill(typename S::T(i));
  for (Index step = 0; step < steps; step++) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; i++) sum[i] = S::fma(sum[i], keep, add);
  }
  for (int i = 1; i < kChains; i++) sum[0] = S::add(sum[0], sum[i]);
  S::store(out, sum[0]);
  return 2 * kChains * S::W * steps;
}

}  // namespace
}  // namespace brauer
