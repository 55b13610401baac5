// Products by a library that is opened at run time: what is refused, when it is left out, and that a row's bits do not
// tell where in a run it lay. The library is test/native/fake_blas.cpp.
#include "cpu/blas.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "check.h"
#include "cpu/arena.h"
#include "cpu/memory.h"

using namespace brauer;

namespace {

void set_mode(const char* mode) {
#if defined(_WIN32)
  _putenv_s("FAKE_BLAS", mode);
#else
  setenv("FAKE_BLAS", mode, 1);
#endif
}

std::unique_ptr<const BlasLibrary> open_fake() {
  std::string found;
  auto library = open_blas(FAKE_BLAS, found);
  CHECK_WITH(library, found);
  return library;
}

void refuses() {
  std::string found;
  CHECK(!open_blas("no-such-library.so.9", found));
  CHECK_WITH(found.rfind("'no-such-library.so.9', which does not open", 0) == 0, found);
  CHECK(!open_blas(FAKE_BLAS_WITHOUT_DGEMM, found));
  CHECK_WITH(found.find("which lacks cblas_dgemm") != std::string::npos, found);
  set_mode("wide");
  CHECK(!open_blas(FAKE_BLAS, found));
  CHECK_WITH(found.find("64 bits") != std::string::npos, found);
  set_mode("");
}

template <class T>
std::vector<T> numbers(std::size_t count, unsigned seed) {
  std::vector<T> values(count);
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = T(double(seed) / 4294967296.0 - 0.5);
  }
  return values;
}

template <class T>
struct Rows {
  Index inner, cols, rows, x_row, y_row;
  std::vector<T> x, y, b;

  Rows(Index k, Index n, Index m)
      : inner(k),
        cols(n),
        rows(m),
        x_row(k + 3),
        y_row(n + 2),
        x(numbers<T>(std::size_t(rows * x_row), 1)),
        y(numbers<T>(std::size_t(rows * y_row), 2)),
        b(numbers<T>(std::size_t(k * n), 3)) {}

  // All rows, in pieces that begin at the given ones.
  std::vector<T> multiply(const BlasPlan& plan, std::vector<Index> starts, bool set) const {
    std::vector<T> out = y;
    Arena arena;
    T* const room = reserve<T>(arena, double(plan.room()));
    starts.push_back(rows);
    for (std::size_t i = 0; i + 1 < starts.size(); i++)
      blas_rows<T>(plan, x.data() + starts[i] * x_row, x_row, b.data(), cols, out.data() + starts[i] * y_row, y_row,
                   starts[i + 1] - starts[i], set, room);
    return out;
  }

  double worst(const std::vector<T>& out, bool set) const {
    double most = 0;
    for (Index r = 0; r < rows; r++) {
      for (Index j = 0; j < y_row; j++) {
        const T old = y[std::size_t(r * y_row + j)], got = out[std::size_t(r * y_row + j)];
        double sum = set || j >= cols ? 0 : double(old);
        for (Index i = 0; i < inner && j < cols; i++)
          sum += double(x[std::size_t(r * x_row + i)]) * double(b[std::size_t(i * cols + j)]);
        if (j >= cols) sum = double(old);  // between the rows: untouched
        most = std::max(most, std::isnan(double(got)) ? 1 : std::abs(double(got) - sum));
      }
    }
    return most;
  }
};

// However rows are cut into pieces, they have the same bits, and the right values.
template <class T>
void cuts(const BlasLibrary& library, std::size_t sizes) {
  for (const auto& [inner, cols] : {std::pair<Index, Index>{7, 5}, {33, 16}, {3, 40}}) {
    BlasPlan plan;
    if (!CHECK(plan_blas_rows<T>(library, inner, cols, plan))) return;
    CHECK(plan.sizes[sizes - 1] > 0 && (sizes == 3 || plan.sizes[sizes] == 0));
    for (const Index rows : {1, 15, 16, 17, 250, 256, 700}) {
      const Rows<T> product(inner, cols, rows);
      for (const bool set : {true, false}) {
        const std::vector<T> whole = product.multiply(plan, {0}, set);
        CHECK(product.worst(whole, set) < (sizeof(T) == 4 ? 1e-5 : 1e-13));
        for (const Index cut : {1, 5, 16, 249, 300}) {
          if (cut >= rows) continue;
          const std::vector<T> parts = product.multiply(plan, {0, cut / 2, cut}, set);
          CHECK_WITH(std::memcmp(parts.data(), whole.data(), whole.size() * sizeof(T)) == 0,
                     std::to_string(inner) + " x " + std::to_string(cols) + ", rows " + std::to_string(rows) + " cut " +
                         std::to_string(cut));
        }
      }
    }
  }
}

