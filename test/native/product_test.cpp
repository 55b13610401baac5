// Products by every instruction set: right, and row by row the same bits as each row alone.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/tile.h"

using namespace brauer;

namespace {

struct Sizes {
  Index rows, inner, cols;
};

// One column and few; tiles of registers with all kinds of edges; several blocks of the inner index, and of the rows.
constexpr Sizes kSizes[] = {{1, 64, 1},    {17, 1, 1},     {16, 33, 1},   {50, 300, 1}, {9, 16, 2},
                            {33, 70, 3},   {40, 64, 4},    {7, 5, 5},     {61, 40, 31}, {50, 257, 48},
                            {3, 600, 130}, {600, 300, 33}, {1100, 520, 5}};

template <class T>
struct Operands {
  Index a_row, a_inner, b_row, c_row;
  std::vector<T> a, b, c;

  // Rows have gaps, which hold NaN in operands; `across`: A is the transpose of what lies in memory.
  Operands(const Sizes& s, bool across)
      : a_row(across ? 1 : s.inner + 3),
        a_inner(across ? s.rows + 3 : 1),
        b_row(s.cols + 2),
        c_row(s.cols == 1 && s.rows % 2 == 0 ? 1 : s.cols + 1) {
    const T gap = std::numeric_limits<T>::quiet_NaN();
    a.assign(std::size_t(across ? a_inner * s.inner : a_row * s.rows), gap);
    b.assign(std::size_t(b_row * s.inner), gap);
    c.assign(std::size_t(c_row * s.rows), T(0.5));
    for (Index i = 0; i < s.rows; i++)
      for (Index k = 0; k < s.inner; k++) a[std::size_t(i * a_row + k * a_inner)] = T(std::sin(double(31 * i + k)));
    for (Index k = 0; k < s.inner; k++)
      for (Index j = 0; j < s.cols; j++) b[std::size_t(k * b_row + j)] = T(std::cos(double(k + 7 * j)));
  }

  void multiply(const Kernels<T>& kernels, const Sizes& s, Index first, Index count, bool set) {
    kernels.gemm({a.data() + first * a_row, b.data(), c.data() + first * c_row, count, s.inner, s.cols, a_row, a_inner,
                  b_row, c_row, set, nullptr});
  }
};

template <class T>
void product(const KernelTable& table, const Sizes& s, bool across, bool set) {
  const Kernels<T>& kernels = kernels_of<T>(table);
  Operands<T> whole(s, across), single(s, across);
  whole.multiply(kernels, s, 0, s.rows, set);
  const std::string label = std::string(table.name) + (sizeof(T) == 8 ? " f64 " : " f32 ") + std::to_string(s.rows) +
                            "x" + std::to_string(s.inner) + "x" + std::to_string(s.cols) + (across ? " across" : "");
  // What rounding every partial sum can do, here and in the sum beside it, is no error.
  double error = 0;
  const double unit = double(s.inner + 1) * double(std::numeric_limits<T>::epsilon());
  for (Index i = 0; i < s.rows; i++)
    for (Index j = 0; j < s.cols; j++) {
      double sum = set ? 0 : 0.5, size = sum;
      for (Index k = 0; k < s.inner; k++) {
        const double term = double(whole.a[std::size_t(i * whole.a_row + k * whole.a_inner)]) *
                            double(whole.b[std::size_t(k * whole.b_row + j)]);
        sum += term, size += std::fabs(term);
      }
      const double off = std::fabs(sum - double(whole.c[std::size_t(i * whole.c_row + j)]));
      error = off <= unit * size ? error : std::fmax(error, off / (unit * size));
      if (j + 1 == s.cols && whole.c_row > s.cols)
        CHECK_WITH(whole.c[std::size_t(i * whole.c_row + s.cols)] == T(0.5), label + " wrote past a row");
    }
  CHECK_WITH(error == 0, label + " error " + std::to_string(error));
  for (Index i = 0; i < s.rows; i++) single.multiply(kernels, s, i, 1, set);
  CHECK_WITH(std::memcmp(whole.c.data(), single.c.data(), whole.c.size() * sizeof(T)) == 0, label + " row by row");
}

}  // namespace

int main() {
  for (const Implementation& each : implementations()) {
    if (!each.available) continue;
    for (const Sizes& sizes : kSizes)
      for (bool across : {false, true})
        for (bool set : {false, true}) {
          product<float>(*each.table, sizes, across, set);
          product<double>(*each.table, sizes, across, set);
        }
  }
  return check::finish();
}
