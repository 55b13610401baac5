#pragma once

#include "cuda/kernels/step.h"

/* `mix`, forms forward and input, of float32 by the tensor cores
   out[r, j] (+)= Σ_k left[r, k] · right[k, j]
   tf32: both factors rounded to 11 bits, sums in float32. Split: each factor is the sum of two such numbers, of whose
   products the least is left out, so that the error is near that of float32 at a third of the speed.
   One warp per 16 rows by 64 columns, by products of 16 × 8 and 8 × 8. */
namespace brauer::cuda {

constexpr std::uint32_t kMmaRows = 16, kMmaColumns = 8, kMmaInner = 8, kMmaTiles = 8;

// d += a·b of factors that are not rounded yet.
template <bool kSplit>
BRAUER_DEVICE void multiply_tile(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
  float high_a[4], high_b[2];
  BRAUER_UNROLL
  for (int i = 0; i < 4; i++) high_a[i] = to_tf32(a[i]);
  BRAUER_UNROLL
  for (int i = 0; i < 2; i++) high_b[i] = to_tf32(b[i]);
  if constexpr (kSplit) {
    float low_a[4], low_b[2];
    BRAUER_UNROLL
    for (int i = 0; i < 4; i++) low_a[i] = to_tf32(a[i] - high_a[i]);
    BRAUER_UNROLL
    for (int i = 0; i < 2; i++) low_b[i] = to_tf32(b[i] - high_b[i]);
    mma_tf32(d, low_a, high_b);
    mma_tf32(d, high_a, low_b);
  }
  mma_tf32(d, high_a, high_b);
}

template <bool kSplit>
BRAUER_CALLED std::uint32_t run_product_mma(Step<float> step, const ProductCode& code, Team team) {
  const std::uint32_t rows = rows_of(step, code.lambda, code.rows) * step.items;
  const std::uint32_t total = (rows + kMmaRows - 1) / kMmaRows * code.per_tile.divisor;
  const Items<float> lefts = items_of(step, code.left), outs = items_of(step, code.out);
  const float* const right = items_of(step, code.right)[0];
  const std::uint32_t lane = team.rank % 32, group = lane / 4, in_group = lane % 4;
  const std::uint32_t inner = uniform(code.inner), cols = uniform(code.cols), end = uniform(total);
  for (std::uint32_t i = uniform(team.rank / 32), stride = uniform(team.size / 32); i < end; i += stride) {
    const std::uint32_t block = quotient(code.per_tile, i);
    const std::uint32_t first = (i - block * code.per_tile.divisor) * kMmaColumns * kMmaTiles;
    // This lane's two rows; those past the end repeat the last and are not stored.
    const float* left[2];
    BRAUER_UNROLL
    for (std::uint32_t half = 0; half < 2; half++) {
      const std::uint32_t row = block * kMmaRows + group + 8 * half;
      const Job at = job_of(row < rows ? row : rows - 1, code.per_item);
      left[half] = lefts[at.group] + std::int64_t(at.place) * code.left_row;
    }
    float sum[kMmaTiles][4] = {};
    for (std::uint32_t k = 0; k < inner; k += kMmaInner) {
      const std::uint32_t low = k + in_group, high = low + 4;
      const bool has_low = low < inner, has_high = high < inner;
      const float a[4] = {has_low ? left[0][low] : 0, has_low ? left[1][low] : 0, has_high ? left[0][high] : 0,
                          has_high ? left[1][high] : 0};
      BRAUER_UNROLL
      for (std::uint32_t tile = 0; tile < kMmaTiles; tile++) {
        if (first + tile * kMmaColumns >= cols) break;
        const std::uint32_t column = first + tile * kMmaColumns + group;
        const float* const at = right + std::int64_t(column) * code.right_j;
        const bool has = column < cols;
        const float b[2] = {has && has_low ? at[std::int64_t(low) * code.right_k] : 0,
                            has && has_high ? at[std::int64_t(high) * code.right_k] : 0};
        multiply_tile<kSplit>(sum[tile], a, b);
      }
    }
    BRAUER_UNROLL
    for (std::uint32_t half = 0; half < 2; half++) {
      const std::uint32_t row = block * kMmaRows + group + 8 * half;
      if (row >= rows) continue;
      const Job at = job_of(row, code.per_item);
      float* const out = outs[at.group] + std::int64_t(at.place) * code.out_row;
      BRAUER_UNROLL
      for (std::uint32_t tile = 0; tile < kMmaTiles; tile++) {
        BRAUER_UNROLL
        for (std::uint32_t each = 0; each < 2; each++) {
          const std::uint32_t column = first + tile * kMmaColumns + 2 * in_group + each;
          if (column < cols) out[column] = sum[tile][2 * half + each] + (code.set ? 0 : out[column]);
        }
      }
    }
  }
  return 32 * total;
}

}  // namespace brauer::cuda