// A library that would let bits tell where a row lay is left out; one that does so in small calls alone gets none.
void tries_shapes() {
  const auto library = open_fake();
  if (!library) return;
  CHECK_WITH(library->name == std::string(FAKE_BLAS) + " (FakeBLAS 1.2.3, none)", library->name);
  cuts<float>(*library, 3);
  cuts<double>(*library, 3);
  for (const char* mode : {"places", "alignment", "adding", "spoiled"}) {
    set_mode(mode);
    for (const auto& [inner, cols] : {std::pair<Index, Index>{7, 5}, {3, 1}, {64, 64}}) {
      BlasPlan plan;
      CHECK_WITH(!plan_blas_rows<float>(*library, inner, cols, plan), mode);
      CHECK_WITH(!plan_blas_rows<double>(*library, inner, cols, plan), mode);
    }
  }
  set_mode("sizes");
  cuts<float>(*library, 1);
  set_mode("");
}

// A program of one mix, [4, 3]·[3, 5] by default, with operands x, w and y of 100 elements.
struct OneMix {
  Mix mix{MixForm::forward, 0, 1, 2, 0, 0, 0, 3, 5, 5, 4, 3, 5, true};
  bool shared = true;
  Role role = Role::input;
  Index size = 100;

  bool uses_library() const {
    Program program{};
    program.buffers = {{Role::input, false, size, 0, -1, -1, 0},
                       {role, shared, size, 0, -1, -1, 0},
                       {Role::output, false, size, 0, -1, -1, 0}};
    program.instructions.push_back(mix);
    Compiled code = compile(std::move(program), 8, 1);
    plan_blas<float>(code);
    return code.ops[0].blas != nullptr;
  }
};

// Only what the interface can state, and what is the same for all items, goes to the library.
void chooses_products() {
  const auto uses = [](auto change) {
    OneMix one;
    change(one);
    return one.uses_library();
  };
  CHECK(uses([](OneMix&) {}));
  CHECK(uses([](OneMix& one) { one.mix.form = MixForm::input; }));
  CHECK(!uses([](OneMix& one) { one.mix.form = MixForm::weight; }));
  CHECK(!uses([](OneMix& one) { one.mix.lanes = 8; }));
  CHECK(!uses([](OneMix& one) { one.shared = false; }));
  CHECK(uses([](OneMix& one) { one.shared = false, one.role = Role::constant; }));
  CHECK(!uses([](OneMix& one) { one.mix.a_stride = 2; }));
  CHECK(!uses([](OneMix& one) { one.mix.b_stride = 4; }));
  CHECK(!uses([](OneMix& one) { one.mix.c_stride = 4; }));
  CHECK(!uses([](OneMix& one) { one.mix.c_stride = -5; }));
  // Strides of a single row, and of matrices that are transposed first, mean nothing.
  CHECK(uses([](OneMix& one) { one.mix.rows = 1, one.mix.a_stride = 0, one.mix.c_stride = -1; }));
  CHECK(uses([](OneMix& one) { one.mix.form = MixForm::input, one.mix.b_stride = 4; }));
  const auto huge = [](Index size) { return [size](OneMix& one) { one.size = size, one.mix.rows = 1; }; };
  CHECK(uses(huge(Index(1) << 30)));
  CHECK(!uses(huge(Index(1) << 31)));
  CHECK(!uses([](OneMix& one) { one.mix.inner = one.mix.a_stride = (1 << 20) / 5 + 1; }));
}

// Every thread of ours asks for one thread of the library, else the fake one spoils its results.
void runs_one_thread() {
  const auto library = open_fake();
  BlasPlan plan;
  if (!library || !CHECK(plan_blas_rows<float>(*library, 9, 9, plan))) return;
  const Rows<float> product(9, 9, 20);
  std::vector<float> out;
  std::thread([&] { out = product.multiply(plan, {0}, true); }).join();
  CHECK(product.worst(out, true) < 1e-5);
}

void measures() {
  double rate = 0;
  CHECK(measure_product(ProductKind::own, Dtype::f32, 64, 16, 16, rate).ok() && rate > 1e6 && rate < 1e15);
  CHECK(measure_product(ProductKind::own, Dtype::f64, 64, 16, 16, rate).ok() && rate > 1e6);
  CHECK(measure_product(ProductKind::blas, Dtype::f32, 64, 16, 16, rate).ok() && rate > 1e5);
  for (const Index inner : {Index(0), Index(1) << 31}) {
    const Status status = measure_product(ProductKind::own, Dtype::f32, 64, inner, 16, rate);
    CHECK_WITH(status.code == Code::invalid_argument, status.message);
  }
  set_mode("places");
  const Status status = measure_product(ProductKind::blas, Dtype::f32, 64, 17, 16, rate);
  CHECK_WITH(status.code == Code::invalid_argument && status.message.find("alike") != std::string::npos,
             status.message);
  set_mode("");
}

}  // namespace

int main() {
  // Read once, by the first test that chooses or measures.
#if defined(_WIN32)
  _putenv_s("BRAUER_BLAS", FAKE_BLAS);
#else
  setenv("BRAUER_BLAS", FAKE_BLAS, 1);
#endif
  refuses();
  tries_shapes();
  chooses_products();
  runs_one_thread();
  measures();
  return check::finish();
}
