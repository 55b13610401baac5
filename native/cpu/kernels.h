#pragma once

#include <cstdint>

// What an instruction-set file exports: one table of function pointers, and nothing else. This header is compiled with
// the flags of every set, so it holds plain structs only: an inline function here would become a weak symbol, of which
// the linker keeps any one, also the one that this machine cannot run.
namespace brauer {

using Index = std::int64_t;

// Asks now and then whether the run was cancelled; `poll` may be null.
struct Stop {
  bool (*poll)(const void* context);
  const void* context;
};

// Memory that will be touched soon, fetched into the second-level cache a few lines at a time between pieces of
// arithmetic.
struct Ahead {
  struct Span {
    const char *next, *end;
  };
  Span *span, *last;  // left to fetch
  int lines;          // per piece
};

// C[i, j] (+)= Σ_k A[i, k]·B[k, j]. A has strides for both of its indices, so that the same kernel multiplies by a
// transpose; rows of B and C are contiguous. Each element is summed over k in blocks fixed by `inner` alone, within a
// block in order, or lane by lane where `cols` and a_inner let vectors run along the rows of A.
template <class T>
struct Gemm {
  const T *a, *b;
  T* c;
  Index rows, inner, cols;
  Index a_row, a_inner, b_row, c_row;
  bool set;
  Ahead* ahead;  // may be null
};

// y[r·y_row + j·lanes + t] (+)= Σ_k b[k·b_inner + j·b_col]·x[r·x_row + k·lanes + t] for r < rows, k < inner, j < cols;
// lanes are whole vectors.
template <class T>
struct LaneMix {
  const T* x;
  T* y;
  const T* b;
  Index rows, inner, cols, x_row, y_row, b_inner, b_col, lanes;
  bool set;
};

// out[t·out2 + r·out1 + e·out0] (+)= scale · in[t·in2 + r·in1 + e·in0] for t < n2, r < n1, e < n0.
template <class T>
struct Map {
  T* out;
  const T* in;
  Index n2, out2, in2, n1, out1, in1, n0, out0, in0;
  T scale;
  bool set;
};

struct Sum {
  Index extent, in;
};

// out[t·out2 + r·out1 + e] (+)= scale · Σ in[t·in2 + r·in1 + e + Σ s·sum] over the sums, outermost first. Chunks of at
// most 64 steps of the innermost sum are added one by one, chunks combined in a binary tree: the order depends on the
// extents alone. `across`: rows of the innermost sum lie back to back (n0 < vector width), and vectors run across them.
template <class T>
struct Reduce {
  T* out;
  const T* in;
  Index n2, out2, in2, n1, out1, in1, n0;
  const Sum* sums;
  int sum_count;
  bool across, set;
  T scale;
  Stop stop;
};

// What `transform` adds to a row of its result: scale · in[e], with steps as the row's.
template <class T>
struct Term {
  const T* in;
  Index in1, in2;
  T scale;
};

// Vectors of gemm run along rows of A (a_inner is 1) where C has one column, or at most a vector's lanes over this.
inline constexpr int kDotPart = 4;

inline constexpr int kMostTerms = 128;  // of all rows of an orbit together

// out_r[e] (+)= Σ_k matrix[r·matrix_out + k·matrix_in] in_k[e] + the terms of row r, for r, k < m and e < n0, over n2
// items and `runs` runs of neighbouring multi-indices. Run j has steps[j] of them; its rows lie in_at[j·m + k] and
// out_at[j·m + k] from the pointers, its terms term_at[j·terms + q] from theirs; steps move each by in1 and out1, items
// by in2 and out2. Terms [term_end[r], term_end[r + 1]) are those of row r.
template <class T>
struct Transform {
  Index m;
  const T* matrix;
  Index matrix_out, matrix_in;
  const T* const* in;
  T* const* out;
  const Index *in1, *out1, *in2, *out2;
  Index runs;
  const Index *steps, *in_at, *out_at, *term_at;
  const Term<T>* terms;
  const int* term_end;
  Index n2, n0;
  bool set;
  const T** moving_in;  // room for m pointers, and for m more
  T** moving_out;
};

template <class T>
struct Kernels {
  Index width;  // elements of a vector
  Index rows;   // of a full tile of gemm
  void (*gemm)(const Gemm<T>&);
  void (*lane_mix)(const LaneMix<T>&);
  void (*map)(const Map<T>&);
  void (*reduce)(const Reduce<T>&);
  void (*transform)(const Transform<T>&);
  // out[j, i] = in[i, j] for i < rows, j < cols
  void (*transpose)(T* out, Index out_row, const T* in, Index in_row, Index rows, Index cols);
  // Multiplies by out[0] and adds out[1] in registers; writes `width` elements to out and returns its flops.
  Index (*peak)(Index steps, T* out);
};

struct KernelTable {
  const char* name;
  Kernels<float> f32;
  Kernels<double> f64;
  // Null where the plain conversions of core/dtype.h are as good.
  void (*f16_to_float)(float* out, const std::uint16_t* in, Index count);
  void (*float_to_f16)(std::uint16_t* out, const float* in, Index count);
};

}  // namespace brauer
