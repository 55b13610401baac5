#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/status.h"

// What bindings see of an installed BLAS. All of it may be called from any thread.
namespace brauer {

// A shape of products that a loaded program has asked the library for.
struct BlasProduct {
  Dtype dtype;
  std::int64_t inner, cols;
  bool used;  // false: the library sums the rows of a call in different orders, so our own kernels keep the shape
};

struct BlasInfo {
  std::string library;  // the one in use, as it was asked for, with its own name; "" for none
  std::string reason;   // why this one, or why none
  std::string error;    // set when BRAUER_BLAS names a library that cannot be used; every load then fails with it
  std::vector<BlasProduct> products;
};

// BRAUER_BLAS is read once per process; `products` grows with the programs that are loaded.
BlasInfo blas_info();

enum class ProductKind { own, blas };

// Floating-point operations in a second of [rows, inner]·[inner, cols] on the calling thread, run as `mix` would run
// it. Takes some 0.1 s. Under BRAUER_BLAS=auto kind blas opens the first usual library, for measuring alone. Fails with
// `invalid_argument` where there is none, or none that computes every row alike, and with `out_of_memory`.
Status measure_product(ProductKind kind, Dtype dtype, std::int64_t rows, std::int64_t inner, std::int64_t cols,
                       double& rate) noexcept;

}  // namespace brauer
