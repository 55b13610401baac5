#include "cpu/mix.h"

#include <algorithm>

#include "cpu/blas.h"

namespace brauer {
namespace {

// Products per kernel call, so that a cancelled run stops within a millisecond or two.
constexpr double kCallProducts = 1 << 25;
// Tiles of registers per kernel call at least: fewer do not pay for its copies of B.
constexpr Index kCallTiles = 4;

// The operand of one role over all items of a tile.
template <class T>
struct Matrix {
  T* base;
  Index row, step;
};

template <class T>
Matrix<T> matrix(const Tile<T>& tile, std::size_t buffer, Index base, Index row) {
  return {tile.base[buffer] + base, row, tile.step[buffer]};
}

// Whether the rows of all items lie at one stride; then the items are merged into more rows. A single row per item
// always does.
template <class T>
bool merge_items(Matrix<T>& x, Matrix<T>& y, Index items, Index rows) {
  if (items == 1) return true;
  if (rows == 1) {
    x.row = x.step, y.row = y.step;
    return true;
  }
  return x.step == rows * x.row && y.step == rows * y.row;
}

// y (+)= x·b by rows, in calls of bounded length. A library fetches nothing meanwhile.
template <class T>
void multiply_rows(const BlasPlan* blas, Tile<T>& tile, const Matrix<T>& x, const T* b, Index b_row, const Matrix<T>& y,
                   Index rows, Index inner, Index cols, bool set) {
  const Index tiles = Index(kCallProducts / double(inner) / double(cols) / double(tile.kernels->rows));
  Index piece = std::max(tiles, kCallTiles) * tile.kernels->rows;
  if (blas) piece = std::max<Index>(piece / blas->sizes[0], 1) * blas->sizes[0];
  for (Index r = 0; r < rows; r += piece) {
    const Index count = std::min(piece, rows - r);
    if (tile.poll.spend(double(count) * double(inner) * double(cols) / 16)) return;
    if (blas) {
      blas_rows<T>(*blas, x.base + r * x.row, x.row, b, b_row, y.base + r * y.row, y.row, count, set, tile.own_weights);
      continue;
    }
    tile.kernels->gemm(
        {x.base + r * x.row, b, y.base + r * y.row, count, inner, cols, x.row, 1, b_row, y.row, set, tile.ahead});
  }
}

template <class T>
void multiply(const BlasPlan* blas, Tile<T>& tile, Matrix<T> x, const T* b, Index b_row, Index b_step, Matrix<T> y,
              Index rows, Index inner, Index cols, bool set) {
  Index items = tile.items;
  if (b_step == 0 && merge_items(x, y, items, rows)) rows *= items, items = 1;
  for (Index t = 0; t < items; t++) {
    multiply_rows(blas, tile, x, b, b_row, y, rows, inner, cols, set);
    x.base += x.step, y.base += y.step, b += b_step;
  }
}

// b (+)= aᵀ·c, rows in order. Calls take whole blocks of the kernel's inner loop, so that the order of sums does not
// depend on where the calls are cut.
template <class T>
void accumulate(Tile<T>& tile, Matrix<T> a, T* b, Index b_row, Index b_step, Matrix<T> c, Index rows, Index inner,
                Index cols, bool set) {
  constexpr Index kBlock = 256;
  Index items = tile.items;
  if (b_step == 0 && merge_items(a, c, items, rows)) rows *= items, items = 1;
  const Index piece = std::max<Index>(Index(kCallProducts / double(inner) / double(cols)) / kBlock, 1) * kBlock;
  for (Index t = 0; t < items; t++) {
    for (Index r = 0; r < rows; r += piece) {
      const Index count = std::min(piece, rows - r);
      if (tile.poll.spend(double(count) * double(inner) * double(cols) / 16)) return;
      tile.kernels->gemm({a.base + r * a.row, c.base + r * c.row, b, inner, count, cols, 1, a.row, c.row, b_row,
                          set && r == 0, tile.ahead});
    }
    a.base += a.step, c.base += c.step, b += b_step;
  }
}

}  // namespace

template <class T>
void transpose_weights(const Mix& mix, const Kernels<T>& kernels, const T* b, T* transposed) {
  kernels.transpose(transposed, mix.inner, b + mix.b_base, mix.b_stride, mix.inner, mix.cols);
}

// Of form forward or input, with items side by side.
template <class T>
void run_lanes(const Mix& mix, Tile<T>& tile, Index first, Index count) {
  const bool forward = mix.form == MixForm::forward;
  T* const a = tile.base[mix.a] + mix.a_base;
  T* const c = tile.base[mix.c] + mix.c_base;
  const T* const b = tile.base[mix.b] + mix.b_base;
  const Index inner = forward ? mix.inner : mix.cols, cols = forward ? mix.cols : mix.inner;
  const Index x_row = forward ? mix.a_stride : mix.c_stride, y_row = forward ? mix.c_stride : mix.a_stride;
  const double work = double(inner) * double(cols) * double(mix.lanes);
  const Index piece = std::max<Index>(std::min(kCallProducts / work, double(count)), 1);
  for (Index r = first; r < first + count; r += piece) {
    const Index rows = std::min(piece, first + count - r);
    if (tile.poll.spend(double(rows) * work / 16)) return;
    tile.kernels->lane_mix({(forward ? a : c) + r * x_row, (forward ? c : a) + r * y_row, b, rows, inner, cols, x_row,
                            y_row, forward ? mix.b_stride : 1, forward ? 1 : mix.b_stride, mix.lanes, mix.set});
  }
}

template <class T>
void run_mix(const Mix& mix, const T* transposed, const BlasPlan* blas, Tile<T>& tile, Index first, Index count,
             bool shared) {
  if (count <= 0) return;
  if (mix.lanes > 1) return run_lanes(mix, tile, first, count);
  const Matrix<T> a = matrix(tile, mix.a, mix.a_base + first * mix.a_stride, mix.a_stride);
  const Matrix<T> c = matrix(tile, mix.c, mix.c_base + first * mix.c_stride, mix.c_stride);
  T* const b = tile.base[mix.b] + mix.b_base;
  const Index b_step = tile.step[mix.b];
  switch (mix.form) {
    case MixForm::forward:
      return multiply(blas, tile, a, b, mix.b_stride, b_step, c, count, mix.inner, mix.cols, mix.set);
    case MixForm::weight:
      return accumulate(tile, a, b, mix.b_stride, b_step, c, count, mix.inner, mix.cols, mix.set && !shared);
    case MixForm::input:
      break;
  }
  if (b_step == 0) return multiply(blas, tile, c, transposed, mix.inner, 0, a, count, mix.cols, mix.inner, mix.set);
  // Weights of each item's own are transposed one by one.
  Tile<T> one = tile;
  one.items = 1;
  Matrix<T> x = c, y = a;
  for (Index t = 0; t < tile.items && !one.poll.stopped; t++) {
    transpose_weights(mix, *tile.kernels, tile.base[mix.b] + t * b_step, tile.own_weights);
    multiply(nullptr, one, x, static_cast<const T*>(tile.own_weights), mix.inner, 0, y, count, mix.cols, mix.inner,
             mix.set);
    x.base += x.step, y.base += y.step;
  }
  tile.poll = one.poll;
}

template void run_mix(const Mix&, const float*, const BlasPlan*, Tile<float>&, Index, Index, bool);
template void run_mix(const Mix&, const double*, const BlasPlan*, Tile<double>&, Index, Index, bool);
template void transpose_weights(const Mix&, const Kernels<float>&, const float*, float*);
template void transpose_weights(const Mix&, const Kernels<double>&, const double*, double*);

}  // namespace brauer
