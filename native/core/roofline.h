#pragma once

#include "core/dtype.h"
#include "core/status.h"

namespace brauer {

// What the processor can do at most, by all threads together: the two limits that a run is compared with.
struct Roofline {
  double copy;  // bytes read plus bytes written in a second
  double peak;  // floating-point operations in a second, a fused product and sum counted as two
};

// Takes about a second. threads: at least 1, or 0 for the default count. Float64 is measured for float64, float32 for
// all other dtypes, whose arithmetic that is. Fails with `out_of_memory` where the arrays of the copy do not fit.
Status measure_roofline(int threads, Dtype dtype, Roofline& result) noexcept;

}  // namespace brauer
