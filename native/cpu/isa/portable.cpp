#include "cpu/kernels.h"

namespace brauer {
namespace {

// 16-byte vectors in plain C++: an array that compilers keep in a register of any machine. No fma: where the machine
// has none a library call would take its place, so the product is rounded here, in full and edge kernels alike.
template <class Element>
struct Plain {
  using T = Element;
  static constexpr int W = 16 / int(sizeof(T));
#if defined(__GNUC__)
  typedef T V __attribute__((vector_size(16)));
#else
  struct V {
    T lane[W];
    T& operator[](int i) { return lane[i]; }
  };
#endif
  static V zero() { return V{}; }
  static V fill(T x) {
    V v{};
    for (int i = 0; i < W; i++) v[i] = x;
    return v;
  }
  static V load(const T* p) {
    V v{};
    for (int i = 0; i < W; i++) v[i] = p[i];
    return v;
  }
  static V load(const T* p, Index n) {
    V v{};
    for (int i = 0; i < n; i++) v[i] = p[i];
    return v;
  }
  static void store(T* p, V v) {
    for (int i = 0; i < W; i++) p[i] = v[i];
  }
  static void store(T* p, V v, Index n) {
    for (int i = 0; i < n; i++) p[i] = v[i];
  }
#if defined(__GNUC__)
  static V add(V a, V b) { return a + b; }
  static V multiply(V a, V b) { return a * b; }
#else
  static V add(V a, V b) {
    for (int i = 0; i < W; i++) a[i] += b[i];
    return a;
  }
  static V multiply(V a, V b) {
    for (int i = 0; i < W; i++) a[i] *= b[i];
    return a;
  }
#endif
  static V fma(V a, V b, V c) { return add(multiply(a, b), c); }
  static T fma_one(T a, T b, T c) { return a * b + c; }
  // a[0] b[0] a[1] b[1] …, of the lower and of the upper halves.
  static V interleave_low(V a, V b) { return interleave(a, b, 0); }
  static V interleave_high(V a, V b) { return interleave(a, b, W / 2); }
  static V interleave(V a, V b, int from) {
    V v{};
    for (int i = 0; i < W / 2; i++) v[2 * i] = a[from + i], v[2 * i + 1] = b[from + i];
    return v;
  }
};

using F32 = Plain<float>;
using F64 = Plain<double>;

constexpr int kGemmRows = 4;

}  // namespace
}  // namespace brauer

#define BRAUER_TABLE kPortable
#define BRAUER_TABLE_NAME "portable"
#include "cpu/isa/kernels.inl"
