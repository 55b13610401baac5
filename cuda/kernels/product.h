#pragma once

#include <type_traits>

#include "cuda/kernels/product_mma.h"
#include "cuda/kernels/product_shape.h"
#include "cuda/kernels/step.h"

/* `mix`
   forward, input   out[r, j] (+)= Σ_k left[r, k] · right[k, j]     rows of all items are one list
   weight           out[k, j] (+)= Σ_r left[r, k] · right[r, j]     for each item, or over all of them
   One worker per few rows and one or two vectors of columns. */
namespace brauer::cuda {

constexpr std::uintptr_t kMostShared = 1 << 18;  // more than a block has

// Columns of one row of `right`, `right_j` apart.
template <class T, int V>
BRAUER_DEVICE Vector<T, V> load_columns(const T* right, std::int32_t right_j) {
  if constexpr (V == 1) return load<T, V>(right);
  if (right_j == 1) return load<T, V>(right);
  Vector<T, V> result;
  BRAUER_UNROLL
  for (int v = 0; v < V; v++) result.values[v] = right[std::int64_t(v) * right_j];
  return result;
}

// The rows of all items as one list: where a row lies, and those after it without a division.
template <class T>
struct RowWalk {
  T* at;
  std::uint32_t row, rows;    // within its item
  std::int64_t step, across;  // from row to row, and what else from the last one to the next item
  BRAUER_DEVICE RowWalk(const Items<T>& items, const Job& first, std::uint32_t in_item, std::int32_t stride)
      : at(items[first.group] + std::int64_t(first.place) * stride),
        row(first.place),
        rows(in_item),
        step(stride),
        across(items.step - std::int64_t(in_item) * stride) {}
  BRAUER_DEVICE void next() {
    row++, at += step;
    if (row == rows) row = 0, at += across;
  }
};

// Where one of a worker's factors is read. In shared memory places have 32 bits and loads of their own.
template <class T, bool kShared>
class Reader {
 public:
  Reader() = default;
  BRAUER_DEVICE explicit Reader(const T* at) {
    if constexpr (kShared)
      at_ = std::uint32_t(reinterpret_cast<std::uintptr_t>(at) - reinterpret_cast<std::uintptr_t>(shared_memory()));
    else
      at_ = at;
  }
  BRAUER_DEVICE const T* get() const {
    if constexpr (kShared)
      return reinterpret_cast<const T*>(shared_memory() + at_);
    else
      return at_;
  }
  BRAUER_DEVICE void move(std::int32_t elements) {
    if constexpr (kShared)
      at_ += std::uint32_t(elements) * std::uint32_t(sizeof(T));
    else
      at_ += elements;
  }

 private:
  std::conditional_t<kShared, std::uint32_t, const T*> at_;
};

BRAUER_DEVICE bool is_shared(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at) - reinterpret_cast<std::uintptr_t>(shared_memory()) < kMostShared;
}

// How many rows and vectors of columns a worker takes, whether rows of left are read by vectors, and where both lie.
// With two vectors those of right lie side by side in memory: a branch for others would cost every load.
template <int R, int W, bool kVectors, bool kLeft, bool kRight>
struct ProductKind {
  static constexpr int rows = R, vectors = W;
  static constexpr bool by_vectors = kVectors, left = kLeft, right = kRight;
};

// Two vectors of columns lie half a row apart, so that those of neighbouring lanes lie side by side; where there is an
// odd number of them the last worker of a row has one, twice.
template <class T, int V, class Kind>
BRAUER_CALLED std::uint32_t run_product_rows(Step<T> step, const ProductCode& code, Team team) {
  constexpr int R = Kind::rows, W = Kind::vectors, K = 16 / int(sizeof(T));
  const std::uint32_t in_item = rows_of(step, code.lambda, code.rows), rows = in_item * step.items;
  const std::uint32_t total = (rows + R - 1) / R * code.col_blocks;
  for (std::uint32_t i = team.rank; i < total; i += team.size) {
    // Here, and not before the loop, so that they do not take registers meanwhile.
    const Items<T> lefts = items_of(step, code.left), rights = items_of(step, code.right);
    const std::uint32_t block = quotient(code.per_row, i), first = block * R;
    const std::int32_t col = std::int32_t(i - block * code.col_blocks) * V;
    const std::int32_t half = std::int32_t(code.col_blocks) * V;
    const bool is_whole = W == 1 || col + half < std::int32_t(code.cols);
    const Job at = job_of(first, code.per_item);
    Reader<T, Kind::right> right[W];
    right[0] = Reader<T, Kind::right>(W > 1 ? rights.base + col : rights[at.group] + std::int64_t(col) * code.right_j);
    if constexpr (W > 1) right[1] = right[0], right[1].move(is_whole ? half : 0);
    Reader<T, Kind::left> left[R];
    RowWalk<T> from(lefts, at, in_item, code.left_row);
    BRAUER_UNROLL
    for (int r = 0; r < R; r++) {
      left[r] = Reader<T, Kind::left>(from.at);
      if (first + std::uint32_t(r) + 1 < rows) from.next();  // those past the end repeat the last
    }
    Vector<T, V> sum[R][W]{};
    // One value of the inner index: `a` of left, for each row.
    const auto add = [&](const auto& a) {
      BRAUER_UNROLL
      for (int w = 0; w < W; w++) {
        const Vector<T, V> b = W > 1 ? load<T, V>(right[w].get()) : load_columns<T, V>(right[w].get(), code.right_j);
        right[w].move(code.right_k);
        BRAUER_UNROLL
        for (int r = 0; r < R; r++) {
          BRAUER_UNROLL
          for (int v = 0; v < V; v++) sum[r][w].values[v] += a(r) * b.values[v];
        }
      }
    };
    const std::int32_t inner = std::int32_t(code.inner), whole = Kind::by_vectors ? inner : inner / K * K;
    for (std::int32_t k = 0; k < whole; k += K) {
      Vector<T, K> a[R];
      BRAUER_UNROLL
      for (int r = 0; r < R; r++) {
        if constexpr (Kind::by_vectors) {
          a[r] = load<T, K>(left[r].get());
        } else {
          BRAUER_UNROLL
          for (int each = 0; each < K; each++) a[r].values[each] = left[r].get()[each];
        }
        left[r].move(K);
      }
      BRAUER_UNROLL
      for (int each = 0; each < K; each++) add([&](int r) { return a[r].values[each]; });
    }
    if constexpr (!Kind::by_vectors) {
      for (std::int32_t k = whole; k < inner; k++) {
        T a[R];
        BRAUER_UNROLL
        for (int r = 0; r < R; r++) a[r] = *left[r].get(), left[r].move(1);
        add([&](int r) { return a[r]; });
      }
    }
    RowWalk<T> to(items_of(step, code.out), at, in_item, code.out_row);
    BRAUER_UNROLL
    for (int r = 0; r < R; r++) {
      if (first + std::uint32_t(r) >= rows) break;
      BRAUER_UNROLL
      for (int w = 0; w < W; w++)
        if (w == 0 || is_whole) put<T, V>(to.at + col + w * half, sum[r][w], code.set != 0);
      to.next();
    }
  }
  return total;
}

