// Transpose (kernels.h), in squares of one vector's width that stay in registers.
namespace brauer {
namespace {

// Rows i and i + W/2 are interleaved; after log2 W rounds columns have become rows.
template <class S>
inline void transpose_square(typename S::T* out, Index out_row, const typename S::T* in, Index in_row) {
  constexpr int W = S::W;
  typename S::V rows[W], next[W];
  for (int i = 0; i < W; i++) rows[i] = S::load(in + i * in_row);
#pragma GCC unroll 4
  for (int round = 1; round < W; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < W / 2; i++) {
      next[2 * i] = S::interleave_low(rows[i], rows[i + W / 2]);
      next[2 * i + 1] = S::interleave_high(rows[i], rows[i + W / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; i++) rows[i] = next[i];
  }
  for (int i = 0; i < W; i++) S::store(out + i * out_row, rows[i]);
}

template <class S>
void transpose(typename S::T* out, Index out_row, const typename S::T* in, Index in_row, Index rows, Index cols) {
  constexpr Index W = S::W, kRows = 4 * W;
  const auto one_by_one = [&](Index i0, Index i1, Index j0, Index j1) __attribute__((always_inline)) {
    for (Index j = j0; j < j1; j++)
      for (Index i = i0; i < i1; i++) out[j * out_row + i] = in[i * in_row + j];
  };
  // Several squares one below the other, so that lines of `out` are written whole.
  for (Index i0 = 0; i0 < rows; i0 += kRows) {
    const Index i1 = i0 + kRows < rows ? i0 + kRows : rows, whole = i0 + (i1 - i0) / W * W;
    Index j = 0;
    for (; j + W <= cols; j += W) {
      for (Index i = i0; i < whole; i += W)
        transpose_square<S>(out + j * out_row + i, out_row, in + i * in_row + j, in_row);
      one_by_one(whole, i1, j, j + W);
    }
    one_by_one(i0, i1, j, cols);
  }
}

}  // namespace
}  // namespace brauer
