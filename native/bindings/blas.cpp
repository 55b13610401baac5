#include "core/blas.h"

#include "bindings/blas.h"
#include "bindings/convert.h"

namespace brauer::bindings {
namespace {

void set(napi_env env, napi_value object, const char* name, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

}  // namespace

napi_value blas_object(napi_env env) {
  return guarded(env, [&]() -> napi_value {
    const BlasInfo info = blas_info();
    napi_value object = nullptr, products = nullptr;
    napi_create_object(env, &object);
    if (!info.library.empty()) napi_set_named_property(env, object, "library", to_js(env, info.library.c_str()));
    napi_set_named_property(env, object, "reason", to_js(env, info.reason.c_str()));
    napi_create_array_with_length(env, info.products.size(), &products);
    for (std::uint32_t i = 0; i < info.products.size(); i++) {
      const BlasProduct& product = info.products[i];
      napi_value each = nullptr, used = nullptr;
      napi_create_object(env, &each);
      napi_set_named_property(env, each, "dtype", to_js(env, product.dtype == Dtype::f64 ? "float64" : "float32"));
      set(env, each, "inner", static_cast<double>(product.inner));
      set(env, each, "cols", static_cast<double>(product.cols));
      napi_get_boolean(env, product.used, &used);
      napi_set_named_property(env, each, "used", used);
      napi_set_element(env, products, i, each);
    }
    napi_set_named_property(env, object, "products", products);
    return object;
  });
}

napi_value product_rate(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    constexpr std::int64_t kMost = std::int64_t(1) << 31;
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

}  // namespace brauer::bindings
