#include <algorithm>
#include <climits>
#include <cstdlib>
#include <map>
#include <mutex>
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
};

Choice read_choice() {
  Choice choice;
  const char* const text = std::getenv("BRAUER_BLAS");
  const std::string name = text && *text ? text : "auto";
  if (name == "auto") {
    choice.automatic = true;
    choice.reason = "BRAUER_BLAS=auto takes one only where a calibration found it faster";
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

const Choice& choice() {
  static const Choice* const read = new Choice(read_choice());
  return *read;
}

// The library for products of a shape, or null for our own kernels. A library that was asked for by name takes every
// shape. Auto would take those that a calibration found faster; it has none to read yet.
const BlasLibrary* use_blas([[maybe_unused]] Index inner, [[maybe_unused]] Index cols) {
  return choice().library.get();
}

// A plan for each shape that was tried; null where the library failed.
struct Plans {
  std::mutex mutex;
  std::map<std::tuple<bool, Index, Index>, std::unique_ptr<const BlasPlan>> tried;
};

Plans& plans() {
  static Plans* const all = new Plans;
  return *all;
}

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
    if (!choice().automatic) return choice().library.get();
    std::string unused;
    for (const char* name : kUsualNames)
      if (auto library = open_blas(name, unused)) return library.release();
    return nullptr;
  }();
  return found;
}

template <class T>
const BlasPlan* find_blas_plan(const BlasLibrary& library, Index inner, Index cols) {
  Plans& all = plans();
  std::lock_guard lock(all.mutex);
  const auto key = std::make_tuple(std::is_same_v<T, double>, inner, cols);
  if (const auto found = all.tried.find(key); found != all.tried.end()) return found->second.get();
  auto plan = std::make_unique<BlasPlan>();
  if (!plan_blas_rows<T>(library, inner, cols, *plan)) plan = nullptr;
  return all.tried.emplace(key, std::move(plan)).first->second.get();
}

template <class T>
void plan_blas(Compiled& code) {
  for (Op& op : code.ops) {
    const auto* const mix = std::get_if<Mix>(op.source);
    Rows rows{};
    if (!mix || !is_blas_product(code.program, *mix, rows)) continue;
    const BlasLibrary* const library = use_blas(rows.inner, rows.cols);
    if (!library) continue;
    op.blas = find_blas_plan<T>(*library, rows.inner, rows.cols);
    if (op.blas) code.own_weights = std::max(code.own_weights, std::size_t(op.blas->room()));
  }
}

BlasInfo blas_info() {
  const Choice& chosen = choice();
  BlasInfo info;
  info.library = chosen.library ? chosen.library->name : "";
  info.reason = chosen.reason;
  info.error = chosen.error;
  if (!chosen.library) return info;
  Plans& all = plans();
  std::lock_guard lock(all.mutex);
  for (const auto& [key, plan] : all.tried) {
    const auto& [wide, inner, cols] = key;
    info.products.push_back({wide ? Dtype::f64 : Dtype::f32, inner, cols, plan != nullptr});
  }
  return info;
}

template const BlasPlan* find_blas_plan<float>(const BlasLibrary&, Index, Index);
template const BlasPlan* find_blas_plan<double>(const BlasLibrary&, Index, Index);
template void plan_blas<float>(Compiled&);
template void plan_blas<double>(Compiled&);

}  // namespace brauer
