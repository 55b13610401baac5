#include <immintrin.h>

#include "cpu/kernels.h"

namespace brauer {
namespace {

// Masks of n lanes are read from the middle of these.
alignas(32) constexpr std::int32_t kLanes32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
alignas(32) constexpr std::int64_t kLanes64[8] = {-1, -1, -1, -1};

// The vector of one element type, as kernels.inl wants it. `n` is a number of lanes below W; the lanes past it are
// zero.
struct F32 {
  using T = float;
  using V = __m256;
  static constexpr int W = 8;
  static V zero() { return _mm256_setzero_ps(); }
  static V fill(T x) { return _mm256_set1_ps(x); }
  static V load(const T* p) { return _mm256_loadu_ps(p); }
  static V load(const T* p, Index n) {
    return _mm256_maskload_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLanes32 + 8 - n)));
  }
  static void store(T* p, V v) { _mm256_storeu_ps(p, v); }
  // In pieces: masked stores are microcode on some processors.
  static void store(T* p, V v, Index n) {
    __m128 part = _mm256_castps256_ps128(v);
    if (n & 4) {
      _mm_storeu_ps(p, part);
      part = _mm256_extractf128_ps(v, 1);
      p += 4;
    }
    if (n & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
      part = _mm_movehl_ps(part, part);
      p += 2;
    }
    if (n & 1) _mm_store_ss(p, part);
  }
  static V add(V a, V b) { return _mm256_add_ps(a, b); }
  static V multiply(V a, V b) { return _mm256_mul_ps(a, b); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static T fma_one(T a, T b, T c) { return __builtin_fmaf(a, b, c); }
  // a[0] b[0] a[1] b[1] …, of the lower and of the upper halves.
  static V interleave_low(V a, V b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
  }
  static V interleave_high(V a, V b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
  }
};

struct F64 {
  using T = double;
  using V = __m256d;
  static constexpr int W = 4;
  static V zero() { return _mm256_setzero_pd(); }
  static V fill(T x) { return _mm256_set1_pd(x); }
  static V load(const T* p) { return _mm256_loadu_pd(p); }
  static V load(const T* p, Index n) {
    return _mm256_maskload_pd(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLanes64 + 4 - n)));
  }
  static void store(T* p, V v) { _mm256_storeu_pd(p, v); }
  static void store(T* p, V v, Index n) {
    __m128d part = _mm256_castpd256_pd128(v);
    if (n & 2) {
      _mm_storeu_pd(p, part);
      part = _mm256_extractf128_pd(v, 1);
      p += 2;
    }
    if (n & 1) _mm_store_sd(p, part);
  }
  static V add(V a, V b) { return _mm256_add_pd(a, b); }
  static V multiply(V a, V b) { return _mm256_mul_pd(a, b); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
  static T fma_one(T a, T b, T c) { return __builtin_fma(a, b, c); }
  static V interleave_low(V a, V b) {
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x20);
  }
  static V interleave_high(V a, V b) {
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x31);
  }
};

constexpr int kGemmRows = 6;

}  // namespace
}  // namespace brauer

#define BRAUER_TABLE kAvx2
#define BRAUER_TABLE_NAME "avx2"
#define BRAUER_F16C
#include "cpu/isa/kernels.inl"