// Rows that overlap: one worker per item adds one after the other, as the definition does.
template <class T>
BRAUER_CALLED std::uint32_t run_serial_product(Step<T> step, const ProductCode& code, Team team) {
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
  return step.items;
}

template <class T, Space kSpace>
BRAUER_DEVICE std::uint32_t run_product(Step<T> step, const ProductCode& code, Team team) {
  constexpr int kVector = 16 / int(sizeof(T));
  using Single = ProductKind<1, 1, false, false, false>;
  using Rows = ProductKind<kProductRows, 1, false, false, false>;
  if constexpr (kSpace != Space::box)
    if (code.serial) return run_serial_product(step, code, team);
  if constexpr (sizeof(T) == 4) {
    if (step.precision == Precision::tf32 && !code.own) return run_product_mma<false>(step, code, team);
    if (step.precision == Precision::split && !code.own) return run_product_mma<true>(step, code, team);
  }
  // The faster ways are of float32 alone: each takes a twentieth of the binary.
  if constexpr (sizeof(T) == 4)
    if (code.own && code.vector > 1) return run_product_rows<T, kVector, Single>(step, code, team);
  if (code.own) return run_product_rows<T, 1, Single>(step, code, team);
  if constexpr (sizeof(T) == 4) {
    if (code.pairs) {
      // The weights of a box lie in memory; where those of an arena do, its items often do too.
      const bool left = kSpace != Space::memory && is_shared(items_of(step, code.left)[0]);
      const bool right = kSpace == Space::arena && is_shared(items_of(step, code.right)[0]);
      if constexpr (kSpace == Space::arena)
        if (left && right && code.left_vector)
          return run_product_rows<T, kVector, ProductKind<kPairRows, 2, true, true, true>>(step, code, team);
      if constexpr (kSpace != Space::memory)
        if (left && code.left_vector)
          return run_product_rows<T, kVector, ProductKind<kPairRows, 2, true, true, false>>(step, code, team);
      if constexpr (kSpace != Space::memory)
        if (left) return run_product_rows<T, kVector, ProductKind<kPairRows, 2, false, true, false>>(step, code, team);
      if (code.left_vector)
        return run_product_rows<T, kVector, ProductKind<kPairRows, 2, true, false, false>>(step, code, team);
      return run_product_rows<T, kVector, ProductKind<kPairRows, 2, false, false, false>>(step, code, team);
    }
  }
  if constexpr (sizeof(T) == 4)
    if (code.vector > 1 && code.left_vector)
      return run_product_rows<T, kVector, ProductKind<kProductRows, 1, true, false, false>>(step, code, team);
  return code.vector > 1 ? run_product_rows<T, kVector, Rows>(step, code, team)
                         : run_product_rows<T, 1, Rows>(step, code, team);
}

template <class T, int V>
BRAUER_CALLED std::uint32_t run_weights_blocks(Step<T> step, const WeightsCode& code, bool sums_items, Team team) {
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
  return code.work * team.groups;
}

template <class T>
BRAUER_CALLED std::uint32_t run_serial_weights(Step<T> step, const WeightsCode& code, bool sums_items, Team team) {
  if (sums_items && team.rank != 0) return 1;
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
  return sums_items ? 1 : step.items;
}

template <class T>
BRAUER_DEVICE std::uint32_t run_weights(Step<T> step, const WeightsCode& code, bool sums_items, Team team) {
  constexpr int kVector = 16 / int(sizeof(T));
  if (code.serial) return run_serial_weights(step, code, sums_items, team);
  if (code.vector > 1) return run_weights_blocks<T, kVector>(step, code, sums_items, team);
  return run_weights_blocks<T, 1>(step, code, sums_items, team);
}

}  // namespace brauer::cuda
