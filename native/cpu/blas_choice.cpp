#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <tuple>
#include <type_traits>

#include "cpu/blas.h"

namespace brauer {
namespace {

constexpr const char* kUsualNames[] = {
#if defined(_WIN32)
    "libopenblas.dll", "openblas.dll", "mkl_rt.3.dll", "mkl_rt.2.dll", "libblis.dll",
#elif defined(__APPLE__)
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
    "libopenblas.dylib",
    "libmkl_rt.2.dylib",
    "libblis.4.dylib",
#else
    "libopenblas.so.0", "libopenblas.so", "libmkl_rt.so.3", "libmkl_rt.so.2", "libblis.so.4", "libblas.so.3",
#endif
};

struct Choice {
  std::unique_ptr<const BlasLibrary> library;
  bool automatic = false;
  std::string reason, error;
  std::vector<BlasRange> faster;  // what an automatic one is for

  // The library for products of a shape, or null for our own kernels. One that was asked for by name takes every shape.
  const BlasLibrary* library_for(Dtype dtype, Index inner, Index cols) const {
    const auto holds = [&](const BlasRange& range) {
      return range.dtype == dtype && range.least_inner <= inner && inner <= range.most_inner &&
             range.least_cols <= cols && cols <= range.most_cols;
    };
    return !automatic || std::any_of(faster.begin(), faster.end(), holds) ? library.get() : nullptr;
  }
};

Choice read_environment() {
  Choice choice;
  const char* const text = std::getenv("BRAUER_BLAS");
  const std::string name = text && *text ? text : "auto";
  if (name == "auto") {
    choice.automatic = true;
    choice.reason = "BRAUER_BLAS=auto takes one where a calibration of this machine found it faster, and there is none";
  } else if (name == "off") {
    choice.reason = "BRAUER_BLAS=off";
  } else {
    std::string found;
    choice.library = open_blas(name, found);
    if (!choice.library)
      choice.error = "BRAUER_BLAS: expected auto, off or a library with cblas_sgemm and cblas_dgemm, received " + found;
    choice.reason = choice.library ? "asked for by BRAUER_BLAS" : choice.error;
  }
  return choice;
}

const Choice& environment() {
  static const Choice* const read = new Choice(read_environment());
  return *read;
}

// What auto chose; null before that.
std::atomic<const Choice*> automatic_choice = nullptr;

const Choice& current_choice() {
  const Choice* const automatic = automatic_choice.load(std::memory_order_acquire);
  return automatic ? *automatic : environment();
}

// The choice for a program to be loaded, and from now on for all others.
const Choice& settled_choice() {
  if (!environment().automatic) return environment();
  const Choice* before = nullptr;
  automatic_choice.compare_exchange_strong(before, &environment(), std::memory_order_acq_rel);
  return current_choice();
}

// A usual library, the first one or the one of a name; null, and what was found instead, where there is none.
std::unique_ptr<const BlasLibrary> open_usual(const std::string* wanted, std::string& found) {
  found = "none of that name";
  for (const char* name : kUsualNames) {
    if (wanted && *wanted != name && wanted->rfind(std::string(name) + " (", 0) != 0) continue;
    auto library = open_blas(name, found);
    if (!library) continue;
    if (!wanted || library->name == *wanted) return library;
    found = "'" + library->name + "'";
  }
  return nullptr;
}

Choice choose_automatically(const std::string& library, std::vector<BlasRange> faster) {
  Choice choice;
  choice.automatic = true;
  if (library.empty()) {
    choice.reason = environment().reason;
  } else if (faster.empty()) {
    choice.reason = "BRAUER_BLAS=auto, and a calibration found " + library + " faster for no product";
  } else {
    std::string found;
    choice.library = open_usual(&library, found);
    choice.reason = choice.library ? "BRAUER_BLAS=auto, where a calibration found it faster"
                                   : "BRAUER_BLAS=auto: a calibration expected '" + library + "', received " + found;
    if (choice.library) choice.faster = std::move(faster);
  }
  return choice;
}

bool is_range(const BlasRange& range) {
  return (range.dtype == Dtype::f32 || range.dtype == Dtype::f64) && 0 < range.least_inner &&
         range.least_inner <= range.most_inner && 0 < range.least_cols && range.least_cols <= range.most_cols;
}

// A plan for each shape that was tried; null where the library failed.
struct Plans {
  std::mutex mutex;
  std::map<std::tuple<const BlasLibrary*, Dtype, Index, Index>, std::unique_ptr<const BlasPlan>> tried;
};

Plans& plans() {
  static Plans* const all = new Plans;
  return *all;
}

template <class T>
constexpr Dtype kDtypeOf = std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32;

// A mix as rows that are multiplied by one matrix.
struct Rows {
  Index inner, cols, x_row, y_row, b_row;
};

// Whether the interface can state it: one matrix for all items, rows that do not overlap, sizes of 32 bits. What the
// answer depends on is the same for all runs, tiles and boxes of a program, as it must be.
bool is_blas_product(const Program& program, const Mix& mix, Rows& rows) {
  const Buffer& weights = program.buffers[mix.b];
  if (mix.form == MixForm::weight || mix.lanes > 1) return false;
  if (!weights.shared && weights.role != Role::constant) return false;
  const bool forward = mix.form == MixForm::forward;
  rows = forward ? Rows{mix.inner, mix.cols, mix.a_stride, mix.c_stride, mix.b_stride}
                 : Rows{mix.cols, mix.inner, mix.c_stride, mix.a_stride, mix.inner};
  // Rows of different items lie a whole item apart.
  if (mix.rows == 1)
    rows.x_row = program.buffers[forward ? mix.a : mix.c].size,
    rows.y_row = program.buffers[forward ? mix.c : mix.a].size;
  return rows.inner > 0 && rows.cols > 0 && rows.x_row >= rows.inner && rows.y_row >= rows.cols &&
         rows.b_row >= rows.cols && rows.inner <= kMostBlasElements / rows.cols &&
         std::max({rows.x_row, rows.y_row, rows.b_row}) <= INT_MAX;
}

}  // namespace

const BlasLibrary* installed_blas() {
  static const BlasLibrary* const found = []() -> const BlasLibrary* {
    if (!environment().automatic) return environment().library.get();
    std::string unused;
    return open_usual(nullptr, unused).release();
  }();
  return found;
}

template <class T>
const BlasPlan* find_blas_plan(const BlasLibrary& library, Index inner, Index cols) {
  Plans& all = plans();
  std::lock_guard lock(all.mutex);
  const auto key = std::make_tuple(&library, kDtypeOf<T>, inner, cols);
  if (const auto found = all.tried.find(key); found != all.tried.end()) return found->second.get();
  auto plan = std::make_unique<BlasPlan>();
  if (!plan_blas_rows<T>(library, inner, cols, *plan)) plan = nullptr;
  return all.tried.emplace(key, std::move(plan)).first->second.get();
}

template <class T>
void plan_blas(Compiled& code) {
  const Choice& choice = settled_choice();
  for (Op& op : code.ops) {
    const auto* const mix = std::get_if<Mix>(op.source);
    Rows rows{};
    if (!mix || !is_blas_product(code.program, *mix, rows)) continue;
    const BlasLibrary* const library = choice.library_for(kDtypeOf<T>, rows.inner, rows.cols);
    if (!library) continue;
    op.blas = find_blas_plan<T>(*library, rows.inner, rows.cols);
    if (op.blas) code.own_weights = std::max(code.own_weights, std::size_t(op.blas->room()));
  }
}

BlasInfo blas_info() {
  const Choice& choice = current_choice();
  BlasInfo info;
  info.library = choice.library ? choice.library->name : "";
  info.reason = choice.reason;
  info.error = choice.error;
  info.faster = choice.faster;
  if (!choice.library) return info;
  Plans& all = plans();
  std::lock_guard lock(all.mutex);
  for (const auto& [key, plan] : all.tried) {
    const auto& [library, dtype, inner, cols] = key;
    if (library == choice.library.get()) info.products.push_back({dtype, inner, cols, plan != nullptr});
  }
  return info;
}

Status use_blas(const std::string& library, std::vector<BlasRange> faster) noexcept {
  try {
    if (!std::all_of(faster.begin(), faster.end(), is_range))
      return Status::error(Code::invalid_argument,
                           "useBlas: ranges: expected the least and the most of each size, received others");
    if (!environment().automatic || automatic_choice.load(std::memory_order_acquire)) return {};
    auto choice = std::make_unique<const Choice>(choose_automatically(library, std::move(faster)));
    const Choice* before = nullptr;
    if (automatic_choice.compare_exchange_strong(before, choice.get(), std::memory_order_acq_rel))
      static_cast<void>(choice.release());
    return {};
  } catch (const std::bad_alloc&) {
    return Status::error(Code::out_of_memory, "useBlas: expected memory for a choice, received none");
  } catch (...) {
    return Status::error(Code::internal, "useBlas: unexpected failure");
  }
}

std::string installed_blas_name() {
  const BlasLibrary* const library = installed_blas();
  return library ? library->name : "";
}

template const BlasPlan* find_blas_plan<float>(const BlasLibrary&, Index, Index);
template const BlasPlan* find_blas_plan<double>(const BlasLibrary&, Index, Index);
template void plan_blas<float>(Compiled&);
template void plan_blas<double>(Compiled&);

}  // namespace brauer
