#include "cpu/blas.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace brauer {
namespace {

constexpr int kRowMajor = 101, kNoTranspose = 111;
// The first for speed: a library copies the matrix in every call. The others for ends, where they pass.
constexpr std::array<Index, 3> kSizes = {256, 64, 16};

// Our threads are the parallel ones; each asks the library for one before its first product.
void ask_for_one_thread(const BlasLibrary& library) {
  static thread_local const BlasLibrary* asked = nullptr;
  if (asked == &library) return;
  if (library.set_threads) library.set_threads(1);
  if (library.set_blis_threads) library.set_blis_threads(1);
  asked = &library;
}

template <class T>
void call(const BlasPlan& plan, Index rows, const T* x, Index x_row, const T* b, Index b_row, T* y, Index y_row,
          bool set) {
  const T beta = set ? T(0) : T(1);
  const auto run = [&](auto* gemm) {
    gemm(kRowMajor, kNoTranspose, kNoTranspose, int(rows), int(plan.cols), int(plan.inner), T(1), x, int(x_row), b,
         int(b_row), beta, y, int(y_row));
  };
  if constexpr (std::is_same_v<T, double>)
    run(plan.library->dgemm);
  else
    run(plan.library->sgemm);
}

// The operands of a trial, and the bits that it wants.
template <class T>
class Trial {
 public:
  Trial(const BlasPlan& plan, std::uint64_t seed) : plan_(plan), state_(seed) {
    const auto size = [](Index elements) { return std::size_t(elements + kSlack); };
    fill(row_, std::size_t(plan.inner));
    fill(old_, std::size_t(plan.cols));
    fill(b_, size(plan.inner * plan.cols));
    moved_.resize(b_.size() + std::size_t(kSlack));
    x_.resize(size(kSizes[0] * (plan.inner + kMostPad)));
    y_.resize(size(kSizes[0] * (plan.cols + kMostPad)));
  }

  // Whether all rows of calls of so many have the bits of the first row that was ever computed, which must be right.
  bool passes(Index rows) {
    for (const bool set : {true, false})
      for (const Index offset : {0, 1, 3, 8})
        if (!passes(rows, offset, set)) return false;
    return true;
  }

 private:
  static constexpr Index kMostPad = 8, kSlack = 64;  // elements

  bool passes(Index rows, Index offset, bool set) {
    const Index x_row = plan_.inner + offset, y_row = plan_.cols + (offset + 1) / 2;
    T* const x = aligned(x_) + offset;
    T* const y = aligned(y_) + (5 * offset) % 16;
    T* const b = aligned(moved_) + (3 * offset) % 16;
    std::copy_n(b_.begin(), plan_.inner * plan_.cols, b);
    for (Index r = 0; r < rows; r++) {
      std::copy(row_.begin(), row_.end(), x + r * x_row);
      std::copy(old_.begin(), old_.end(), y + r * y_row);
    }
    call(plan_, rows, x, x_row, static_cast<const T*>(b), plan_.cols, y, y_row, set);
    std::vector<T>& wanted = set ? wanted_ : wanted_sum_;
    if (wanted.empty()) {
      wanted.assign(y, y + plan_.cols);
      if (!is_right(wanted, set)) return false;
    }
    for (Index r = 0; r < rows; r++)
      if (std::memcmp(y + r * y_row, wanted.data(), wanted.size() * sizeof(T)) != 0) return false;
    return true;
  }

  // A library with another interface than it seems to have gives something else altogether.
  bool is_right(const std::vector<T>& y, bool set) const {
    for (std::size_t j = 0; j < y.size(); j++) {
      double sum = set ? 0 : double(old_[j]), size = std::abs(sum);
      for (std::size_t i = 0; i < row_.size(); i++) {
        const double product = double(row_[i]) * double(b_[i * y.size() + j]);
        sum += product, size += std::abs(product);
      }
      const double allowed = double(row_.size() + 2) * double(std::numeric_limits<T>::epsilon()) * size;
      if (!(std::abs(double(y[j]) - sum) <= allowed)) return false;
    }
    return true;
  }

  static T* aligned(std::vector<T>& data) {
    const auto address = reinterpret_cast<std::uintptr_t>(data.data());
    return data.data() + Index((64 - address % 64) % 64) / Index(sizeof(T));
  }

  // Numbers of both signs and many sizes, so that sums in different orders round differently.
  void fill(std::vector<T>& data, std::size_t count) {
    data.resize(count);
    for (T& value : data) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      value = T(double(std::int64_t(state_) >> 11) / double(std::int64_t(1) << 52));
      value *= T(1 + (state_ >> 3) % 7);
    }
  }

  const BlasPlan& plan_;
  std::uint64_t state_;
  std::vector<T> row_, old_, b_, moved_, x_, y_, wanted_, wanted_sum_;
};

}  // namespace

template <class T>
bool plan_blas_rows(const BlasLibrary& library, Index inner, Index cols, BlasPlan& plan) {
  // Enough columns in all for chance to play no part.
  constexpr Index kNumbers = 128;
  plan = {&library, inner, cols, {}};
  ask_for_one_thread(library);
  std::array<bool, kSizes.size()> good;
  good.fill(true);
  for (Index seen = 0; seen < kNumbers && good[0]; seen += cols) {
    Trial<T> trial(plan, std::uint64_t(seen + 1));
    for (std::size_t i = 0; i < kSizes.size() && good[0]; i++) good[i] = good[i] && trial.passes(kSizes[i]);
  }
  if (!good[0]) return false;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kSizes.size(); i++)
    if (good[i]) plan.sizes[count++] = kSizes[i];
  return true;
}

template <class T>
void blas_rows(const BlasPlan& plan, const T* x, Index x_row, const T* b, Index b_row, T* y, Index y_row, Index rows,
               bool set, T* room) {
  ask_for_one_thread(*plan.library);
  Index size = plan.sizes[0];
  for (const Index each : plan.sizes) {
    if (each == 0) break;
    size = each;
    for (; rows >= size; rows -= size, x += size * x_row, y += size * y_row)
      call(plan, size, x, x_row, b, b_row, y, y_row, set);
  }
  if (rows == 0) return;
  // Zeros for the rows that the last call lacks.
  T *const from = room, *const to = room + size * plan.inner;
  for (Index r = 0; r < rows; r++) {
    std::copy_n(x + r * x_row, plan.inner, from + r * plan.inner);
    if (!set) std::copy_n(y + r * y_row, plan.cols, to + r * plan.cols);
  }
  std::fill_n(from + rows * plan.inner, (size - rows) * plan.inner, T(0));
  if (!set) std::fill_n(to + rows * plan.cols, (size - rows) * plan.cols, T(0));
  call(plan, size, static_cast<const T*>(from), plan.inner, b, b_row, to, plan.cols, set);
  for (Index r = 0; r < rows; r++) std::copy_n(to + r * plan.cols, plan.cols, y + r * y_row);
}

template bool plan_blas_rows<float>(const BlasLibrary&, Index, Index, BlasPlan&);
template bool plan_blas_rows<double>(const BlasLibrary&, Index, Index, BlasPlan&);
template void blas_rows(const BlasPlan&, const float*, Index, const float*, Index, float*, Index, Index, bool, float*);
template void blas_rows(const BlasPlan&, const double*, Index, const double*, Index, double*, Index, Index, bool,
                        double*);

}  // namespace brauer
