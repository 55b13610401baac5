#pragma once

#include "cuda/kernels/product_mma.h"
#include "cuda/kernels/product_shape.h"
#include "cuda/kernels/step.h"

/* `mix`
   forward, input   out[r, j] (+)= Σ_k left[r, k] · right[k, j]     rows of all items are one list
   weight           out[k, j] (+)= Σ_r left[r, k] · right[r, j]     for each item, or over all of them
   One worker per few rows and a vector of columns. */
namespace brauer::cuda {

// Columns of one row of `right` that a worker takes; side by side or `right_j` apart.
template <class T, int V>
BRAUER_DEVICE Vector<T, V> load_columns(const T* right, std::int32_t right_j) {
  if constexpr (V == 1) return load<T, V>(right);
  if (right_j == 1) return load<T, V>(right);
  Vector<T, V> result;
  BRAUER_UNROLL
  for (int v = 0; v < V; v++) result.values[v] = right[std::int64_t(v) * right_j];
  return result;
}

// R rows by V columns, the inner index by K values at once.
template <class T, int R, int V, int K>
BRAUER_CALLED void run_product_rows(Step<T> step, const ProductCode& code, Team team) {
  const std::uint32_t rows = rows_of(step, code.lambda, code.rows) * step.items;
  const std::uint32_t total = (rows + R - 1) / R * code.col_blocks;
  const Items<T> lefts = items_of(step, code.left), rights = items_of(step, code.right);
  const Items<T> outs = items_of(step, code.out);
  for (std::uint32_t i = team.rank; i < total; i += team.size) {
    const std::uint32_t block = quotient(code.per_row, i);
    const std::int32_t col = std::int32_t(i - block * code.col_blocks) * V;
    const T* left[R];
    BRAUER_UNROLL
    for (int r = 0; r < R; r++) {
      const std::uint32_t row = block * R + std::uint32_t(r) < rows ? block * R + std::uint32_t(r) : rows - 1;
      const Job at = job_of(row, code.per_item);
      left[r] = lefts[at.group] + std::int64_t(at.place) * code.left_row;
    }
    const T* right = rights[quotient(code.per_item, block * R)] + std::int64_t(col) * code.right_j;
    Vector<T, V> sum[R]{};
    for (std::uint32_t k = 0; k < code.inner; k += K) {
      Vector<T, K> a[R];
      BRAUER_UNROLL
      for (int r = 0; r < R; r++) a[r] = load<T, K>(left[r] + k);
      BRAUER_UNROLL
      for (int each = 0; each < K; each++, right += code.right_k) {
        const Vector<T, V> b = load_columns<T, V>(right, code.right_j);
        BRAUER_UNROLL
        for (int r = 0; r < R; r++) {
          BRAUER_UNROLL
          for (int v = 0; v < V; v++) sum[r].values[v] += a[r].values[each] * b.values[v];
        }
      }
    }
    BRAUER_UNROLL
    for (int r = 0; r < R; r++) {
      const std::uint32_t row = block * R + std::uint32_t(r);
      if (row >= rows) continue;
      const Job at = job_of(row, code.per_item);
      put<T, V>(outs[at.group] + std::int64_t(at.place) * code.out_row + col, sum[r], code.set != 0);
    }
  }
}

// Rows that overlap: one worker per item adds one after the other, as the definition does.
template <class T>
BRAUER_CALLED void run_serial_product(Step<T> step, const ProductCode& code, Team team) {
  for (std::uint32_t item = team.rank; item < step.items; item += team.size) {
    const T* const left = items_of(step, code.left)[item];
    const T* const right = items_of(step, code.right)[item];
    T* const out = items_of(step, code.out)[item];
    for (std::uint32_t r = 0; r < code.rows && code.set; r++)
      for (std::uint32_t j = 0; j < code.cols; j++) out[std::int64_t(r) * code.out_row + j] = 0;
    for (std::uint32_t r = 0; r < code.rows; r++)
      for (std::uint32_t k = 0; k < code.inner; k++)
        for (std::uint32_t j = 0; j < code.cols; j++)
          out[std::int64_t(r) * code.out_row + j] +=
              left[std::int64_t(r) * code.left_row + k] *
              right[std::int64_t(k) * code.right_k + std::int64_t(j) * code.right_j];
  }
}

template <class T>
BRAUER_DEVICE void run_product(Step<T> step, const ProductCode& code, Team team) {
  constexpr int kVector = 16 / int(sizeof(T));
  if (code.serial) return run_serial_product(step, code, team);
  if constexpr (sizeof(T) == 4) {
    if (step.precision == Precision::tf32 && !code.own) return run_product_mma<false>(step, code, team);
    if (step.precision == Precision::split && !code.own) return run_product_mma<true>(step, code, team);
  }
  if (code.own) {
    if (code.vector > 1) return run_product_rows<T, 1, kVector, 1>(step, code, team);
    return run_product_rows<T, 1, 1, 1>(step, code, team);
  }
  if (code.vector > 1 && code.left_vector) return run_product_rows<T, kProductRows, kVector, kVector>(step, code, team);
  if (code.vector > 1) return run_product_rows<T, kProductRows, kVector, 1>(step, code, team);
  run_product_rows<T, kProductRows, 1, 1>(step, code, team);
}

template <class T, int V>
BRAUER_CALLED void run_weights_blocks(Step<T> step, const WeightsCode& code, bool sums_items, Team team) {
  const std::uint32_t cols = code.per_row.divisor;
  const Items<T> lefts = items_of(step, code.left), rights = items_of(step, code.right);
  const Items<T> outs = items_of(step, code.out);
  const std::uint32_t rows = rows_of(step, code.lambda, code.rows);
  for (std::uint32_t i = team.rank; i < code.work * team.groups; i += team.size) {
    const Job at = job_of(i, code.per_item);
    const std::uint32_t block = quotient(code.per_row, at.place);
    const std::uint32_t first = block * kWeightRows, col = (at.place - block * cols) * V;
    LongSum<T, V> all[kWeightRows];
    const auto write = [&](std::uint32_t item) {
      BRAUER_UNROLL
      for (int k = 0; k < kWeightRows; k++) {
        if (first + std::uint32_t(k) < code.inner)
          put<T, V>(outs[item] + col + std::int64_t(first + std::uint32_t(k)) * code.out_row, all[k].total(),
                    code.set && !sums_items);
        all[k] = {};
      }
    };
    for (std::uint32_t item = at.group; item < step.items; item += team.groups) {
      const T* left = lefts[item] + first;
      const T* right = rights[item] + col;
      for (std::uint32_t done = 0; done < rows; done += kPlainTerms) {
        const std::uint32_t count = rows - done < kPlainTerms ? rows - done : kPlainTerms;
        Vector<T, V> sum[kWeightRows]{};
        for (std::uint32_t r = 0; r < count; r++, left += code.left_row, right += code.right_row) {
          const Vector<T, V> b = load<T, V>(right);
          BRAUER_UNROLL
          for (int k = 0; k < kWeightRows; k++) {
            const T a = first + std::uint32_t(k) < code.inner ? left[k] : T(0);
            BRAUER_UNROLL
            for (int v = 0; v < V; v++) sum[k].values[v] += a * b.values[v];
          }
        }
        BRAUER_UNROLL
        for (int k = 0; k < kWeightRows; k++) all[k].add(sum[k]);
      }
      if (!sums_items) write(item);
    }
    if (sums_items) write(0);
  }
}

template <class T>
BRAUER_CALLED void run_serial_weights(Step<T> step, const WeightsCode& code, bool sums_items, Team team) {
  if (sums_items && team.rank != 0) return;
  const std::uint32_t stride = sums_items ? 1 : team.size;
  for (std::uint32_t item = team.rank; item < step.items; item += stride) {
    const T* const left = items_of(step, code.left)[item];
    const T* const right = items_of(step, code.right)[item];
    T* const out = items_of(step, code.out)[item];
    const bool set = code.set && !sums_items;
    for (std::uint32_t k = 0; k < code.inner && set; k++)
      for (std::uint32_t j = 0; j < code.cols; j++) out[std::int64_t(k) * code.out_row + j] = 0;
    for (std::uint32_t r = 0; r < code.rows; r++)
      for (std::uint32_t k = 0; k < code.inner; k++)
        for (std::uint32_t j = 0; j < code.cols; j++)
          out[std::int64_t(k) * code.out_row + j] +=
              left[std::int64_t(r) * code.left_row + k] * right[std::int64_t(r) * code.right_row + j];
  }
}

template <class T>
BRAUER_DEVICE void run_weights(Step<T> step, const WeightsCode& code, bool sums_items, Team team) {
  constexpr int kVector = 16 / int(sizeof(T));
  if (code.serial)
    run_serial_weights(step, code, sums_items, team);
  else if (code.vector > 1)
    run_weights_blocks<T, kVector>(step, code, sums_items, team);
  else
    run_weights_blocks<T, 1>(step, code, sums_items, team);
}

}  // namespace brauer::cuda
