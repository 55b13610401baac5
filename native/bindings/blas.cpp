#include "core/blas.h"

#include <cmath>
#include <utility>

#include "bindings/blas.h"
#include "bindings/convert.h"

namespace brauer::bindings {
namespace {

void set(napi_env env, napi_value object, const char* name, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

void set(napi_env env, napi_value object, const char* name, Dtype dtype) {
  napi_set_named_property(env, object, name, to_js(env, dtype == Dtype::f64 ? "float64" : "float32"));
}

void set(napi_env env, napi_value object, const char* name, std::int64_t least, std::int64_t most) {
  napi_value pair = nullptr, ends[2] = {};
  napi_create_array_with_length(env, 2, &pair);
  napi_create_int64(env, least, &ends[0]);
  napi_create_int64(env, most, &ends[1]);
  for (std::uint32_t i = 0; i < 2; i++) napi_set_element(env, pair, i, ends[i]);
  napi_set_named_property(env, object, name, pair);
}

napi_value to_js(napi_env env, const BlasRange& range) {
  napi_value object = nullptr;
  napi_create_object(env, &object);
  set(env, object, "dtype", range.dtype);
  set(env, object, "inner", range.least_inner, range.most_inner);
  set(env, object, "cols", range.least_cols, range.most_cols);
  return object;
}

napi_value to_js(napi_env env, const BlasProduct& product) {
  napi_value object = nullptr, used = nullptr;
  napi_create_object(env, &object);
  set(env, object, "dtype", product.dtype);
  set(env, object, "inner", static_cast<double>(product.inner));
  set(env, object, "cols", static_cast<double>(product.cols));
  napi_get_boolean(env, product.used, &used);
  napi_set_named_property(env, object, "used", used);
  return object;
}

template <class T>
napi_value to_array(napi_env env, const std::vector<T>& values) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, values.size(), &array);
  for (std::uint32_t i = 0; i < values.size(); i++) napi_set_element(env, array, i, to_js(env, values[i]));
  return array;
}

constexpr std::int64_t kMost = std::int64_t(1) << 31;

// Five integers each, as `useBlas` takes them.
Status to_ranges(napi_env env, napi_value value, std::vector<BlasRange>& ranges) {
  const double* numbers = nullptr;
  std::size_t count = 0;
  Status status = to_numbers(env, value, "useBlas: ranges", numbers, count);
  if (!status.ok()) return status;
  const auto is_integer = [](double number, std::int64_t most) {
    return number >= 0 && number <= static_cast<double>(most) && number == std::floor(number);
  };
  bool good = count % 5 == 0;
  for (std::size_t i = 0; good && i < count; i++) good = is_integer(numbers[i], i % 5 == 0 ? 1 : kMost);
  if (!good)
    return Status::error(Code::invalid_argument,
                         "useBlas: ranges: expected five integers for each, a dtype and four sizes, received others");
  for (std::size_t i = 0; i < count; i += 5) {
    const auto at = [&](std::size_t k) { return static_cast<std::int64_t>(numbers[i + k]); };
    ranges.push_back({static_cast<Dtype>(at(0)), at(1), at(2), at(3), at(4)});
  }
  return {};
}

}  // namespace

napi_value blas_object(napi_env env) {
  const BlasInfo info = blas_info();
  napi_value object = nullptr;
  napi_create_object(env, &object);
  if (!info.library.empty()) napi_set_named_property(env, object, "library", to_js(env, info.library.c_str()));
  napi_set_named_property(env, object, "reason", to_js(env, info.reason.c_str()));
  if (!info.faster.empty()) napi_set_named_property(env, object, "faster", to_array(env, info.faster));
  napi_set_named_property(env, object, "products", to_array(env, info.products));
  return object;
}

napi_value product_rate(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 5;
    napi_value arguments[5] = {}, result = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
    std::int64_t kind = 0, dtype = 0, rows = 0, inner = 0, cols = 0;
    double rate = 0;
    Status status = to_integer(env, arguments[0], "productRate: kind", 1, kind);
    if (status.ok()) status = to_integer(env, arguments[1], "productRate: dtype", 3, dtype);
    if (status.ok()) status = to_integer(env, arguments[2], "productRate: rows", kMost, rows);
    if (status.ok()) status = to_integer(env, arguments[3], "productRate: inner", kMost, inner);
    if (status.ok()) status = to_integer(env, arguments[4], "productRate: cols", kMost, cols);
    if (status.ok())
      status = measure_product(kind == 0 ? ProductKind::own : ProductKind::blas, static_cast<Dtype>(dtype), rows, inner,
                               cols, rate);
    if (!status.ok()) return to_js(env, status);
    napi_create_double(env, rate, &result);
    return result;
  });
}

napi_value installed_blas(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    const std::string name = installed_blas_name();
    return name.empty() ? nullptr : to_js(env, name.c_str());
  });
}

napi_value use_blas(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 2;
    napi_value arguments[2] = {};
    napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
    std::string library;
    std::vector<BlasRange> ranges;
    Status status = to_text(env, arguments[0], "useBlas: library", library);
    if (status.ok()) status = to_ranges(env, arguments[1], ranges);
    if (status.ok()) status = brauer::use_blas(library, std::move(ranges));
    return to_js(env, status);
  });
}

}  // namespace brauer::bindings
