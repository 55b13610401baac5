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

// Products of one type by the least and the most of two sizes.
struct BlasRange {
  Dtype dtype;
  std::int64_t least_inner, most_inner, least_cols, most_cols;
};

struct BlasInfo {
  std::string library;  // the one in use, as it was asked for, with its own name; "" for none
  std::string reason;   // why this one, or why none
  std::string error;    // set when BRAUER_BLAS names a library that cannot be used; every load then fails with it
  std::vector<BlasRange> faster;  // the products that it is used for under BRAUER_BLAS=auto; else it is for all
  std::vector<BlasProduct> products;
};

// BRAUER_BLAS is read once per process; `products` grows with the programs that are loaded.
BlasInfo blas_info();

// Under BRAUER_BLAS=auto, chooses the usual library of this name for these products, or none for "" and for a library
// that is gone or has another name by now. Only usual names are opened: what names them is read from a file of data.
// The first call holds for the process; so does the first load, which chooses none, as two loads of one program must
// not differ. Fails with `invalid_argument` for ranges that are none, and with `out_of_memory`.
Status use_blas(const std::string& library, std::vector<BlasRange> faster) noexcept;

// The name of the library that kind blas measures, "" for none. Throws std::bad_alloc.
std::string installed_blas_name();

enum class ProductKind { own, blas };

// Floating-point operations in a second of [rows, inner]·[inner, cols] on the calling thread, run as `mix` would run
// it. Takes some 0.1 s. Under BRAUER_BLAS=auto kind blas opens the first usual library, for measuring alone. Fails with
// `invalid_argument` where there is none, or none that computes every row alike, and with `out_of_memory`.
Status measure_product(ProductKind kind, Dtype dtype, std::int64_t rows, std::int64_t inner, std::int64_t cols,
                       double& rate) noexcept;

}  // namespace brauer
