#include <algorithm>
#include <chrono>
#include <new>

#include "cpu/arena.h"
#include "cpu/blas.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"

namespace brauer {
namespace {

constexpr double kSeconds = 0.1, kSampleSeconds = 1e-4;
constexpr int kLeastSamples = 5;
constexpr Index kMostOperands = Index(1) << 31;

Status refused(const std::string& expected, const std::string& received) {
  return Status::error(Code::invalid_argument, "productRate: expected " + expected + ", received " + received);
}

// The most passes in a second, over samples long enough for the clock.
template <class F>
double best_rate(const F& pass) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); };
  const Clock::time_point start = Clock::now();
  pass();
  const int passes = int(std::clamp(kSampleSeconds / std::max(since(start), 1e-9), 1.0, 1e6));
  double best = 0;
  for (int samples = 0; samples < kLeastSamples || since(start) < kSeconds; samples++) {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < passes; i++) pass();
    best = std::max(best, passes / since(begin));
  }
  return best;
}

template <class T>
Status measure(ProductKind kind, Index rows, Index inner, Index cols, double& rate) {
  std::string error;
  const KernelTable* const table = choose_implementation(error);
  if (!table) return Status::error(Code::invalid_argument, error);
  const BlasPlan* plan = nullptr;
  if (kind == ProductKind::blas) {
    const BlasLibrary* const library = installed_blas();
    if (!library) return refused("an installed BLAS", "none");
    plan = find_blas_plan<T>(*library, inner, cols);
    if (!plan)
      return refused(
          "a library that computes every row of " + std::to_string(inner) + " x " + std::to_string(cols) + " alike",
          library->name);
  }
  Arena memory, room;
  T* const x = reserve<T>(memory, double(rows) * double(inner + cols) + double(inner) * double(cols));
  T* const y = x + rows * inner;
  T* const b = y + rows * cols;
  T* const work = plan ? reserve<T>(room, double(plan->room())) : nullptr;
  for (Index i = 0; i < rows * inner; i++) x[i] = T(i % 13) - T(6);
  for (Index i = 0; i < inner * cols; i++) b[i] = T(i % 7) - T(3);
  rate = 2.0 * double(rows) * double(inner) * double(cols) * best_rate([&] {
           if (plan)
             blas_rows<T>(*plan, x, inner, b, cols, y, cols, rows, true, work);
           else
             kernels_of<T>(*table).gemm({x, b, y, rows, inner, cols, inner, 1, cols, cols, true, nullptr});
         });
  return {};
}

}  // namespace

Status measure_product(ProductKind kind, Dtype dtype, std::int64_t rows, std::int64_t inner, std::int64_t cols,
                       double& rate) noexcept {
  try {
    if (rows < 1 || inner < 1 || cols < 1 || inner > kMostBlasElements / cols || rows > kMostOperands / (inner + cols))
      return refused("sizes of at least 1, at most 2^20 elements of the matrix and 2^31 of the rows",
                     std::to_string(rows) + " x " + std::to_string(inner) + " x " + std::to_string(cols));
    return dtype == Dtype::f64 ? measure<double>(kind, rows, inner, cols, rate)
                               : measure<float>(kind, rows, inner, cols, rate);
  } catch (const std::bad_alloc&) {
    return Status::error(Code::out_of_memory, "productRate: expected memory for its operands, received none");
  } catch (...) {
    return Status::error(Code::internal, "productRate: unexpected failure");
  }
}

}  // namespace brauer
