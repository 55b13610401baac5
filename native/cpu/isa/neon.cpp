#include <arm_neon.h>

#include "cpu/kernels.h"

namespace brauer {
namespace {

// The vector of one element type, as kernels.inl wants it. `n` is a number of lanes below W; the lanes past it are
// zero.
struct F32 {
  using T = float;
  using V = float32x4_t;
  static constexpr int W = 4;
  static V zero() { return vdupq_n_f32(0); }
  static V fill(T x) { return vdupq_n_f32(x); }
  static V load(const T* p) { return vld1q_f32(p); }
  static V load(const T* p, Index n) {
    T lanes[4] = {};
    for (Index i = 0; i < n; i++) lanes[i] = p[i];
    return vld1q_f32(lanes);
  }
  static void store(T* p, V v) { vst1q_f32(p, v); }
  static void store(T* p, V v, Index n) {
    T lanes[4];
    vst1q_f32(lanes, v);
    for (Index i = 0; i < n; i++) p[i] = lanes[i];
  }
  static V add(V a, V b) { return vaddq_f32(a, b); }
  static V multiply(V a, V b) { return vmulq_f32(a, b); }
  static V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  static T fma_one(T a, T b, T c) { return __builtin_fmaf(a, b, c); }
  // a[0] b[0] a[1] b[1] …, of the lower and of the upper halves.
  static V interleave_low(V a, V b) { return vzip1q_f32(a, b); }
  static V interleave_high(V a, V b) { return vzip2q_f32(a, b); }
};

struct F64 {
  using T = double;
  using V = float64x2_t;
  static constexpr int W = 2;
  static V zero() { return vdupq_n_f64(0); }
  static V fill(T x) { return vdupq_n_f64(x); }
  static V load(const T* p) { return vld1q_f64(p); }
  static V load(const T* p, Index n) { return n ? vsetq_lane_f64(*p, vdupq_n_f64(0), 0) : vdupq_n_f64(0); }
  static void store(T* p, V v) { vst1q_f64(p, v); }
  static void store(T* p, V v, Index n) {
    if (n) *p = vgetq_lane_f64(v, 0);
  }
  static V add(V a, V b) { return vaddq_f64(a, b); }
  static V multiply(V a, V b) { return vmulq_f64(a, b); }
  static V fma(V a, V b, V c) { return vfmaq_f64(c, a, b); }
  static T fma_one(T a, T b, T c) { return __builtin_fma(a, b, c); }
  static V interleave_low(V a, V b) { return vzip1q_f64(a, b); }
  static V interleave_high(V a, V b) { return vzip2q_f64(a, b); }
};

constexpr int kGemmRows = 8;

}  // namespace
}  // namespace brauer

#define BRAUER_TABLE kNeon
#define BRAUER_TABLE_NAME "neon"
#include "cpu/isa/kernels.inl"
