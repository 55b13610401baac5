#include <immintrin.h>

#include "cpu/kernels.h"

namespace brauer {
namespace {

// The vector of one element type, as kernels.inl wants it. `n` is a number of lanes below W; the lanes past it are
// zero.
struct F32 {
  using T = float;
  using V = __m512;
  static constexpr int W = 16;
  static __mmask16 lanes(Index n) { return __mmask16((1u << n) - 1); }
  static V zero() { return _mm512_setzero_ps(); }
  static V fill(T x) { return _mm512_set1_ps(x); }
  static V load(const T* p) { return _mm512_loadu_ps(p); }
  static V load(const T* p, Index n) { return _mm512_maskz_loadu_ps(lanes(n), p); }
  static void store(T* p, V v) { _mm512_storeu_ps(p, v); }
  static void store(T* p, V v, Index n) { _mm512_mask_storeu_ps(p, lanes(n), v); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V multiply(V a, V b) { return _mm512_mul_ps(a, b); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static T fma_one(T a, T b, T c) { return __builtin_fmaf(a, b, c); }
  // a[0] b[0] a[1] b[1] …, of the lower and of the upper halves.
  static V interleave_low(V a, V b) {
    const __m512i at = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutex2var_ps(a, at, b);
  }
  static V interleave_high(V a, V b) {
    const __m512i at = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    return _mm512_permutex2var_ps(a, at, b);
  }
};

struct F64 {
  using T = double;
  using V = __m512d;
  static constexpr int W = 8;
  static __mmask8 lanes(Index n) { return __mmask8((1u << n) - 1); }
  static V zero() { return _mm512_setzero_pd(); }
  static V fill(T x) { return _mm512_set1_pd(x); }
  static V load(const T* p) { return _mm512_loadu_pd(p); }
  static V load(const T* p, Index n) { return _mm512_maskz_loadu_pd(lanes(n), p); }
  static void store(T* p, V v) { _mm512_storeu_pd(p, v); }
  static void store(T* p, V v, Index n) { _mm512_mask_storeu_pd(p, lanes(n), v); }
  static V add(V a, V b) { return _mm512_add_pd(a, b); }
  static V multiply(V a, V b) { return _mm512_mul_pd(a, b); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
  static T fma_one(T a, T b, T c) { return __builtin_fma(a, b, c); }
  static V interleave_low(V a, V b) { return _mm512_permutex2var_pd(a, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), b); }
  static V interleave_high(V a, V b) {
    return _mm512_permutex2var_pd(a, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), b);
  }
};

constexpr int kGemmRows = 12;

}  // namespace
}  // namespace brauer

#define BRAUER_TABLE kAvx512
#define BRAUER_TABLE_NAME "avx512"
#define BRAUER_F16C
#include "cpu/isa/kernels.inl"
